"""The actor in front of the notifications: what it answers, and what an outage does to it."""

import queue
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine

from actors import Actor, ActorSystem, ChildSpec, Context, Letter, ManualClock, Ref
from pushserver.domain import StoreUnavailable
from pushserver.domain.messages import (
    ClearNotifications,
    DeleteNotification,
    MarkAllRead,
    MarkRead,
    NotificationStored,
    StoreNotification,
)
from pushserver.store import (
    NotificationReader,
    NotificationStore,
    apply_to_notifications,
    database_file,
    open_writer,
)
from pushserver.store.committer import TRY_AGAIN_AFTER
from tests.store.samples import an_entry

DEADLINE = 10.0


class Raiser(Actor):
    """Passes on what it is told, and keeps the answers."""

    def __init__(self, context: Context, *, store: Ref, heard: "queue.SimpleQueue[object]") -> None:
        super().__init__(context)
        self._store = store
        self._heard = heard

    def receive_batch(self, letters: Any) -> None:
        for letter in letters:
            if isinstance(letter.message, StoreNotification):
                self.tell(self._store, letter.message)
            else:
                self._heard.put(letter.message)


class Stage:
    """A notification store over a database, and somebody who raises alarms."""

    def __init__(self, url: str, max_count: int = 100) -> None:
        self.clock = ManualClock()
        self.owed: list[Letter] = []
        self.heard: queue.SimpleQueue[object] = queue.SimpleQueue()
        children: dict[str, ChildSpec] = {}
        self.system = ActorSystem(
            "main-0",
            ChildSpec(kind="root", children=children, starts=("notifications", "raiser")),
            clock=self.clock,
        )
        self.store = self.system.ref("notifications")
        engine = partial(open_writer, url, busy_timeout=0.01)
        start = partial(NotificationStore, engine=engine, max_count=max_count, owed=self.owed)
        children["notifications"] = ChildSpec(kind="store", start=start, batch=10)
        children["raiser"] = ChildSpec(
            kind="raiser", start=partial(Raiser, store=self.store, heard=self.heard)
        )
        self.system.start()

    def ask(self, command: object) -> object:
        answer: object = self.store.ask(command, timeout=DEADLINE)
        return answer

    def raise_alarm(self, task_id: str) -> None:
        self.system.ref("raiser").tell(StoreNotification(an_entry(task_id)))

    def next_answer(self) -> object:
        return self.heard.get(timeout=DEADLINE)


@pytest.fixture
def stage(url: str) -> Iterator[Stage]:
    stage = Stage(url)
    yield stage
    stage.system.stop(DEADLINE)


@pytest.fixture
def entries(reader: Engine) -> NotificationReader:
    return NotificationReader(reader)


@pytest.fixture
def holder(url: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database_file(url), isolation_level=None, timeout=0)) as connection:
        yield connection


def test_whoever_raises_is_told_once_the_entry_is_committed(
    stage: Stage, entries: NotificationReader
) -> None:
    stage.raise_alarm("t1")
    assert stage.next_answer() == NotificationStored("t1")
    assert entries.fetch(an_entry("t1").id) == an_entry("t1")


def test_an_alarm_that_is_raised_again_is_answered_again(stage: Stage, entries: NotificationReader) -> None:
    for _ in range(2):
        stage.raise_alarm("t1")
        assert stage.next_answer() == NotificationStored("t1")
    assert entries.statistics().total == 1


def test_every_command_has_its_answer(stage: Stage) -> None:
    stage.ask(StoreNotification(an_entry("t1")))
    stage.ask(StoreNotification(an_entry("t2")))
    assert stage.ask(MarkRead(an_entry("t1").id)) is True
    assert stage.ask(MarkRead("unknown")) is False
    assert stage.ask(MarkAllRead()) == 1
    assert stage.ask(DeleteNotification("unknown")) is False
    assert stage.ask(ClearNotifications()) == 2


def test_an_entry_that_can_never_be_stored_is_refused_by_name(stage: Stage) -> None:
    stage.raise_alarm("t1")
    stage.next_answer()
    same_id = replace(an_entry("t2"), id=an_entry("t1").id)
    stage.system.ref("raiser").tell(StoreNotification(same_id))
    answer = stage.next_answer()
    assert answer == NotificationStored("t2", "the store refuses this StoreNotification: IntegrityError")


def test_what_is_raised_during_an_outage_is_stored_after_it(
    stage: Stage, entries: NotificationReader, holder: sqlite3.Connection
) -> None:
    holder.execute("BEGIN IMMEDIATE")
    stage.raise_alarm("t1")
    with pytest.raises(StoreUnavailable):
        stage.ask(MarkAllRead())
    holder.execute("ROLLBACK")
    stage.clock.advance(TRY_AGAIN_AFTER)
    assert stage.next_answer() == NotificationStored("t1")
    assert entries.fetch(an_entry("t1").id) == an_entry("t1")


def test_what_is_owed_is_stored_at_the_end(
    stage: Stage, entries: NotificationReader, holder: sqlite3.Connection
) -> None:
    holder.execute("BEGIN IMMEDIATE")
    stage.store.tell(StoreNotification(an_entry("t1")))
    with pytest.raises(StoreUnavailable):
        stage.ask(MarkAllRead())
    assert len(stage.owed) == 1
    holder.execute("ROLLBACK")
    stage.system.stop(DEADLINE)
    assert entries.fetch(an_entry("t1").id) == an_entry("t1")


def test_a_lower_cap_holds_from_the_start(url: str, entries: NotificationReader) -> None:
    engine = open_writer(url)
    with closing(engine.connect()) as connection:
        commands = [StoreNotification(an_entry(f"t{number}")) for number in range(5)]
        apply_to_notifications(connection, commands, max_count=5)
    engine.dispose()
    stage = Stage(url, max_count=2)
    assert [entry.task_id for entry in entries.page(None, 10, 0).items] == ["t4", "t3"]
    stage.system.stop(DEADLINE)
