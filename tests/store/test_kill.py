"""What is left of a process that was killed in the middle of its work."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from pushserver.domain import TaskStatus
from pushserver.domain.messages import CountResumptions, SubmitTasks
from pushserver.store import InFlight, TaskReader, apply
from tests.store.samples import ROBOT, SPARE, a_task, an_attempt

pytestmark = pytest.mark.kill

Child = subprocess.Popen[str]
Spawn = Callable[..., Child]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    children: list[Child] = []

    def start(module: str, *arguments: object) -> Child:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


def says(child: Child) -> str:
    assert child.stdout is not None
    return child.stdout.readline().rstrip("\n")


def kill(child: Child) -> list[str]:
    """Returns what it said before it went."""
    child.kill()
    assert child.stdout is not None
    # Not by communicate(): it passes over the lines that readline() has read ahead of itself.
    rest = child.stdout.read()
    child.wait()
    # A line that was torn by the kill promised nothing.
    return [line.rstrip("\n") for line in rest.splitlines(keepends=True) if line.endswith("\n")]


def test_what_a_killed_process_committed_is_there(url: str, reader: Engine, spawn: Spawn) -> None:
    child = spawn("tests.store.committing_child", url)
    lines = [says(child) for _ in range(20)] + kill(child)
    tasks = TaskReader(reader)
    for line in lines:
        first, second, *others = [tasks.fetch(task_id) for task_id in line.split()]
        assert first is not None
        assert second is not None
        assert first.status is TaskStatus.COMPLETED
        assert first.attempts == (an_attempt(first.task.id),)
        assert second.status is TaskStatus.PROCESSING
        assert [stored.status for stored in others if stored] == [TaskStatus.PENDING] * 5


def test_a_killed_process_leaves_whole_batches_and_a_backlog_that_agrees(
    url: str, reader: Engine, spawn: Spawn
) -> None:
    child = spawn("tests.store.committing_child", url)
    committed = [says(child) for _ in range(5)] + kill(child)
    with reader.connect() as connection:
        stored = connection.execute(text("SELECT count(*) FROM tasks")).scalar_one()
        unfinished = connection.execute(
            text("SELECT count(*) FROM tasks WHERE completed_at IS NULL")
        ).scalar_one()
    assert stored % 7 == 0
    assert stored // 7 - len(committed) in {0, 1}  # one more if it was killed between commit and saying so
    assert TaskReader(reader).backlog() == unfinished == stored // 7 * 6


def test_what_a_killed_process_had_in_its_hands_is_recovered(tmp_path: Path, spawn: Spawn) -> None:
    child = spawn("tests.store.holding_child", tmp_path, "delivery-0")
    assert says(child) == "holding"
    kill(child)
    recovered = InFlight.recover(tmp_path)
    assert set(recovered.in_hand) == {("t1", ROBOT), ("t2", ROBOT), ("t2", SPARE)}
    assert len(recovered.in_hand) == 3


def test_a_death_is_counted_once_committed_and_then_forgotten(
    tmp_path: Path, spawn: Spawn, connection: Connection, reader: Engine
) -> None:
    apply(connection, [SubmitTasks((a_task("t1"), a_task("t2")))], buffer_size=9)
    child = spawn("tests.store.holding_child", tmp_path, "delivery-0")
    assert says(child) == "holding"
    kill(child)
    recovered = InFlight.recover(tmp_path, ["delivery-0"])
    assert apply(connection, [CountResumptions(recovered.in_hand)], buffer_size=9) == [None]
    recovered.forget()
    stored = TaskReader(reader).fetch("t2")
    assert stored is not None
    assert stored.resumptions == {ROBOT: 1, SPARE: 1}
    assert InFlight.recover(tmp_path).in_hand == ()
    assert list(tmp_path.iterdir()) == []
