"""The base of all actors: Pykka's, with a mailbox that outlives it and a supervisor that hears of failures.

What differs from :class:`pykka.ThreadingActor`:

* Messages are dispatched by their type to methods marked with :func:`receives`.
* Every exception, in ``on_start`` and during an ``ask`` too, and every ``BaseException`` (Pykka stops *all*
  actors on a ``SystemExit`` in one), ends this actor alone and is reported to the supervisor.
* Whoever sent the message that failed is told, whether they asked or told.
* Actors are started by supervisors from a :class:`~actors.spec.ChildSpec`, never by ``start()``; the
  global ``ActorRegistry`` is not used, addresses take its place.
"""

import logging
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import pykka

from actors.chain import CHAIN, LONGEST
from actors.context import Context
from actors.errors import Fenced
from actors.messages import Letter, Stop, Undelivered
from actors.ref import Ref
from actors.scheduler import Timer

_log = logging.getLogger(__name__)

Handler = Callable[[Any, Any], Any]
_H = TypeVar("_H", bound=Callable[..., Any])


def receives(*types: type, brief: bool = False) -> Callable[[_H], _H]:
    """Mark a method as the handler of messages of these types (exactly these, not subclasses).

    A ``brief`` one never waits, neither for I/O nor for an answer: told while the actor is idle, its messages
    may be handled on the thread of whoever tells them (:mod:`actors.chain`).
    """

    def mark(method: _H) -> _H:
        method.__receives__ = types  # type: ignore[attr-defined]  # marks on a function, read below
        method.__brief__ = brief  # type: ignore[attr-defined]
        return method

    return mark


@dataclass(frozen=True, slots=True)
class Ending:
    """How a life ended: in order, or by ``error`` with ``letters`` in hand."""

    error: BaseException | None = None
    letters: Sequence[Letter] = field(default=())


class Actor(pykka.ThreadingActor):
    """An actor with a name.

    A handler's return value is the answer: an asker gets it, a sender is told it unless it is ``None``. A
    returned exception is raised at the asker and harms nobody: bad input is an answer, a raise is a crash.
    """

    use_daemon_thread = True
    _handlers: ClassVar[dict[type, Handler]] = {}
    _brief: ClassVar[frozenset[type]] = frozenset()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        marked = {
            message_type: (name, method.__brief__)
            for base in reversed(cls.__mro__)
            for name, method in vars(base).items()
            for message_type in getattr(method, "__receives__", ())
        }
        # By name, so that a subclass may override a handler without marking it again.
        cls._handlers = {message_type: getattr(cls, name) for message_type, (name, _) in marked.items()}
        cls._brief = frozenset(message_type for message_type, (_, brief) in marked.items() if brief)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.actor_inbox = context.inbox
        self._actor_ref = pykka.ActorRef(self)
        self._ending = Ending()

    # What subclasses use -----------------------------------------------------------------------------

    @property
    def self_ref(self) -> Ref:
        """My own address, as others know me."""
        return self.context.ref

    def tell(self, ref: Ref, message: Any) -> None:
        """Tell as myself: failures and answers come back to me. See :meth:`Ref.tell`.

        Raises:
            Fenced: I have been replaced; my successor speaks now.
        """
        self.context.check_current()
        ref.tell(message, sender=self.context.ref)

    def after(self, seconds: float, message: Any) -> Timer:
        """Tell myself ``message`` later; forgotten when I am restarted."""
        return self.context.after(seconds, message)

    def child(self, name: str) -> Ref:
        """The address of a child; it starts when it is first told something."""
        return self.context.child(name)

    def defer(self, letter: Letter | None = None) -> Letter:
        """Keep the message in hand open: its answer comes later, through :meth:`settle`.

        If I am restarted before that, its sender is told (``Reason.RESTARTED``). Whoever is handed messages
        in batches says which ``letter`` is meant.
        """
        if letter is None:
            (letter,) = self.context.current
        self.context.deferred[id(letter)] = letter
        return letter

    def settle(self, letter: Letter, answer: Any) -> None:
        """Answer a message that was deferred."""
        self.context.deferred.pop(id(letter), None)
        self.answer(letter, answer)

    def resume(self, letter: Letter) -> None:
        """Take a deferred message in hand again: it shares the fate of the message being handled.

        If I crash or hang from here on, its sender is told that, and not that I was restarted. It is still to
        be answered, through :meth:`settle`.
        """
        self.context.deferred.pop(id(letter), None)
        self.context.lease.in_hand = (*self.context.lease.in_hand, letter)

    def answer(self, letter: Letter, value: Any) -> None:
        """Give ``value`` to whoever sent ``letter``; the first answer counts.

        Raises:
            Fenced: I have been replaced, and the sender has been told.
        """
        self.context.check_current()
        if letter.settled:
            return
        letter.settled = True
        if letter.reply_to is None:
            if value is not None and letter.sender is not None:
                letter.sender.tell_if_awake(value)
            return
        try:
            if isinstance(value, BaseException):
                letter.reply_to.set_exception((type(value), value, value.__traceback__))
            else:
                letter.reply_to.set(value)
        except queue.Full:
            _log.debug("an answer of %s came after the failure was reported", self.context.address)

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        """Wait inside for something that is not my doing: the deadline of my message does not run."""
        self.context.deadline_from = None
        try:
            yield
        finally:
            self.context.check_current()
            self.context.deadline_from = self.context.clock.monotonic()

    # Hooks -------------------------------------------------------------------------------------------

    def receive_batch(self, letters: Sequence[Letter]) -> None:
        """Handle what waited in the mailbox, up to ``ChildSpec.batch`` letters; must answer each.

        Runs on the actor's thread. Raising fails all that have not been answered.
        """
        deferred = self.context.deferred
        for letter in letters:
            CHAIN.is_open = type(letter.message) in self._brief
            answer = self._dispatch(letter.message)
            CHAIN.is_open = True  # from here on nothing is waited for, whatever the message
            if id(letter) not in deferred:
                self.answer(letter, answer)

    def can_sleep(self) -> bool:
        """May I be ended while idle? Timers are forgotten then.

        Called on the supervisor's thread: look, do not touch. Raising means no.
        """
        return not self.context.deferred

    def status_note(self) -> str:
        """What a list of actors is to say of me besides; empty for nothing.

        Called on any thread, at any time: look, do not touch. Raising means nothing.
        """
        return ""

    def on_abandoned(self) -> None:
        """I am stuck and have been replaced: give back what others need.

        Called on the supervisor's thread while my own is still busy; must be short.
        """

    def on_receive(self, message: Any) -> Any:
        """Nobody handles this type: a fault of whoever wired it, except for bad news nobody asked for."""
        if isinstance(message, Undelivered | BaseException):
            what = type(message.message if isinstance(message, Undelivered) else message).__name__
            why = f"{message.reason.value}: {message.detail}" if isinstance(message, Undelivered) else message
            _log.warning("%s heard of a failure: %s: %s", self.context.address, what, why)
            return
        known = ", ".join(sorted(handled.__name__ for handled in self._handlers)) or "none"
        raise TypeError(f"{type(self).__name__} got a {type(message).__name__}; it handles: {known}")

    # The life of an actor, in Pykka's three phases ---------------------------------------------------

    def begin(self) -> None:
        """Start the thread. For the supervisor."""
        self._start_actor_loop()

    def _actor_loop(self) -> None:
        ending = self._setup() or self._run()
        self._teardown(ending)

    def _setup(self) -> Ending | None:
        self.context.deadline_from = self.context.clock.monotonic()
        try:
            self.on_start()
        except BaseException as error:  # noqa: BLE001 - reported to the supervisor
            return Ending(error)
        self.context.report_started()
        return None

    def _run(self) -> Ending:
        context, lease = self.context, self.context.lease
        batch = context.cell.spec.batch
        if batch == 1:
            lease.lend(self._brief, self.visit)
        while not self.actor_stopped.is_set():
            letters = lease.take(batch)
            if letters is None or type(letters[0].message) is Stop:
                break
            has_ended = not self._handle_letters(letters)
            self._follow_chain()
            if has_ended or lease.revoked:
                break
        return self._ending

    def visit(self) -> None:
        """Handle the brief messages that wait, on the present thread, whose ever it is.

        Whoever calls this has borrowed the turn of my own thread, which waits, and gives it back. My failure
        is none of the caller's: my own thread wakes up to it.
        """
        lease = self.context.lease
        for _ in range(LONGEST):
            letters = lease.take_brief()
            if letters is None:
                return
            if not self._handle_letters(letters):
                lease.end()
                return
        lease.wake()

    def _handle_letters(self, letters: Sequence[Letter]) -> bool:
        """Handle what is in hand; ``False`` if my life ends with it."""
        context = self.context
        begun = context.busy_since = context.deadline_from = context.clock.monotonic()
        try:
            self.receive_batch(letters)
        except BaseException as error:  # noqa: BLE001 - reported to the supervisor
            self._ending = Ending(error, context.lease.in_hand)
            return False
        finally:
            CHAIN.is_open = False
        if not context.lease.revoked:
            context.finished(letters, begun)
        return True

    def _follow_chain(self) -> None:
        """See to the letters that those I have handled have made necessary. If they hang, so do I."""
        if not CHAIN.is_empty:
            self.context.deadline_from = self.context.clock.monotonic()
            CHAIN.follow()
            self.context.deadline_from = None

    def _teardown(self, ending: Ending) -> None:
        self.actor_stopped.set()
        self.context.deadline_from = self.context.clock.monotonic()
        if isinstance(ending.error, Fenced):
            ending = Ending()
        try:
            if ending.error is None:
                self.on_stop()
            else:
                self.on_failure(type(ending.error), ending.error, ending.error.__traceback__)
        except BaseException as error:  # noqa: BLE001 - an end that fails is a failure
            ending = Ending(ending.error or error, ending.letters)
        self.context.report_ended(ending)

    def _dispatch(self, message: Any) -> Any:
        handler = self._handlers.get(type(message))
        if handler is not None:
            return handler(self, message)
        return self._handle_receive(message)

    def _stop(self) -> None:
        """Pykka's own stop message: an orderly end."""
        self.actor_stopped.set()
