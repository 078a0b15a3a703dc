"""Whose thread handles a letter, and that nobody but the sender's clock can tell."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from actors import (
    Actor,
    ActorFailed,
    ActorSystem,
    ChildSpec,
    Context,
    Letter,
    ManualClock,
    Reason,
    Ref,
    Undelivered,
    receives,
)
from actors.chain import CHAIN, LONGEST
from actors.mailbox import Mailbox
from actors.messages import Note
from tests.actors.cast import PATIENCE, Crash, Hang, cell_of, flush, until, until_idle
from tests.actors.conftest import Run


@dataclass(frozen=True)
class Quick:
    """Handled by a brief handler, which tells ``then`` to the next one."""

    then: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Slow:
    """Handled by one that may wait, and that tells ``then`` to the next one."""

    then: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Asked:
    """Has an answer, a brief message."""


class Log:
    """Who has handled what, on which thread."""

    def __init__(self) -> None:
        self.handled: queue.Queue[tuple[str, Any, str]] = queue.Queue()
        self.notices: queue.Queue[Undelivered] = queue.Queue()
        self.wedged = threading.Event()
        self.free = threading.Event()

    def next(self) -> tuple[str, Any, str]:
        return self.handled.get(timeout=PATIENCE)


class Link(Actor):
    """Passes on what it is told to the next link."""

    def __init__(self, context: Context, *, log: Log, next_one: Callable[[], Ref]) -> None:
        super().__init__(context)
        self._log = log
        self._next = next_one

    def _note(self, message: Any) -> None:
        self._log.handled.put((self.context.address.name, message, threading.current_thread().name))

    def _pass_on(self, messages: tuple[Any, ...]) -> None:
        for message in messages:
            self.tell(self._next(), message)

    @receives(Quick, brief=True)
    def quick(self, message: Quick) -> None:
        self._pass_on(message.then)
        self._note(message)

    @receives(Slow)
    def slow(self, message: Slow) -> None:
        self._pass_on(message.then)
        self._note(message)

    @receives(Asked)
    def asked(self, _: Asked) -> Quick:
        return Quick()

    @receives(Crash, brief=True)
    def fail(self, message: Crash) -> None:
        raise message.error.with_traceback(None)

    @receives(Hang, brief=True)
    def hang(self, _: Hang) -> None:
        self._log.wedged.set()
        self._log.free.wait(PATIENCE)

    @receives(Undelivered)
    def undelivered(self, notice: Undelivered) -> None:
        self._log.notices.put(notice)


@pytest.fixture
def log() -> Any:
    log = Log()
    yield log
    log.free.set()


@pytest.fixture
def ring(run: Run, log: Log) -> Callable[..., ActorSystem]:
    """A system of links, each passing on to the next and the last to the first; all awake and idle."""

    def start(*names: str, **options: Any) -> ActorSystem:
        systems: list[ActorSystem] = []

        def link(name: str, following: str) -> ChildSpec:
            start = partial(Link, log=log, next_one=lambda: systems[0].ref(following))
            return ChildSpec("link", start=start, deadline=5.0)

        following = dict(zip(names, (*names[1:], names[0]), strict=True))
        system = run({name: link(name, following[name]) for name in names}, starts=names, **options)
        systems.append(system)
        for name in names:
            until_idle(system, name)
        return system

    return start


def thread_of(system: ActorSystem, name: str, log: Log) -> str:
    """The name of an actor's own thread: it handles what is told from outside."""
    system.ref(name).tell(Quick())
    who, _, thread = log.next()
    assert who == name
    until_idle(system, name)
    return thread


def test_a_brief_letter_told_in_a_brief_handler_is_handled_on_the_same_thread_and_afterwards(
    ring: Callable[..., ActorSystem], log: Log
) -> None:
    system = ring("a", "b", "c")
    own = thread_of(system, "a", log)
    system.ref("a").tell(Quick((Quick((Quick(),)),)))
    assert log.next() == ("a", Quick((Quick((Quick(),)),)), own)
    assert log.next() == ("b", Quick((Quick(),)), own)
    assert log.next() == ("c", Quick(), own)


def test_a_letter_that_may_wait_is_handled_on_its_own_thread_and_at_once(
    ring: Callable[..., ActorSystem], log: Log
) -> None:
    system = ring("a", "b")
    threads = {thread_of(system, name, log) for name in ("a", "b")}
    system.ref("a").tell(Quick((Slow(),)))
    handled = {who: thread for who, _, thread in (log.next(), log.next())}
    assert set(handled.values()) == threads
    assert handled["a"] != handled["b"]


def test_what_is_told_while_one_may_still_wait_is_not_kept_waiting(
    ring: Callable[..., ActorSystem], log: Log
) -> None:
    system = ring("a", "b")
    own = {name: thread_of(system, name, log) for name in ("a", "b")}
    system.ref("a").tell(Slow((Quick(),)))
    assert {(who, thread) for who, _, thread in (log.next(), log.next())} == set(own.items())


def test_an_answer_is_handled_by_whoever_gives_it(ring: Callable[..., ActorSystem], log: Log) -> None:
    system = ring("a", "b")
    own = thread_of(system, "b", log)
    system.ref("a").tell(Quick((Asked(),)))
    assert log.next()[0] == "a"
    assert log.next() == ("a", Quick(), own)


def test_whoever_waits_for_an_answer_is_answered_by_the_actors_own_thread(
    ring: Callable[..., ActorSystem], log: Log
) -> None:
    """A chain that an asker has begun would wait for the asker."""
    system = ring("a", "b")
    CHAIN.is_open = True
    try:
        with pytest.raises(ActorFailed, match="boo"):
            system.ref("a").ask(Crash(ValueError("boo")), PATIENCE)
        assert CHAIN.is_empty
    finally:
        CHAIN.is_open = False


def test_letters_keep_their_order_when_a_turn_is_lent(ring: Callable[..., ActorSystem], log: Log) -> None:
    system = ring("a", "b")
    mixed = tuple(Quick() if number % 3 else Slow() for number in range(60))
    system.ref("a").tell(Quick(mixed))
    handled = [log.next() for _ in range(61)]
    assert [message for who, message, _ in handled if who == "b"] == list(mixed)


@pytest.mark.parametrize("error", [ValueError("boo"), SystemExit(3)], ids=["exception", "exit"])
def test_a_crash_on_anothers_thread_ends_the_one_who_crashed_and_is_told_to_the_sender(
    ring: Callable[..., ActorSystem], log: Log, error: BaseException
) -> None:
    system = ring("a", "b")
    own = {name: thread_of(system, name, log) for name in ("a", "b")}
    system.ref("a").tell(Quick((Crash(error), Quick())))
    notice = log.notices.get(timeout=PATIENCE)
    assert (notice.address.name, notice.message, notice.reason) == ("b", Crash(error), Reason.CRASHED)
    assert {log.next()[0] for _ in range(2)} == {"a", "b"}  # what came after the crash as well
    until_idle(system, "b")
    assert cell_of(system, "b").record.restarts == 1
    assert cell_of(system, "a").record.restarts == 0
    assert thread_of(system, "a", log) == own["a"]
    assert thread_of(system, "b", log) != own["b"]


def test_one_that_hangs_on_anothers_thread_is_replaced_and_so_is_the_other(
    ring: Callable[..., ActorSystem], log: Log, clock: ManualClock
) -> None:
    system = ring("a", "b", clock=clock)
    before = {name: thread_of(system, name, log) for name in ("a", "b")}
    system.ref("a").tell(Quick((Hang(),)))
    assert log.wedged.wait(PATIENCE)
    system.ref("b").tell(Quick())
    system.ref("a").tell(Quick())
    clock.advance(6.0)
    flush(system)
    notice = log.notices.get(timeout=PATIENCE)
    assert (notice.message, notice.reason) == (Hang(), Reason.STUCK)
    assert log.next()[0] == "a"  # before it went on with what it had brought about
    assert {log.next()[0] for _ in range(2)} == {"a", "b"}
    assert before["b"] != thread_of(system, "b", log)
    assert before["a"] != thread_of(system, "a", log)


def test_one_that_hangs_on_anothers_thread_can_be_restarted(
    ring: Callable[..., ActorSystem], log: Log
) -> None:
    system = ring("a", "b")
    system.ref("a").tell(Quick((Hang(),)))
    assert log.wedged.wait(PATIENCE)
    assert system.restart(system.ref("b").address, PATIENCE) == 1
    system.ref("b").tell(Quick())
    assert log.next()[0] == "a"
    assert log.next()[0] == "b"
    log.free.set()  # the one on whose thread it hung goes on, and hears of it
    notice = log.notices.get(timeout=PATIENCE)
    assert (notice.message, notice.reason) == (Hang(), Reason.STUCK)


def test_a_long_chain_is_continued_by_others(ring: Callable[..., ActorSystem], log: Log) -> None:
    names = [f"n{number}" for number in range(LONGEST + 2)]
    system = ring(*names)
    own, last = thread_of(system, names[0], log), thread_of(system, names[-1], log)
    message = Quick()
    for _ in names[1:]:
        message = Quick((message,))
    system.ref(names[0]).tell(message)
    assert [log.next()[2] for _ in names] == [own] * (LONGEST + 1) + [last]


def test_what_an_idle_actor_is_told_in_a_chain_counts_as_its_own_work(
    ring: Callable[..., ActorSystem], log: Log
) -> None:
    system = ring("a", "b")
    system.ref("a").tell(Quick((Quick(), Quick())))
    for _ in range(3):
        log.next()
    until(lambda: cell_of(system, "b").record.processed == 2)
    until_idle(system, "b")
    assert cell_of(system, "a").record.processed == 1


# The mailbox's side ----------------------------------------------------------------------------------


class Reader:
    """A reader on a thread of its own, and what it got."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.lease = mailbox.lease()
        self.lease.lend(frozenset({Quick}), lambda: None)
        self.got: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=lambda: self.got.put(self.lease.take()), daemon=True).start()
        until(lambda: mailbox.idle)

    def result(self) -> Any:
        return self.got.get(timeout=PATIENCE)


@pytest.fixture
def lent() -> Any:
    """A mailbox whose reader's turn has been lent to this thread, with one brief letter in it."""
    mailbox = Mailbox(10)
    reader = Reader(mailbox)
    CHAIN.is_open = True
    mailbox.put(Letter(Quick(), at=0.0))
    CHAIN.is_open = False
    CHAIN.follow()  # the reader's visit does nothing: the turn stays here
    return mailbox, reader


def test_a_lent_turn_is_not_idle_and_comes_back(lent: tuple[Mailbox, Reader]) -> None:
    mailbox, reader = lent
    assert not mailbox.idle
    assert not mailbox.close_if_idle()
    assert [letter.message for letter in reader.lease.take_brief() or ()] == [Quick()]
    assert not mailbox.idle
    assert reader.lease.take_brief() is None
    until(lambda: mailbox.idle)
    mailbox.put(Letter(Slow(), at=0.0))
    (letter,) = reader.result()
    assert letter.message == Slow()


def test_the_reader_gets_what_is_not_brief(lent: tuple[Mailbox, Reader]) -> None:
    mailbox, reader = lent
    assert reader.lease.take_brief()
    mailbox.put(Letter(Slow(), at=0.0))
    assert reader.got.empty()
    assert reader.lease.take_brief() is None
    (letter,) = reader.result()
    assert letter.message == Slow()


def test_control_is_read_first_also_by_a_borrower(lent: tuple[Mailbox, Reader]) -> None:
    mailbox, reader = lent
    note = Note(Quick(("note",)), at=0.0)
    mailbox.put_note(note)
    assert reader.lease.take_brief() == (note,)


@pytest.mark.parametrize("end", [Mailbox.detach, Mailbox.lease, Mailbox.close])
def test_a_reader_whose_mailbox_is_taken_away_meanwhile_ends_once_the_turn_comes_back(
    lent: tuple[Mailbox, Reader], end: Callable[[Mailbox], Any]
) -> None:
    mailbox, reader = lent
    assert reader.lease.take_brief()
    end(mailbox)
    assert reader.got.empty()
    assert reader.lease.take_brief() is None
    assert reader.result() is None


def test_the_next_reader_is_not_woken_by_the_turn_of_the_last(lent: tuple[Mailbox, Reader]) -> None:
    mailbox, reader = lent
    assert reader.lease.take_brief()
    successor = Reader(mailbox)
    assert reader.lease.take_brief() is None
    assert reader.result() is None
    assert mailbox.idle
    assert successor.got.empty()
