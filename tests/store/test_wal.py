"""When the disk is waited for, by whom, and what becomes of the log meanwhile."""

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine

from actors import ActorSystem, ChildSpec, ManualClock
from actors.cell import Record
from pushserver.domain import StoreUnavailable
from pushserver.domain.messages import FetchTask, PurgeTasks, SubmitTasks
from pushserver.store import Checkpointer, Durability, apply, database_file, open_writer
from pushserver.store.wal import CHECKPOINT_EVERY
from tests.store.samples import NOON, a_task
from tests.system.deadline import until


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of files that have been synced."""
    found: list[str] = []

    def sync(descriptor: int) -> None:
        found.append(Path(f"/proc/self/fd/{descriptor}").readlink().suffix)

    monkeypatch.setattr(os, "fdatasync", sync)
    return found


@contextmanager
def broken_disk() -> Iterator[None]:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        yield


# Syncing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("durability", "expected"), [("process", []), ("power", [".db-wal"])])
def test_durability_decides_whether_the_disk_is_waited_for(
    url: str, durability: Durability, expected: list[str], syncs: list[str]
) -> None:
    with open_writer(url, durability=durability).connect() as connection:
        apply(connection, [SubmitTasks((a_task("t1"),))], buffer_size=9)
        assert syncs == expected
        apply(connection, [FetchTask("t1"), PurgeTasks(NOON)], buffer_size=9)
        assert syncs == expected  # nothing was changed


def test_the_write_lock_is_free_while_the_disk_is_busy(
    url: str, writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    free: list[bool] = []

    def look(_descriptor: int) -> None:
        with writer.connect() as other, other.begin():
            free.append(True)

    monkeypatch.setattr(os, "fdatasync", look)
    with open_writer(url, durability="power").connect() as connection:
        apply(connection, [SubmitTasks((a_task("t1"),))], buffer_size=9)
    assert free == [True]


def test_what_could_not_be_synced_is_synced_before_anything_else_is_said(url: str, syncs: list[str]) -> None:
    with open_writer(url, durability="power").connect() as connection:
        with broken_disk(), pytest.raises(StoreUnavailable, match="Input/output error"):
            apply(connection, [SubmitTasks((a_task("t1"),))], buffer_size=9)
        apply(connection, [FetchTask("t1")], buffer_size=9)
    assert syncs == [".db-wal"]


# Checkpoints -----------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@contextmanager
def checkpointing(url: str, clock: ManualClock, long_log: int) -> Iterator[ActorSystem]:
    start = partial(Checkpointer, engine=partial(open_writer, url), long_log=long_log)
    children = {"checkpoints": ChildSpec(kind="checkpointer", start=start)}
    root = ChildSpec(kind="root", children=children, starts=("checkpoints",))
    system = ActorSystem("main-0", root, clock=clock)
    system.start()
    try:
        yield system
    finally:
        system.stop(10)


def record_of(system: ActorSystem) -> Record:
    (cell,) = (cell for cell in system.cells() if cell.address.path == ("checkpoints",))
    return cell.record


def checkpoint(system: ActorSystem, clock: ManualClock) -> None:
    """Have one made, and wait for its end."""
    before = record_of(system).processed
    clock.advance(CHECKPOINT_EVERY)
    until(lambda: record_of(system).processed > before, "a checkpoint")


def tasks_without_the_log(url: str) -> int:
    """What the database's own file holds."""
    with closing(sqlite3.connect(f"file:{database_file(url)}?immutable=1", uri=True)) as connection:
        (found,) = connection.execute("SELECT count(*) FROM tasks").fetchone()
        return int(found)


def submit(engine: Engine, *task_ids: str) -> None:
    with engine.connect() as connection:
        for task_id in task_ids:
            apply(connection, [SubmitTasks((a_task(task_id),))], buffer_size=1_000_000)


def test_commits_are_carried_over_behind_them(url: str, writer: Engine, clock: ManualClock) -> None:
    with checkpointing(url, clock, long_log=1_000_000) as system:
        submit(writer, *map(str, range(3_000)))  # SQLite itself would have begun after 1,000 pages
        assert tasks_without_the_log(url) == 0
        checkpoint(system, clock)
        assert tasks_without_the_log(url) == 3_000
        submit(writer, "one more")
        checkpoint(system, clock)
        assert tasks_without_the_log(url) == 3_001


def test_the_log_is_begun_anew_under_a_load_that_never_pauses(url: str, clock: ManualClock) -> None:
    patient, over = open_writer(url), threading.Event()

    def write() -> None:
        for number in count():
            if over.is_set():
                return
            submit(patient, f"t{number}")

    with checkpointing(url, clock, long_log=100) as system:
        load = threading.Thread(target=write)
        load.start()
        try:
            for _ in range(40):
                checkpoint(system, clock)
        finally:
            over.set()
            load.join()
    assert times_begun(url) >= 5


def times_begun(url: str) -> int:
    """From the log's header: https://www.sqlite.org/fileformat2.html#the_write_ahead_log."""
    header = database_file(url).with_suffix(".db-wal").read_bytes()[:32]
    return int.from_bytes(header[12:16])


def test_somebody_in_the_way_of_a_checkpoint_is_no_failure(
    url: str, writer: Engine, clock: ManualClock
) -> None:
    with checkpointing(url, clock, long_log=1) as system:
        submit(writer, "t1")
        with closing(sqlite3.connect(database_file(url), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            checkpoint(system, clock)
            assert tasks_without_the_log(url) == 1
        submit(writer, "t2")
        checkpoint(system, clock)
        assert tasks_without_the_log(url) == 2
        assert record_of(system).failures == 0
