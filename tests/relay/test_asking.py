"""Coroutines that ask actors, and what the door hears of a store that does not answer as it should."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from actors import Actor, ActorFailed, ActorSystem, ChildSpec, Context, Policy, Ref, receives
from pushserver.domain import QueueFull, StoreUnavailable
from pushserver.domain.mail import AcceptMail, Duplicate, Mail, RememberUnconfirmed
from pushserver.relay import StoreDesk
from pushserver.relay.asking import ask
from tests.relay.gatehouse import PATIENCE, eventually

AT = datetime(2026, 1, 2, tzinfo=UTC)
MAIL = Mail("m1", "a@corp.example", ("b@corp.example",), AT, 1, "", "", b"x")
DISMISSED = Policy(restarts=0)


class Clerk(Actor):
    """Answers as it is told to."""

    def __init__(self, context: Context, answer: Callable[[], Any], heard: list[object]) -> None:
        super().__init__(context)
        self._answer = answer
        self._heard = heard

    @receives(AcceptMail)
    def accept(self, accept: AcceptMail) -> Any:
        return self._answer()

    @receives(RememberUnconfirmed)
    def remember(self, message: RememberUnconfirmed) -> None:
        self._heard.append(message)


class Office:
    def __init__(self) -> None:
        self.answer: Any = None
        self.heard: list[object] = []
        self.working = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        clerk = ChildSpec(kind="clerk", start=self._clerk, capacity=2, policy=DISMISSED)
        self.system = ActorSystem("p", ChildSpec(kind="root", children={"clerk": clerk}))

    def _clerk(self, context: Context) -> Clerk:
        return Clerk(context, self._work, self.heard)

    def _work(self) -> Any:
        self.working.set()
        assert self.go_on.wait(PATIENCE)
        if isinstance(self.answer, RuntimeError):
            raise self.answer
        return self.answer

    @property
    def clerk(self) -> Ref:
        return self.system.ref("clerk")

    def accept(self) -> Duplicate | None:
        return asyncio.run(StoreDesk(self.clerk).accept(MAIL, "digest"))

    def is_parked(self) -> bool:
        cell = self.system.find(self.clerk.address)
        return cell is not None and bool(cell.mailbox.parked)


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    office.system.start()
    yield office
    office.go_on.set()
    office.system.stop(PATIENCE)


def test_a_stored_mail_is_no_duplicate(office: Office) -> None:
    assert office.accept() is None


def test_a_duplicate_is_named(office: Office) -> None:
    office.answer = Duplicate("m0")

    assert office.accept() == Duplicate("m0")


def test_an_outage_is_raised_as_it_is(office: Office) -> None:
    office.answer = StoreUnavailable("disk full")

    with pytest.raises(StoreUnavailable, match="disk full"):
        office.accept()


def test_a_store_that_fails_on_a_mail_leaves_open_whether_it_is_stored(office: Office) -> None:
    office.answer = RuntimeError("broken")

    with pytest.raises(ActorFailed):
        office.accept()


def test_a_store_that_is_parked_has_stored_nothing(office: Office) -> None:
    office.answer = RuntimeError("broken")
    with pytest.raises(ActorFailed):
        office.accept()
    eventually(office.is_parked)

    with pytest.raises(StoreUnavailable):
        office.accept()


def test_a_store_with_too_much_to_do_takes_no_more(office: Office) -> None:
    async def four() -> list[object]:
        desk = StoreDesk(office.clerk)
        first = asyncio.create_task(desk.accept(MAIL, ""))
        await asyncio.to_thread(office.working.wait, PATIENCE)
        others = [asyncio.create_task(desk.accept(MAIL, "")) for _ in range(3)]
        await asyncio.wait(others, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        office.go_on.set()
        return await asyncio.gather(first, *others, return_exceptions=True)

    office.go_on.clear()
    *taken, refused = asyncio.run(four())

    assert taken == [None, None, None]
    assert isinstance(refused, QueueFull)


def test_the_loop_goes_on_while_an_actor_works(office: Office) -> None:
    async def meanwhile() -> object:
        asked = asyncio.create_task(ask(office.clerk, AcceptMail(MAIL, "")))
        await asyncio.to_thread(office.working.wait, PATIENCE)
        office.go_on.set()
        return await asked

    office.go_on.clear()
    office.answer = "done"

    assert asyncio.run(meanwhile()) == "done"


def test_an_answer_that_nobody_waits_for_any_more_harms_nobody(office: Office) -> None:
    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(office.clerk, AcceptMail(MAIL, "")), 0.01)

    office.go_on.clear()
    asyncio.run(impatient())
    office.go_on.set()

    assert office.accept() is None


def test_what_is_told_to_a_parked_store_is_lost_without_a_word(office: Office) -> None:
    reminder = RememberUnconfirmed("digest", "m1", AT)
    StoreDesk(office.clerk).tell(reminder)
    assert office.accept() is None
    office.answer = RuntimeError("broken")
    with pytest.raises(ActorFailed):
        office.accept()
    eventually(office.is_parked)

    StoreDesk(office.clerk).tell(reminder)

    assert office.heard == [reminder]
