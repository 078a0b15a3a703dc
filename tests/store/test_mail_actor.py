"""The actor in front of the mails: what it answers, keeps, tells the queue, cleans up and leaves behind."""

import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pykka import ThreadingFuture, Timeout
from sqlalchemy import Connection, Engine, event

from actors import Actor, ActorSystem, ChildSpec, Context, Letter, ManualClock, Ref, receives
from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import (
    AcceptMail,
    AccountCounts,
    Duplicate,
    FetchAccountCounts,
    FetchDueMails,
    ListMails,
    MailCounts,
    MailPage,
    MailReceipt,
    MailsReady,
    MailState,
    MarkNotified,
    QueuedMail,
    RecordMailResults,
    RememberUnconfirmed,
    RetryMails,
)
from pushserver.store import (
    CommandRefused,
    MailEstate,
    MailReader,
    MailStore,
    Receipts,
    Retention,
    Spool,
    database_file,
    open_writer,
)
from pushserver.store.mail_actor import MOST_UNHEARD
from tests.store.mail_samples import ANN, BOB, a_mail, accept, bounced, delivered, record, unstored_receipts
from tests.store.samples import NOON, SECOND

DEADLINE = 20.0
A_DAY = 86_400.0
CLEAN_UP = 300.0


class Listener(Actor):
    """Stands where the queue will: says what it hears."""

    def __init__(self, context: Context, heard: "queue.Queue[MailsReady]") -> None:
        super().__init__(context)
        self._heard = heard

    @receives(MailsReady)
    def hear(self, message: MailsReady) -> None:
        self._heard.put(message)


class Relay:
    """A process with a mail store and somebody who listens; restarted by building another one."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.spool = Spool(directory)
        self.clock = ManualClock(NOON)
        self.receipts = Receipts(directory.parent, "relay-0")
        self.estate = MailEstate(owed=[Letter(command, at=0.0) for command in self.receipts.unstored])
        self.heard: queue.Queue[MailsReady] = queue.Queue()
        self.opened: list[Engine] = []
        children: dict[str, ChildSpec] = {}
        root = ChildSpec(kind="root", children=children, starts=("mails", "queue"))
        self.system = ActorSystem("relay-0", root, clock=self.clock)
        self.store: Ref = self.system.ref("mails")
        children["mails"] = ChildSpec(kind="mails", start=self._store, batch=100)
        children["queue"] = ChildSpec(kind="queue", start=lambda context: Listener(context, self.heard))

    def _store(self, context: Context) -> MailStore:
        return MailStore(
            context,
            engine=self._open,
            spool=self.spool,
            retention=Retention(A_DAY, CLEAN_UP),
            estate=self.estate,
            receipts=self.receipts,
            queue=self.system.ref("queue"),
        )

    def _open(self) -> Engine:
        self.opened.append(open_writer(self.url, durability="power", busy_timeout=0.05))
        return self.opened[-1]

    def ask(self, message: Any) -> Any:
        return self.store.ask(message, timeout=DEADLINE)

    def ids(self) -> list[str]:
        queued: tuple[QueuedMail, ...] = self.ask(FetchDueMails(NOON + 1000 * SECOND, 100))
        return [item.mail.id for item in queued]

    def begin_to_ask(self, message: Any) -> ThreadingFuture[Any]:
        reply: ThreadingFuture[Any] = ThreadingFuture()
        self.store.deliver(Letter(message, at=self.clock.monotonic(), reply_to=reply))
        return reply

    def ask_until_stored(self, message: Any) -> None:
        eventually(lambda: self._is_stored(message), "the end of an outage")

    def _is_stored(self, message: Any) -> bool:
        try:
            self.ask(message)
        except StoreUnavailable:
            return False
        return True

    def listed(self) -> list[str]:
        page: MailPage = self.ask(ListMails(limit=2_000))
        return [item.id for item in page.items]

    def wait_until_listed(self, *mail_ids: str) -> None:
        eventually(lambda: self.listed() == [*mail_ids], "a purge")

    def hears(self) -> MailsReady:
        return self.heard.get(timeout=DEADLINE)

    def rest(self) -> None:
        """Wait until the store has done what it was told."""
        cell = self.system.find(self.store.address)
        assert cell is not None
        eventually(lambda: cell.mailbox.idle, "a store at rest")


class Commits:
    """Counts a store's commits, and lets it wait in the first."""

    def __init__(self, engine: Engine) -> None:
        self.made = 0
        self.go_on = threading.Event()
        self._begun = threading.Event()
        event.listen(engine, "commit", self._committing)

    def _committing(self, _: Connection) -> None:
        self.made += 1
        self._begun.set()
        assert self.go_on.wait(DEADLINE)

    def wait_for_the_first(self) -> None:
        assert self._begun.wait(DEADLINE)


def eventually(happened: Callable[[], bool], what: str) -> None:
    pause = threading.Event()
    give_up = time.monotonic() + DEADLINE
    while not happened():
        assert time.monotonic() < give_up, f"waited in vain for {what}"
        pause.wait(0.002)


Relays = Callable[[], Relay]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def new_relay(url: str, directory: Path) -> Iterator[Relays]:
    running: list[Relay] = []

    def start() -> Relay:
        for former in running:
            former.system.stop()
        relay = Relay(url, directory)
        running.append(relay)
        relay.system.start()
        return relay

    yield start
    for relay in running:
        relay.system.stop()


@pytest.fixture
def relay(new_relay: Relays) -> Relay:
    return new_relay()


@pytest.fixture
def holder(url: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database_file(url), isolation_level=None, timeout=DEADLINE)) as connection:
        yield connection


# Accepting -------------------------------------------------------------------------------------------


def test_a_mail_is_committed_when_it_is_answered(relay: Relay, reader: Engine) -> None:
    assert relay.ask(accept("m1")) is None
    assert [item.id for item in MailReader(reader).page(None, 9, 0).items] == ["m1"]


def test_an_answer_waits_for_the_disk(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, ready = threading.Event(), threading.Event()

    def sync(_descriptor: int) -> None:
        busy.set()
        assert ready.wait(DEADLINE)

    monkeypatch.setattr(os, "fdatasync", sync)
    reply = relay.begin_to_ask(accept("m1"))
    assert busy.wait(DEADLINE)
    with pytest.raises(Timeout):
        reply.get(timeout=0)
    ready.set()
    assert reply.get(timeout=DEADLINE) is None


def test_mails_that_wait_together_share_a_commit(relay: Relay) -> None:
    commits = Commits(relay.opened[0])
    relay.store.tell(AccountCounts("main", sent=1))
    commits.wait_for_the_first()
    replies = [relay.begin_to_ask(accept(f"m{number}")) for number in range(32)]
    commits.go_on.set()
    assert [reply.get(timeout=DEADLINE) for reply in replies] == [None] * 32
    assert commits.made == 2
    assert len(relay.ids()) == 32


def test_a_mail_that_can_never_be_stored_harms_no_other(relay: Relay) -> None:
    relay.ask(accept("m1"))
    with pytest.raises(CommandRefused):
        relay.ask(accept("m1"))
    relay.ask(accept("m2"))
    assert relay.ids() == ["m1", "m2"]


def test_a_mail_that_its_client_may_not_know_of_is_a_duplicate_even_after_a_restart(
    new_relay: Relays,
) -> None:
    relay = new_relay()
    relay.ask(accept("m1", digest="same"))
    relay.store.tell(RememberUnconfirmed("same", "m1", NOON))
    assert new_relay().ask(accept("m2", digest="same")) == Duplicate("m1")


# What the queue hears --------------------------------------------------------------------------------


def test_the_queue_hears_of_what_may_be_due(relay: Relay) -> None:
    relay.ask(accept("m1"))
    assert [queued.mail.id for queued in relay.hears().mails] == ["m1"]
    bounce = RecordMailResults("m1", bounced(ANN), NOON, dsns=(a_mail("dsn"),))
    for work in (bounce, RetryMails(None, NOON)):
        relay.ask(work)
        assert relay.hears() == MailsReady(others=True)


def test_the_queue_does_not_hear_of_anything_else(relay: Relay) -> None:
    for command in (record("gone", *delivered(ANN)), MarkNotified("gone"), FetchAccountCounts()):
        relay.ask(command)
    relay.ask(accept("m1"))
    assert [queued.mail.id for queued in relay.hears().mails] == ["m1"]
    relay.system.stop()
    assert relay.heard.empty()


def test_the_queue_is_handed_new_mails(relay: Relay) -> None:
    relay.ask(accept("m1"))
    assert relay.hears() == MailsReady(relay.ask(FetchDueMails(NOON, 1)))


def test_a_duplicate_is_handed_to_nobody(relay: Relay) -> None:
    relay.ask(accept("m1", digest="same"))
    relay.hears()
    relay.ask(RememberUnconfirmed("same", "m1", NOON))
    assert relay.ask(accept("m2", digest="same")) == Duplicate("m1")
    relay.ask(RetryMails(None, NOON))
    assert relay.hears() == MailsReady(others=True)


def test_a_queue_that_is_not_heard_of_is_handed_so_much_and_told_of_the_others(relay: Relay) -> None:
    half = b"x" * (MOST_UNHEARD // 2)
    handed = []
    for number in range(3):
        relay.ask(AcceptMail(a_mail(f"m{number}", content=half), ""))
        handed.append(len(relay.hears().mails))
    assert handed == [1, 1, 0]
    assert len(relay.ask(FetchDueMails(NOON, 9))) == 3
    relay.ask(AcceptMail(a_mail("next", content=half), ""))
    assert len(relay.hears().mails) == 1


def test_a_life_that_hung_and_was_replaced_hands_nothing_over(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its successor's queue may have sent that mail, and forgotten it, long ago."""
    busy, ready = threading.Event(), threading.Event()

    def sync(_descriptor: int) -> None:
        if not busy.is_set():
            busy.set()
            assert ready.wait(DEADLINE)

    monkeypatch.setattr(os, "fdatasync", sync)
    relay.begin_to_ask(accept("m1"))
    assert busy.wait(DEADLINE)
    (hanging,) = [thread for thread in threading.enumerate() if thread.name.startswith("MailStore")]
    restarting = threading.Thread(target=relay.system.restart, args=(relay.store.address, DEADLINE))
    restarting.start()
    while restarting.is_alive():  # the supervisor's patience is the clock's
        relay.clock.advance(1.0)
        restarting.join(0.01)
    assert relay.ids() == ["m1"], "it had been committed"
    ready.set()
    hanging.join(DEADLINE)
    relay.ask(accept("m2"))
    assert [queued.mail.id for queued in relay.hears().mails] == ["m2"]


# Results wait for company ----------------------------------------------------------------------------


def test_results_wait_a_moment_for_others(relay: Relay, reader: Engine) -> None:
    relay.ask(accept("m1"))
    relay.store.tell(record("m1", *delivered(ANN)))
    relay.rest()
    assert states(reader) == {"m1": MailState.WAITING}
    relay.clock.advance(MailStore.patience)
    eventually(lambda: states(reader) == {"m1": MailState.DELIVERED}, "the results")


def test_results_share_the_commit_of_the_next_mail(relay: Relay, reader: Engine) -> None:
    relay.ask(accept("m1"))
    relay.store.tell(record("m1", *delivered(ANN)))
    relay.ask(accept("m2"))
    assert states(reader) == {"m1": MailState.DELIVERED, "m2": MailState.WAITING}


def test_results_that_bring_a_bounce_are_stored_at_once(relay: Relay, reader: Engine) -> None:
    relay.ask(accept("m1"))
    relay.hears()
    relay.store.tell(RecordMailResults("m1", bounced(ANN), NOON, dsns=(a_mail("dsn"),)))
    assert relay.hears() == MailsReady(others=True)
    assert states(reader) == {"m1": MailState.BOUNCED, "dsn": MailState.WAITING}


def states(reader: Engine) -> dict[str, MailState]:
    """Of the first recipient of each mail."""
    return {item.id: item.recipients[0].state for item in MailReader(reader).page(None, 99, 0).items}


# Restarts and outages --------------------------------------------------------------------------------


def test_counters_survive_restarts_of_the_actor_and_of_the_process(new_relay: Relays) -> None:
    relay = new_relay()
    relay.store.tell(AccountCounts("main", sent=2, failed=1))
    relay.system.restart(relay.store.address)
    relay.store.tell(AccountCounts("main", sent=1))
    assert new_relay().ask(FetchAccountCounts()) == {"main": (3, 1)}


def test_what_was_accepted_is_there_after_a_restart(new_relay: Relays) -> None:
    relay = new_relay()
    relay.ask(accept("m1"))
    relay.system.restart(relay.store.address)
    assert relay.ids() == ["m1"]
    assert new_relay().ids() == ["m1"]


def test_what_a_dead_process_had_sent_and_not_stored_is_stored_before_anything_is_due(
    new_relay: Relays, directory: Path, reader: Engine
) -> None:
    first = new_relay()
    first.ask(accept("m1", ANN, BOB))
    first.ask(accept("m2"))
    for receipt in (MailReceipt("main", (ANN,), mail_id="m1"), MailReceipt("main", (ANN,), mail_id="gone")):
        first.receipts.keep(receipt, NOON + SECOND)
    second = new_relay()
    mails: tuple[QueuedMail, ...] = second.ask(FetchDueMails(NOON + SECOND, 100))
    assert [[(to.state, to.account) for to in queued.recipients] for queued in mails] == [
        [(MailState.DELIVERED, "main"), (MailState.WAITING, "")],
        [(MailState.WAITING, "")],
    ]
    assert MailReader(reader).counts() == {"main": MailCounts(1, 0)}
    assert unstored_receipts(directory.parent) == ()


def test_a_receipt_is_kept_until_its_results_are_committed(
    relay: Relay, directory: Path, holder: sqlite3.Connection
) -> None:
    relay.ask(accept("m1"))
    relay.receipts.keep(MailReceipt("main", (ANN,), mail_id="m1"), NOON)
    holder.execute("BEGIN IMMEDIATE")
    relay.store.tell(record("m1", *delivered(ANN)))
    relay.clock.advance(1.0)
    with pytest.raises(StoreUnavailable):
        relay.ask(FetchAccountCounts())
    assert len(unstored_receipts(directory.parent)) == 1
    holder.execute("ROLLBACK")
    relay.clock.advance(2.0)
    relay.ask_until_stored(accept("m2"))
    assert relay.ids() == ["m2"]
    assert unstored_receipts(directory.parent) == ()


def test_whoever_asks_during_an_outage_is_refused_and_what_is_told_is_kept(
    relay: Relay, holder: sqlite3.Connection
) -> None:
    relay.ask(accept("m1"))
    holder.execute("BEGIN IMMEDIATE")
    relay.store.tell(record("m1", *delivered(ANN)))
    for mail_id in ("m2", "m3"):
        with pytest.raises(StoreUnavailable, match="database is locked; nothing was stored"):
            relay.ask(accept(mail_id))
    holder.execute("ROLLBACK")
    relay.clock.advance(1.0)
    relay.ask_until_stored(accept("m4"))
    assert relay.ids() == ["m4"]


# The spool -------------------------------------------------------------------------------------------


def spooled(relay: Relay, mail_id: str) -> AcceptMail:
    with relay.spool.create(mail_id) as file:
        file.write(b"x" * 1000)
        return AcceptMail(a_mail(mail_id, content=file.commit(), size=1000), mail_id)


def test_a_process_that_starts_removes_what_belongs_to_no_mail(
    new_relay: Relays, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    relay = new_relay()
    relay.ask(spooled(relay, "owed"))
    spooled(relay, "orphan")
    with caplog.at_level(logging.WARNING):
        new_relay()
    assert [path.name for path in directory.iterdir()] == ["owed.eml"]
    assert "1 files in the spool belonged to no mail" in caplog.text


def test_an_actor_that_is_restarted_leaves_alone_what_is_on_its_way(relay: Relay) -> None:
    command = spooled(relay, "m1")
    relay.system.restart(relay.store.address)
    relay.ask(command)
    assert relay.ids() == ["m1"]


def test_a_store_that_somebody_holds_at_the_start_keeps_its_orphans(
    new_relay: Relays, directory: Path, holder: sqlite3.Connection
) -> None:
    spooled(new_relay(), "orphan")
    holder.execute("BEGIN IMMEDIATE")
    relay = new_relay()
    holder.execute("ROLLBACK")
    relay.ask(accept("m1"))
    assert [path.name for path in directory.iterdir()] == ["orphan.eml"]
    new_relay()
    assert list(directory.iterdir()) == []


# Retention -------------------------------------------------------------------------------------------


def test_finished_mails_past_their_retention_go_and_those_still_owed_never(relay: Relay) -> None:
    relay.ask(accept("old"))
    relay.ask(accept("owed"))
    relay.ask(record("old", *delivered(ANN), at=NOON))
    relay.clock.advance(A_DAY - CLEAN_UP)
    relay.ask(accept("young"))
    relay.ask(record("young", *delivered(ANN), at=relay.clock.now()))
    assert relay.listed() == ["young", "owed", "old"]
    relay.clock.advance(CLEAN_UP + 1.0)
    relay.wait_until_listed("young", "owed")


def test_a_purge_of_many_goes_on_until_all_are_gone(relay: Relay) -> None:
    many = [f"m{number}" for number in range(1_100)]
    for reply in [relay.begin_to_ask(accept(mail_id)) for mail_id in many]:
        reply.get(timeout=DEADLINE)
    for reply in [relay.begin_to_ask(record(mail_id, *delivered(ANN), at=NOON)) for mail_id in many]:
        reply.get(timeout=DEADLINE)
    relay.clock.advance(A_DAY + CLEAN_UP)
    relay.wait_until_listed()
