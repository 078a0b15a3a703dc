import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Connection, Engine, event

from pushserver.domain import Push, StoreUnavailable, Task
from pushserver.domain.messages import SubmitTasks, TaskStarted
from pushserver.store import TaskReader, apply, database_file
from tests.store.samples import NOON, a_task


@pytest.fixture
def holder(url: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database_file(url), isolation_level=None, timeout=0)) as connection:
        yield connection


def test_a_store_that_somebody_holds_is_unavailable_and_nothing_is_stored(
    connection: Connection, holder: sqlite3.Connection, reader: Engine
) -> None:
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="database is locked; nothing was stored"):
        apply(connection, [SubmitTasks((a_task("t1"),))], buffer_size=9)
    holder.execute("ROLLBACK")
    assert TaskReader(reader).fetch("t1") is None
    assert TaskReader(reader).backlog() == 0


def test_the_same_connection_works_again_once_the_store_is_free(
    connection: Connection, holder: sqlite3.Connection, reader: Engine
) -> None:
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        apply(connection, [SubmitTasks((a_task("t1"),))], buffer_size=9)
    holder.execute("ROLLBACK")
    assert apply(connection, [SubmitTasks((a_task("t1"),))], buffer_size=9) == [None]
    assert TaskReader(reader).backlog() == 1


def test_a_full_disk_is_unavailable_and_the_whole_batch_is_undone(
    connection: Connection, reader: Engine
) -> None:
    with connection.begin():
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 4}")
    big = Task("big", "ops_alert", a_task("").strategy, None, Push("big", "x" * 100_000), NOON)
    with pytest.raises(StoreUnavailable, match="database or disk is full"):
        apply(connection, [SubmitTasks((a_task("small"),)), SubmitTasks((big,))], buffer_size=9)
    assert TaskReader(reader).fetch("small") is None
    assert apply(connection, [SubmitTasks((a_task("small"),))], buffer_size=9) == [None]
    assert TaskReader(reader).backlog() == 1


def test_a_store_without_tables_is_unavailable_to_readers(reader: Engine, holder: sqlite3.Connection) -> None:
    holder.execute("DROP TABLE tasks")
    with pytest.raises(StoreUnavailable, match="no such table"):
        TaskReader(reader).fetch("t1")


def test_a_damaged_file_is_unavailable(connection: Connection, url: str) -> None:
    with closing(sqlite3.connect(database_file(url))) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with database_file(url).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096 * 20)
    with pytest.raises(StoreUnavailable, match="malformed"):
        apply(connection, [TaskStarted("t1")], buffer_size=9)


def test_an_outage_never_repeats_what_was_to_be_stored(
    connection: Connection, holder: sqlite3.Connection
) -> None:
    holder.execute("DROP TABLE tasks")
    with pytest.raises(StoreUnavailable) as caught:
        apply(connection, [SubmitTasks((a_task("t1"),))], buffer_size=9)
    assert "disk 91% full" not in str(caught.value)
    assert "disk 91% full" not in str(caught.value.__cause__)


def test_an_outage_after_a_refusal_is_the_answer_of_the_commands_it_hits(
    connection: Connection, holder: sqlite3.Connection
) -> None:
    apply(connection, [SubmitTasks((a_task("t1"),))], buffer_size=9)
    twice = SubmitTasks((a_task("t1"),))
    begun: list[str] = []

    def lock_before_the_second_transaction(*call: str) -> None:
        if call[2].startswith("BEGIN"):
            begun.append(call[2])
            if len(begun) == 2:
                holder.execute("BEGIN IMMEDIATE")

    event.listen(connection, "before_cursor_execute", lock_before_the_second_transaction)
    outcomes = apply(connection, [twice, TaskStarted("t1")], buffer_size=9)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable]
