"""How mails come to the queue: handed over as they are stored, or looked for; each sets out once."""

import queue
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from actors import Actor, ActorSystem, ChildSpec, Context, Letter, ManualClock, Ref, receives
from pushserver.domain.mail import (
    AccountCounts,
    FetchDueMails,
    MailReceipt,
    MailRecipient,
    MailResult,
    MailsReady,
    MailState,
    QueuedMail,
    RecordMailResults,
    SubmitMail,
)
from pushserver.relay.dsn import Reporter
from pushserver.relay.queue import MOST_IN_HAND, REFILL, MailQueue, QueueEstate, Route
from tests.relay.gatehouse import eventually
from tests.store.mail_samples import ANN, a_mail
from tests.store.samples import NOON

PATIENCE = 20.0


class Shelf(Actor):
    """Stands where the store is; a look waits until the test says what it finds."""

    def __init__(
        self,
        context: Context,
        looks: "queue.Queue[tuple[FetchDueMails, Letter]]",
        recorded: "queue.Queue[RecordMailResults]",
    ) -> None:
        super().__init__(context)
        self._looks = looks
        self._recorded = recorded

    @receives(FetchDueMails)
    def fetch(self, fetch: FetchDueMails) -> None:
        self._looks.put((fetch, self.defer()))

    @receives(tuple)
    def find(self, found: tuple[Letter, tuple[QueuedMail, ...]]) -> None:
        self.settle(*found)

    @receives(RecordMailResults)
    def record(self, results: RecordMailResults) -> None:
        self._recorded.put(results)


class Account(Actor):
    """Stands where an account is; keeps mails until the test says that they are gone."""

    def __init__(self, context: Context, sent: "queue.Queue[str]") -> None:
        super().__init__(context)
        self._sent = sent
        self._in_hand: dict[str, Letter] = {}

    @receives(SubmitMail)
    def submit(self, submit: SubmitMail) -> None:
        self._in_hand[submit.mail_id] = self.defer()
        self._sent.put(submit.mail_id)

    @receives(str)
    def gone(self, mail_id: str) -> None:
        receipt = MailReceipt("main", accepted=(ANN,), mail_id=mail_id)
        self.settle(self._in_hand.pop(mail_id), receipt)


class Desk:
    """A queue between a shelf and an account, and what the test does to it."""

    def __init__(self) -> None:
        self._looks: queue.Queue[tuple[FetchDueMails, Letter]] = queue.Queue()
        self._sent: queue.Queue[str] = queue.Queue()
        self._recorded: queue.Queue[RecordMailResults] = queue.Queue()
        children: dict[str, ChildSpec] = {}
        root = ChildSpec("root", children=children, starts=("shelf", "main", "queue"))
        self.system = ActorSystem("relay-0", root, clock=ManualClock(NOON))
        route = Route(self.system.ref("main"), "main@relay.example", 1, connections=10 * MOST_IN_HAND)
        children["shelf"] = ChildSpec("shelf", partial(Shelf, looks=self._looks, recorded=self._recorded))
        children["main"] = ChildSpec("account", partial(Account, sent=self._sent))
        children["queue"] = ChildSpec(
            "queue",
            partial(
                MailQueue,
                store=self.system.ref("shelf"),
                routes={"main": route},
                reporter=Reporter("relay.example", "postmaster@relay.example"),
                max_age=timedelta(days=3),
                tell_people=lambda _: None,
                estate=QueueEstate(),
            ),
        )
        self.queue: Ref = self.system.ref("queue")

    def hand(self, *mail_ids: str, others: bool = False) -> None:
        self.queue.tell_if_awake(MailsReady(tuple(map(queued, mail_ids)), others))

    def look(self) -> tuple[FetchDueMails, Letter]:
        """The next time that the queue looks."""
        return self._looks.get(timeout=PATIENCE)

    def find(self, letter: Letter, *mail_ids: str) -> None:
        self.system.ref("shelf").tell((letter, tuple(map(queued, mail_ids))))

    def first_look(self, *mail_ids: str) -> None:
        """The one that every queue begins with."""
        _, letter = self.look()
        self.find(letter, *mail_ids)

    def sent(self, count: int) -> list[str]:
        return [self._sent.get(timeout=PATIENCE) for _ in range(count)]

    def gone(self, *mail_ids: str) -> None:
        for mail_id in mail_ids:
            self.system.ref("main").tell(mail_id)

    def recorded(self) -> RecordMailResults:
        """What the queue has had stored next."""
        return self._recorded.get(timeout=PATIENCE)

    @property
    def looked_again(self) -> bool:
        """Once the queue has done what it was told, and the shelf what the queue has told it."""
        for name in ("queue", "shelf"):
            cell = self.system.find(self.system.ref(name).address)
            assert cell is not None
            eventually(partial(getattr, cell.mailbox, "idle"))
        return not self._looks.empty()


def queued(mail_id: str) -> QueuedMail:
    return QueuedMail(a_mail(mail_id), (MailRecipient(ANN),), NOON)


def names(first: int, count: int) -> list[str]:
    return [f"m{number}" for number in range(first, first + count)]


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    made.system.start()
    yield made
    made.system.stop()


def test_what_is_handed_over_sets_out_without_a_look(desk: Desk) -> None:
    desk.first_look("m0")
    assert desk.sent(1) == ["m0"]
    desk.hand("m1", "m2")
    assert desk.sent(2) == ["m1", "m2"]
    assert not desk.looked_again


def test_what_a_look_finds_though_it_was_handed_over_sets_out_once(desk: Desk) -> None:
    _, letter = desk.look()
    desk.hand("m1")
    assert desk.sent(1) == ["m1"]
    desk.gone("m1")
    desk.hand("m2")
    assert desk.sent(1) == ["m2"]
    desk.find(letter, "m1", "m2", "m3")
    assert desk.sent(1) == ["m3"], "one that is gone already is not sent again either"


def test_who_is_told_of_others_looks_for_them(desk: Desk) -> None:
    desk.first_look()
    desk.hand("m1", others=True)
    fetch, letter = desk.look()
    assert fetch.exclude == ("m1",)
    desk.find(letter, "m2")
    assert desk.sent(2) == ["m1", "m2"]


def test_a_full_hand_takes_no_more_and_new_mails_wait_behind_those_it_left(desk: Desk) -> None:
    desk.first_look("m0")
    assert desk.sent(1) == ["m0"]
    desk.hand(*names(1, MOST_IN_HAND))
    assert desk.sent(MOST_IN_HAND - 1) == names(1, MOST_IN_HAND - 1)
    desk.hand("new")
    desk.gone(*names(0, REFILL))
    fetch, letter = desk.look()
    assert (fetch.limit, len(fetch.exclude)) == (REFILL, MOST_IN_HAND - REFILL)
    desk.find(letter, f"m{MOST_IN_HAND}", "new")
    assert desk.sent(2) == [f"m{MOST_IN_HAND}", "new"]
    assert not desk.looked_again


def test_a_new_life_of_the_queue_does_not_send_again_what_an_account_has_in_hand(desk: Desk) -> None:
    desk.first_look("m0", "m1")
    assert desk.sent(2) == ["m0", "m1"]
    desk.gone("m0")
    assert desk.recorded().mail_id == "m0"
    assert desk.system.restart(desk.queue.address) == 1
    fetch, letter = desk.look()
    assert fetch.exclude == ("m1",)
    desk.find(letter, "m2")
    assert desk.sent(1) == ["m2"]
    desk.gone("m1")
    stored = desk.recorded()
    assert (stored.mail_id, stored.results) == ("m1", (MailResult(ANN, MailState.DELIVERED, account="main"),))
    assert stored.counts == (AccountCounts("main", sent=1),)
