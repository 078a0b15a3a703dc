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
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from actors.actor import Ending
from actors.cell import Cell, State
from actors.context import Context
from actors.errors import ActorFailed, ActorUnavailable
from actors.messages import Letter, Reason, Stop, Undelivered
from actors.policy import Escalate, LetGo, Park, RestartAfter, decide

if TYPE_CHECKING:
    from actors.system import ActorSystem

_log = logging.getLogger(__name__)

GRACE = 0.5
"""Seconds that a busy actor gets to finish its message when it, or what it stands under, is restarted."""

Done = Callable[[], None]


class Takedown:
    """Waits until some cells have ended; those that have not when the grace is over are abandoned."""

    def __init__(self, cells: Iterable[Cell], then: Done) -> None:
        self._waiting = {id(cell): cell for cell in cells}
        self._then: Done | None = then

    def left(self, cell: Cell) -> None:
        """One of them has ended."""
        self._waiting.pop(id(cell), None)
        self.check()

    def remaining(self) -> list[Cell]:
        """Those that have not ended."""
        return list(self._waiting.values())

    def check(self) -> None:
        """Go on if nobody is waited for; once."""
        if not self._waiting and self._then is not None:
            then, self._then = self._then, None
            then()


class Supervisor:
    """Acts on the cells of one system. Its methods are called on the scheduler's thread."""

    def __init__(self, system: "ActorSystem") -> None:
        self._system = system
        self._awaited: dict[int, list[Done]] = {}

    # Lives begin -------------------------------------------------------------------------------------

    def start(self, cell: Cell) -> None:
        """Begin a life, unless one is under way."""
        if cell.context is not None or cell.takedown is not None or cell.spec.start is None:
            return
        self._cancel_pending(cell)
        cell.parked = ""
        context = cell.context = Context(self._system, cell)
        try:
            context.actor = cell.spec.start(context)
        except BaseException as error:  # noqa: BLE001 - a constructor that raises is a life that ended
            self.ended(context, Ending(error))
            return
        context.actor.begin()

    def started(self, context: Context) -> None:
        """``on_start`` has returned: the actor answers from now on."""
        cell = context.cell
        if cell.context is not context:
            return
        cell.state = State.RUNNING
        cell.started_at = cell.idle_since = self._system.clock.monotonic()
        for done in self._awaited.pop(id(cell), []):
            done()
        for name in cell.spec.starts:
            self._system.awake(cell.address / name)

    def when_started(self, cell: Cell, done: Done) -> None:
        """Call ``done`` as soon as the cell's actor answers."""
        if cell.state is State.RUNNING:
            done()
        else:
            self._awaited.setdefault(id(cell), []).append(done)

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
        if cell.takedown is not None:
            self._end_deferred(cell, context)
            takedown, cell.takedown = cell.takedown, None
            takedown.left(cell)
            return
        self._succeed(cell, context, crashed=ending.error is not None)

    def _succeed(self, cell: Cell, context: Context, *, crashed: bool) -> None:
        """Take down what stood under a life that ended, then do what the policy decides."""
        cell.state = State.RESTARTING

        def decided() -> None:
            self._end_deferred(cell, context)
            self._follow_policy(cell, crashed=crashed)

        self.take_down(cell.subtree()[1:], GRACE, partial(self._forget_children, cell, decided))

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
        cell.parked = f"{cell.record.last_error}; parked for {pause:.0f} s after too many failures"
        self.bounce(cell, cell.mailbox.drain(), Reason.PARKED, cell.parked)
        self._start_later(cell, pause)

    def _escalate(self, cell: Cell) -> None:
        """The nearest ancestor with a life of its own has failed too; without one, the system has."""
        cell.state = State.STOPPED
        ancestor = cell.parent
        while ancestor is not None and ancestor.context is None:
            ancestor = ancestor.parent
        reason = f"{cell.address} failed too often: {cell.record.last_error}"
        if ancestor is None:
            self._system.fail(reason)
            return
        self.replace(ancestor, reason)

    # Ending lives ------------------------------------------------------------------------------------

    def take_down(self, cells: list[Cell], grace: float, then: Done) -> None:
        """End these lives in order, abandon those still busy after ``grace`` seconds, and go on."""
        alive = [cell for cell in cells if cell.context is not None]
        for cell in cells:
            self._cancel_pending(cell)
        takedown = Takedown(alive, then)
        for cell in alive:
            cell.takedown = takedown
            cell.mailbox.put_control(Letter(Stop(), at=self._system.clock.monotonic()))
        if alive:
            self._system.scheduler.after(grace, partial(self._abandon_remaining, takedown))
        takedown.check()

    def _abandon_remaining(self, takedown: Takedown) -> None:
        for cell in takedown.remaining():
            self.abandon(cell, "still busy when it was to end")
            cell.takedown = None
            takedown.left(cell)

    def abandon(self, cell: Cell, why: str) -> None:
        """End a life that does not end by itself: nothing it does counts from now on.

        The mailbox is cut off first, so that no letter is lost to the old thread.
        """
        context, cell.context = cell.context, None
        if context is None:
            return
        cell.mailbox.detach()
        in_hand = list(context.current)
        self._note_failure(cell, ActorFailed(why))
        if context.actor is not None:
            context.actor.on_abandoned()
        self.bounce(cell, in_hand, Reason.STUCK, why)
        self._end_deferred(cell, context)

    def replace(self, cell: Cell, why: str) -> None:
        """Abandon a life and let the policy decide about the next, as after a crash."""
        context = cell.context
        if context is None or cell.takedown is not None:
            return
        self.abandon(cell, why)
        self._succeed(cell, context, crashed=True)

    def restart(self, cell: Cell, done: Done) -> None:
        """An operator's restart: a new life with the same mailbox, and a clean record of failures.

        Restarting what is being taken down or started already counts as done when that is.
        """
        self._awaited.setdefault(id(cell), []).append(done)
        if cell.takedown is not None:
            return
        cell.history.crashes.clear()
        cell.history.parkings = 0
        cell.state = State.RESTARTING

        def begin() -> None:
            cell.record.restarts += 1
            self.start(cell)

        self.take_down(cell.subtree(), GRACE, partial(self._forget_children, cell, begin))

    # Forgetting --------------------------------------------------------------------------------------

    def _forget_children(self, cell: Cell, then: Done) -> None:
        for child in list(cell.children.values()):
            self.forget(child)
        then()

    def forget(self, cell: Cell) -> None:
        """Remove an ended cell and what stands under it from the tree; the address stays valid."""
        for child in list(cell.children.values()):
            self.forget(child)
        self._cancel_pending(cell)
        self._system.remove(cell)
        cell.state = State.STOPPED
        self.bounce(cell, cell.mailbox.close(), Reason.STOPPED, "stopped")
        for done in self._awaited.pop(id(cell), []):
            done()

    def put_to_sleep(self, root: Cell) -> bool:
        """End an idle subtree; ``False`` if somebody in it is not idle after all."""
        cells = root.subtree()
        if not all(_may_sleep(cell) for cell in cells) or not root.mailbox.close_if_idle():
            return False
        self._system.remove(root)
        for cell in cells:
            context, cell.context = cell.context, None
            if context is not None:
                cell.state = State.SLEEPING
                cell.mailbox.detach()
            self.bounce(cell, cell.mailbox.close(), Reason.STOPPED, "asleep")
        return True

    # Telling those concerned -------------------------------------------------------------------------

    def bounce(self, cell: Cell, letters: Iterable[Letter], reason: Reason, detail: str) -> None:
        """Tell each sender that the letter did not come to its end."""
        for letter in letters:
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

    def _end_deferred(self, cell: Cell, context: Context) -> None:
        letters = list(context.deferred.values())
        context.deferred.clear()
        self.bounce(cell, letters, Reason.RESTARTED, "restarted")

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


def _may_sleep(cell: Cell) -> bool:
    context = cell.context
    if context is None:
        return cell.pending is None and cell.takedown is None
    return (
        cell.takedown is None
        and cell.mailbox.idle
        and context.actor is not None
        and context.actor.can_sleep()
    )
