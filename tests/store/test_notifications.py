"""What the notification store keeps, and what a command means."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, Executable, event, text

from pushserver.domain import Level, NotificationStatus, StoreUnavailable, Style
from pushserver.domain.messages import (
    ClearNotifications,
    DeleteNotification,
    MarkAllRead,
    MarkRead,
    PurgeTasks,
    StoreNotification,
    SubmitTasks,
)
from pushserver.store import (
    CommandRefused,
    NotificationCommand,
    NotificationOutcome,
    NotificationReader,
    apply,
    apply_to_notifications,
    database_file,
    open_writer,
)
from pushserver.store import notifications as statements
from tests.store.samples import NOON, a_task, an_entry, completed

UNREAD, READ = NotificationStatus.UNREAD, NotificationStatus.READ


@pytest.fixture
def entries(reader: Engine) -> NotificationReader:
    return NotificationReader(reader)


def run(
    connection: Connection, *commands: NotificationCommand, max_count: int = 100
) -> list[NotificationOutcome]:
    return apply_to_notifications(connection, commands, max_count=max_count)


def store(connection: Connection, *task_ids: str, max_count: int = 100) -> None:
    commands = [StoreNotification(an_entry(task_id)) for task_id in task_ids]
    assert run(connection, *commands, max_count=max_count) == [None] * len(commands)


def kept(entries: NotificationReader) -> list[str]:
    """The tasks of the entries, newest first."""
    return [entry.task_id for entry in entries.page(None, 1000, 0).items]


def test_an_entry_comes_back_as_it_was_stored(connection: Connection, entries: NotificationReader) -> None:
    entry = replace(an_entry("t1"), level=Level.WARNING, style=Style.CARD, strategy="platform", text="🚨" * 9)
    run(connection, StoreNotification(entry))
    assert entries.fetch(entry.id) == entry
    assert entries.page(None, 50, 0).items == (entry,)


def test_what_no_database_can_hold_is_replaced(connection: Connection, entries: NotificationReader) -> None:
    entry = replace(an_entry("t1"), text="a\0b\ud800", title="\0", reason="\udfff")
    run(connection, StoreNotification(entry))
    found = entries.fetch(entry.id)
    assert found is not None
    assert (found.text, found.title, found.reason) == ("a\ufffdb\ufffd", "\ufffd", "\ufffd")


def test_a_task_has_one_entry_whatever_is_raised_again(
    connection: Connection, entries: NotificationReader
) -> None:
    again = replace(an_entry("t1"), id="notify_another", text="another")
    run(connection, StoreNotification(an_entry("t1")), StoreNotification(again))
    run(connection, StoreNotification(again))
    assert entries.page(None, 50, 0).items == (an_entry("t1"),)


def test_a_deleted_entry_does_not_come_back(connection: Connection, entries: NotificationReader) -> None:
    store(connection, "t1", "t2")
    run(connection, DeleteNotification(an_entry("t1").id))
    store(connection, "t1")
    assert kept(entries) == ["t2"]
    run(connection, ClearNotifications())
    store(connection, "t1", "t2")
    assert kept(entries) == []


def test_the_memory_of_a_tasks_entry_goes_with_the_task(
    connection: Connection, entries: NotificationReader
) -> None:
    apply(connection, [SubmitTasks((a_task("t1"),)), completed("t1")], buffer_size=9)
    store(connection, "t1")
    apply(connection, [PurgeTasks(NOON + timedelta(days=1))], buffer_size=9)
    assert kept(entries) == ["t1"]
    with connection.begin():
        assert connection.execute(text("SELECT count(*) FROM alarms")).scalar_one() == 0


def test_the_newest_are_kept(connection: Connection, entries: NotificationReader) -> None:
    store(connection, "t1", "t2", "t3", max_count=3)
    store(connection, "t4", max_count=3)
    assert kept(entries) == ["t4", "t3", "t2"]
    store(connection, *(f"n{number}" for number in range(10)), max_count=3)
    assert kept(entries) == ["n9", "n8", "n7"]


def test_a_lower_cap_holds_as_soon_as_anything_is_committed(
    connection: Connection, entries: NotificationReader
) -> None:
    store(connection, *(f"t{number}" for number in range(10)))
    assert run(connection, max_count=1) == []
    assert kept(entries) == ["t9"]


def test_the_newest_is_the_last_stored_whatever_the_clock_says(
    connection: Connection, entries: NotificationReader
) -> None:
    run(connection, StoreNotification(an_entry("first")))
    yesterday = an_entry("second", created_at=NOON - timedelta(days=1))
    run(connection, StoreNotification(yesterday), max_count=1)
    assert kept(entries) == ["second"]


def test_marking_says_whether_there_is_one_and_may_be_repeated(
    connection: Connection, entries: NotificationReader
) -> None:
    store(connection, "t1", "t2")
    entry_id = an_entry("t1").id
    assert run(connection, MarkRead(entry_id), MarkRead(entry_id), MarkRead("unknown")) == [True, True, False]
    assert entries.page(READ, 50, 0).items == (replace(an_entry("t1"), status=READ),)
    assert entries.page(UNREAD, 50, 0).items == (an_entry("t2"),)


def test_marking_all_counts_those_that_were_unread(connection: Connection) -> None:
    store(connection, "t1", "t2", "t3")
    commands = MarkRead(an_entry("t1").id), MarkAllRead(), MarkAllRead()
    assert run(connection, *commands) == [True, 2, 0]


def test_deleting_says_whether_there_was_one(connection: Connection) -> None:
    store(connection, "t1")
    entry_id = an_entry("t1").id
    assert run(connection, DeleteNotification(entry_id), DeleteNotification(entry_id)) == [True, False]


def test_clearing_counts_what_there_was(connection: Connection) -> None:
    store(connection, "t1", "t2")
    assert run(connection, ClearNotifications(), ClearNotifications()) == [2, 0]


def test_a_command_sees_all_that_came_before_it(connection: Connection) -> None:
    stores = [StoreNotification(an_entry(f"t{number}")) for number in range(5)]
    assert run(connection, *stores, MarkAllRead(), ClearNotifications(), max_count=3) == [*[None] * 5, 3, 3]


def test_an_entry_that_can_never_be_stored_harms_no_other(
    connection: Connection, entries: NotificationReader
) -> None:
    same_id = replace(an_entry("t2"), id=an_entry("t1").id)
    outcomes = run(connection, *map(StoreNotification, (an_entry("t1"), same_id, an_entry("t3"))))
    assert [type(outcome) for outcome in outcomes] == [type(None), CommandRefused, type(None)]
    assert kept(entries) == ["t3", "t1"]


def test_a_store_that_somebody_holds_is_unavailable(connection: Connection, url: str) -> None:
    with closing(sqlite3.connect(database_file(url), isolation_level=None, timeout=0)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="database is locked; nothing was stored"):
            store(connection, "t1")


def test_a_store_without_tables_is_unavailable_to_readers(
    connection: Connection, entries: NotificationReader
) -> None:
    with connection.begin():
        connection.exec_driver_sql("DROP TABLE notifications")
    for look in (
        lambda: entries.fetch("x"),
        lambda: entries.page(None, 1, 0),
        entries.statistics,
    ):
        with pytest.raises(StoreUnavailable):
            look()


def test_counts_are_exact_however_many_processes_write(
    connection: Connection, url: str, entries: NotificationReader
) -> None:
    other_engine = open_writer(url)
    with closing(other_engine.connect()) as other:
        for number in range(10):
            store(connection, f"a{number}", max_count=12)
            store(other, f"b{number}", max_count=12)
            run(other, MarkRead(an_entry(f"a{number}").id), max_count=12)
    other_engine.dispose()
    counted = entries.statistics()
    assert (counted.total, counted.unread, counted.read) == (12, 6, 6)
    assert counted.by_type == {Level.INFO: 0, Level.WARNING: 0, Level.ERROR: 12}


# What it costs ---------------------------------------------------------------------------------------


@pytest.fixture
def steps(connection: Connection) -> Iterator[list[int]]:
    """Counts, in one number, the steps of SQLite's machine."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_progress_handler(count, 1)
    yield counted
    driver.set_progress_handler(None, 1)


def test_storing_one_costs_the_same_at_ten_thousand(connection: Connection, steps: list[int]) -> None:
    def cost(task_id: str) -> int:
        before = steps[0]
        store(connection, task_id, max_count=10_000)
        return steps[0] - before

    store(connection, *(f"few{number}" for number in range(100)), max_count=10_000)
    at_a_hundred = cost("one")
    store(connection, *(f"many{number}" for number in range(9_898)), max_count=10_000)
    at_almost_the_cap = cost("another")
    beyond = cost("one more")
    assert at_almost_the_cap <= at_a_hundred + 5
    assert beyond < 2 * at_a_hundred + 100


def test_no_page_or_count_walks_the_messages(connection: Connection) -> None:
    for statement in (
        statements._PAGE,
        statements._PAGE_OF_STATUS,
        statements._COUNT,
        statements._COUNT_OF_STATUS,
        statements._COUNT_BY_KIND,
        statements._OLDEST_TO_STAY,
    ):
        for step in plan_of(connection, statement):
            if "notifications" in step and "PRIMARY KEY" not in step:
                assert "COVERING INDEX" in step, step


def plan_of(connection: Connection, statement: Executable) -> Sequence[str]:
    def explain(*call: object) -> tuple[str, object]:
        return f"EXPLAIN QUERY PLAN {call[2]}", call[3]

    values = {"most": 50, "skipped": 9_000, "of_status": "unread", "excess": 1}
    event.listen(connection, "before_cursor_execute", explain, retval=True)
    try:
        with connection.begin():
            return [row[3] for row in connection.execute(statement, values)]
    finally:
        event.remove(connection, "before_cursor_execute", explain)
