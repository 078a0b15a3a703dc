"""The mechanism of supervision: starts, restarts, parks and replaces actors as their policies decide.

One supervisor a process; everything here runs on the scheduler's thread and touches cells without locks.
No step waits: what has to wait for actors to end is a :class:`Takedown`, what has to wait for time a timer.

A crash of one actor, step by step: its thread reports the end (:meth:`Supervisor.ended`); whoever sent the
letter in hand is told; what stands under the actor is taken down; the policy decides; after the pause a new
life begins with the same mailbox. Letters that waited never notice.
"""

import logging
import queue
import random
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from actors.actor import Ending
from actors.cell import Cell, State
from actors.context import Context
from actors.errors import ActorFailed, ActorUnavailable
from actors.messages import Letter, Note, Reason, Stop, Undelivered
from actors.policy import Escalate, LetGo, Park, RestartAfter, decide
from actors.takedown import Done, Takedown

if TYPE_CHECKING:
    from actors.system import ActorSystem

_log = logging.getLogger(__name__)

GRACE = 0.5
"""Seconds that a busy actor gets to finish its message when it, or what it stands under, is restarted."""


class Supervisor:
    """Acts on the cells of one system. Its methods are called on the scheduler's thread."""

    def __init__(self, system: "ActorSystem") -> None:
        self._system = system

    # Lives begin -------------------------------------------------------------------------------------

    def start(self, cell: Cell) -> None:
        """Begin a life as the specs have it now, unless one is under way or has to wait.

        Nobody lives on under a name that they do not know any more.
        """
        if cell.context is not None or cell.mailbox.closed or _is_ending(cell):
            return
        self._cancel_pending(cell)
        spec = self._system.spec_of(cell)
        if spec is None:
            self.forget(cell)
            return
        cell.spec = spec
        if spec.start is None:
            self._answers(cell)
            return
        context = cell.context = Context(self._system, cell)
        try:
            context.actor = spec.start(context)
            context.actor.begin()
        except BaseException as error:  # noqa: BLE001 - a constructor that raises is a life that ended
            self.ended(context, Ending(error))

    def started(self, context: Context) -> None:
        """``on_start`` has returned: the actor answers from now on, unless it is to end already."""
        cell = context.cell
        if cell.context is context and cell.takedown is None:
            self._answers(cell)

    def _answers(self, cell: Cell) -> None:
        cell.state = State.RUNNING
        cell.started_at = cell.idle_since = self._system.clock.monotonic()
        _release_waiting(cell)
        with suppress(ActorUnavailable):  # the system is stopping
            for name in cell.spec.starts:
                self._system.awake(cell.address / name)

    def when_started(self, cell: Cell, done: Done) -> None:
        """Call ``done`` as soon as the cell's actor answers, or is gone."""
        if cell.state is State.RUNNING or cell.mailbox.closed:
            done()
        else:
            cell.awaited.append(done)

    # Lives end ---------------------------------------------------------------------------------------

    def ended(self, context: Context, ending: Ending) -> None:
        """A thread has reported its end; those of abandoned lives are of no interest any more."""
        cell = context.cell
        if cell.context is not context:
            return
        cell.context = None
        cell.mailbox.detach()
        if ending.error is not None:
            self._note_failure(cell, ending.error)
            self.bounce(cell, ending.letters, Reason.CRASHED, cell.record.last_error)
        if cell.takedown is None:
            self._succeed(cell, context, crashed=ending.error is not None)
        else:
            self._left(context)

    def abandon(self, context: Context, why: str) -> None:
        """End a life that does not end by itself: nothing it does counts from now on.

        The mailbox is cut off first, so that no letter is lost to the old thread.
        """
        cell = context.cell
        cell.context = None
        cell.mailbox.detach()
        self._note_failure(cell, ActorFailed(why))
        self._tell_abandoned(context)
        self.bounce(cell, context.current, Reason.STUCK, why)

    def _tell_abandoned(self, context: Context) -> None:
        try:
            if context.actor is not None:
                context.actor.on_abandoned()
        except BaseException:  # noqa: BLE001 - the successor must start whatever the application's hook does
            _log.exception("%s could not give back what it holds", context.address)

    def replace(self, cell: Cell, why: str) -> None:
        """Abandon a life and let the policy decide about the next, as after a crash."""
        context = cell.context
        if context is None or cell.takedown is not None:
            return
        self.abandon(context, why)
        self._succeed(cell, context, crashed=True)

    def _succeed(self, cell: Cell, context: Context, *, crashed: bool) -> None:
        """Take down what stood under a life that ended, then do what the policy decides."""
        cell.state = State.RESTARTING
        lives = [context, *self._cut_off_children(cell)]
        self._end(cell, lives, GRACE, partial(self._follow_policy, cell, crashed=crashed))

    def _follow_policy(self, cell: Cell, *, crashed: bool) -> None:
        now = self._system.clock.monotonic()
        decision = decide(cell.spec.policy, cell.history, crashed=crashed, now=now, random=random.random)
        _log.log(
            logging.WARNING if crashed else logging.INFO,
            "%s ended: %s",
            cell.address,
            decision,
            extra={"action": "actor_ended", "actor": str(cell.address), "error": cell.record.last_error},
        )
        match decision:
            case RestartAfter(pause):
                self._start_later(cell, pause)
            case Park(pause):
                self._park(cell, pause)
            case Escalate():
                self._escalate(cell)
            case LetGo():
                self.forget(cell)

    def _start_later(self, cell: Cell, pause: float) -> None:
        cell.record.restarts += 1
        if pause <= 0:
            self.start(cell)
        else:
            cell.pending = self._system.scheduler.after(pause, partial(self.start, cell))

    def _park(self, cell: Cell, pause: float) -> None:
        last = cell.record.last_error or "ended by itself"
        reason = f"{last}; parked for {pause:.0f} s after too many failures"
        self.bounce(cell, cell.mailbox.park(reason), Reason.PARKED, reason)
        self._start_later(cell, pause)

    def _escalate(self, cell: Cell) -> None:
        """The nearest actor above has failed too; without one, the system has."""
        reason = f"{cell.address} failed too often: {cell.record.last_error}"
        ancestor = cell.parent
        while ancestor is not None and ancestor.spec.start is None:
            ancestor = ancestor.parent
        if ancestor is None:
            cell.state = State.STOPPED
            self._system.fail(reason)
            _release_waiting(cell)
        elif ancestor.context is None:
            self.forget(cell)  # it is between two lives: the next one begins with children of its own
        else:
            self.replace(ancestor, reason)

    # Ending lives ------------------------------------------------------------------------------------

    def restart(self, cell: Cell, done: Done, grace: float = GRACE) -> None:
        """An operator's restart: a new life with the same mailbox, and a clean record of failures.

        Those busy have ``grace`` seconds to finish their message.

        Restarting what is being taken down already counts as done when that is; so it does for one that has
        gone to sleep or been let go meanwhile.
        """
        if cell.mailbox.closed:
            done()
            return
        cell.awaited.append(done)
        cell.history.forgive()
        if cell.takedown is not None or _is_ending(cell):
            return
        cell.state = State.RESTARTING
        lives = [*self._ask_to_end(cell), *self._cut_off_children(cell)]
        self._end(cell, lives, grace, partial(self._begin_again, cell))

    def _begin_again(self, cell: Cell) -> None:
        cell.record.restarts += 1
        self.start(cell)

    def stop(self, root: Cell, grace: float, done: Done) -> None:
        """End a subtree for good, children before parents; whatever was under way in it gives way."""
        cells = list(reversed(root.subtree()))
        lives = [life for cell in cells for life in (*_lives_ending(cell), *self._ask_to_end(cell))]
        for cell in cells:
            cell.ending = None

        def forget() -> None:
            self.forget(root)
            done()

        self._end(root, lives, grace, forget)

    def _ask_to_end(self, cell: Cell) -> list[Context]:
        """Let the present life, if there is one, end after the message in hand; let no other begin."""
        self._cancel_pending(cell)
        cell.mailbox.put_note(Note(Stop(), at=self._system.clock.monotonic()))
        return _present_life(cell)

    def _cut_off_children(self, cell: Cell) -> list[Context]:
        """Take what stands under a cell out of the tree; returns the lives that are to end.

        Their letters go back at once: they were meant for children of the life that has ended. Who writes
        to one of the names from now on writes to a new cell, which starts when the old lives are over.
        """
        children = self._system.take_children(cell)
        below = [under for child in children for under in child.subtree()]
        lives = [life for under in below for life in (*_lives_ending(under), *_present_life(under))]
        for child in children:
            self.forget(child)
        return lives

    def _end(self, root: Cell, lives: list[Context], grace: float, then: Done) -> None:
        """Wait for lives that have been asked to end, abandon those still busy after ``grace`` s, go on."""
        takedown = root.ending = Takedown(root, lives, then)
        for life in takedown.remaining:
            life.cell.takedown = takedown
        if takedown.over:
            self._finish(takedown)
        else:
            self._system.scheduler.after(grace, partial(self._abandon_remaining, takedown))

    def _abandon_remaining(self, takedown: Takedown) -> None:
        for life in takedown.remaining:
            if life.cell.takedown is takedown:  # else a later takedown waits for it
                self.abandon(life, "still busy when it was to end")
                self._left(life)

    def _left(self, life: Context) -> None:
        cell = life.cell
        takedown, cell.takedown = cell.takedown, None
        self._retire(cell)
        if takedown is not None:
            takedown.left(life)
            if takedown.over:
                self._finish(takedown)

    def _finish(self, takedown: Takedown) -> None:
        """All lives are over, nothing of them comes any more: those who still wait for them can be told."""
        root = takedown.root
        if root.ending is not takedown:
            return
        root.ending = None
        for life in takedown.lives:
            self._end_deferred(life)
        self._withdraw_last_words(takedown)
        takedown.then()
        for cell in root.subtree()[1:]:
            self.start(cell)

    def _withdraw_last_words(self, takedown: Takedown) -> None:
        """What lives told their children while they were ending goes back: the next ones tell them anew."""
        ended = {life.address for life in takedown.lives}
        for cell in takedown.root.subtree()[1:]:
            self.bounce(cell, cell.mailbox.withdraw(ended), Reason.STOPPED, "its sender has ended")

    # Forgetting --------------------------------------------------------------------------------------

    def forget(self, cell: Cell) -> None:
        """Remove a cell and what stands under it from the tree; the address stays valid.

        A life that is still busy ends after the message in hand.
        """
        self._system.remove(cell)
        for child in self._system.take_children(cell):
            self.forget(child)
        self._cancel_pending(cell)
        cell.ending = None
        cell.state = State.STOPPED
        self.bounce(cell, cell.mailbox.close(), Reason.STOPPED, "stopped")
        self._retire(cell)
        _release_waiting(cell)

    def put_to_sleep(self, root: Cell) -> bool:
        """End an idle subtree; ``False`` if somebody in it is not idle after all."""
        with self._system.lock:  # so that nobody is woken in it meanwhile
            cells = [cell for cell in root.subtree() if cell.spec.start is not None]
            if not _close_all(cells):
                return False
            self._system.remove(root)
        for cell in cells:
            cell.context = None
            cell.state = State.SLEEPING
            cell.mailbox.detach()
            self._retire(cell)
        return True

    def _retire(self, cell: Cell) -> None:
        """Keep what a cell has counted, once nothing can be added."""
        if cell.context is None and cell.mailbox.closed:
            self._system.ledger.retire(cell)

    # Telling those concerned -------------------------------------------------------------------------

    def bounce(self, cell: Cell, letters: Iterable[Letter], reason: Reason, detail: str) -> None:
        """Tell each sender that the letter did not come to its end."""
        for letter in letters:
            if letter.settled:
                continue
            letter.settled = True
            if letter.reply_to is not None:
                self._fail_asker(cell, letter, reason, detail)
            elif letter.sender is not None and not isinstance(letter.message, Undelivered):
                notice = Undelivered(cell.address, letter.message, reason, detail)
                self._tell_quietly(letter, notice)

    def _fail_asker(self, cell: Cell, letter: Letter, reason: Reason, detail: str) -> None:
        kind = ActorFailed if reason in {Reason.CRASHED, Reason.STUCK} else ActorUnavailable
        error = kind(f"{cell.address} {reason.value}: {detail}")
        assert letter.reply_to is not None  # noqa: S101 - the caller has looked
        with suppress(queue.Full):  # it was answered after all
            letter.reply_to.set_exception((kind, error, None))

    def _tell_quietly(self, letter: Letter, notice: Undelivered) -> None:
        assert letter.sender is not None  # noqa: S101 - the caller has looked
        if not letter.sender.tell_if_awake(notice):
            _log.debug("the sender %s of a failed message is gone", letter.sender.address)

    def _end_deferred(self, context: Context) -> None:
        letters = list(context.deferred.values())
        context.deferred.clear()
        self.bounce(context.cell, letters, Reason.RESTARTED, "restarted")

    def _note_failure(self, cell: Cell, error: BaseException) -> None:
        cell.record.failures += 1
        cell.record.last_error = _describe(error)
        cell.record.last_error_at = self._system.clock.now().timestamp()
        _log.error(
            "%s failed: %s",
            cell.address,
            cell.record.last_error,
            exc_info=None if isinstance(error, ActorFailed) else error,
            extra={
                "action": "actor_failed",
                "actor": str(cell.address),
                "error": cell.record.last_error,
            },
        )

    def _cancel_pending(self, cell: Cell) -> None:
        if cell.pending is not None:
            cell.pending.cancel()
            cell.pending = None


def _describe(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _release_waiting(cell: Cell) -> None:
    awaited, cell.awaited = cell.awaited, []
    for done in awaited:
        done()


def _is_ending(cell: Cell) -> bool:
    """Is there a takedown under way here or above?"""
    at: Cell | None = cell
    while at is not None and at.ending is None:
        at = at.parent
    return at is not None


def _present_life(cell: Cell) -> list[Context]:
    return [cell.context] if cell.context is not None else []


def _lives_ending(cell: Cell) -> list[Context]:
    """The lives that a takedown of this cell waits for: whoever takes its place waits for them too."""
    return cell.ending.lives if cell.ending is not None else []


def _close_all(cells: list[Cell]) -> bool:
    """Close all mailboxes if everybody is idle; else leave them as they were."""
    closed: list[Cell] = []
    for cell in cells:
        if cell.mailbox.close_if_idle():
            closed.append(cell)
        if cell.mailbox.closed and _may_sleep(cell):
            continue
        for opened in closed:
            opened.mailbox.reopen()
        return False
    return True


def _may_sleep(cell: Cell) -> bool:
    context = cell.context
    if context is None or context.actor is None or cell.takedown is not None or cell.ending is not None:
        return False
    try:
        return context.actor.can_sleep()
    except BaseException:  # noqa: BLE001 - whoever cannot say stays awake
        _log.exception("%s could not say whether it may sleep", cell.address)
        return False
