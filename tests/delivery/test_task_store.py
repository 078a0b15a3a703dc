"""The actor in front of the store: what it answers, keeps, cleans up and leaves behind."""

import sqlite3
import threading
from collections.abc import Callable

import pytest

from pushserver.domain import Delivered, Fallback, Target, TaskStatus
from pushserver.domain.messages import (
    EndTask,
    Fetched,
    FetchTask,
    FetchUnfinished,
    RecordAttempt,
    SubmitTasks,
    TaskStarted,
)
from pushserver.store import CommandRefused, TaskStore
from tests.delivery.parts import FEISHU, a_task, an_attempt
from tests.delivery.stage import DEADLINE
from tests.delivery.world import World, Worlds, eventually

A = Target(FEISHU, "a")
A_DAY = 86_400.0
CLEAN_UP = 300.0


def end(world: World, task_id: str) -> None:
    over = EndTask(task_id, TaskStatus.COMPLETED, world.clock.now(), Fallback.NONE)
    world.store.ask(over, timeout=DEADLINE)


def test_a_look_up_is_answered_with_the_id_that_was_asked_for(new_world: Worlds) -> None:
    world = new_world()
    world.submit(task := a_task())
    assert world.store.ask(FetchTask("unknown"), timeout=DEADLINE) == Fetched("unknown", None)
    found = world.store.ask(FetchTask(task.id), timeout=DEADLINE)
    assert (found.task_id, found.stored.task) == (task.id, task)


def test_a_command_that_can_never_be_stored_harms_no_other(new_world: Worlds) -> None:
    world = new_world()
    world.submit(task := a_task())
    with pytest.raises(CommandRefused):
        world.submit(task)
    world.submit(a_task(task_id="another"))
    unfinished = world.store.ask(FetchUnfinished("ops_alert"), timeout=DEADLINE)
    assert sorted(stored.task.id for stored in unfinished) == ["another", task.id]
    assert world.status("store").failures == 0


def test_that_a_task_has_started_waits_for_company_but_not_for_long(new_world: Worlds) -> None:
    world = new_world()
    world.submit(task := a_task())
    world.store.tell(TaskStarted(task.id))
    world.advance(TaskStore.patience / 2)
    assert world.stored(task).status is TaskStatus.PENDING
    world.advance(TaskStore.patience / 2)
    eventually(lambda: world.stored(task).status is TaskStatus.PROCESSING or None, "its start")


def test_company_takes_along_what_waits_for_it(new_world: Worlds) -> None:
    world = new_world()
    world.submit(task := a_task(), other := a_task(task_id="another"))
    world.store.tell(TaskStarted(task.id))
    end(world, other.id)
    assert world.stored(task).status is TaskStatus.PROCESSING


@pytest.mark.parametrize(
    "ending", [World.stop, lambda world: world.restart("store")], ids=["stop", "restart"]
)
def test_what_waits_for_company_outlives_the_store(
    new_world: Worlds, ending: Callable[[World], object]
) -> None:
    world = new_world()
    world.submit(task := a_task())
    world.store.tell(TaskStarted(task.id))
    ending(world)
    eventually(lambda: world.stored(task).status is TaskStatus.PROCESSING or None, "its start")


def test_what_waits_in_the_mailbox_at_the_end_is_stored(new_world: Worlds) -> None:
    world = new_world()
    world.submit(task := a_task())
    other = sqlite3.connect(world.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(1, 351):
        world.store.tell(RecordAttempt(an_attempt(A, Delivered(), number=number)))
    eventually(lambda: world.status("store").mailbox < 350 or None, "a commit that waits for the lock")
    stopping = threading.Thread(target=world.stop)
    stopping.start()
    eventually(lambda: _is_ending(world) or None, "the stop")
    other.close()
    stopping.join()
    later = new_world()
    assert [made.number for made in later.stored(task).attempts] == list(range(1, 351))


def _is_ending(world: World) -> bool:
    cell = world.system.find(world.store.address)
    return cell is None or cell.ending is not None


def test_tasks_past_their_retention_go_and_unfinished_ones_never(new_world: Worlds) -> None:
    world = new_world()
    world.submit(a_task(task_id="old"), a_task(task_id="unfinished"))
    end(world, "old")
    world.advance(A_DAY - CLEAN_UP)
    world.submit(a_task(task_id="young"))
    end(world, "young")
    world.advance(CLEAN_UP + 1.0)
    eventually(
        lambda: _known(world, "old", "young", "unfinished") == ["young", "unfinished"] or None, "a purge"
    )


def test_a_purge_of_many_goes_on_until_all_are_gone(new_world: Worlds) -> None:
    world = new_world()
    tasks = tuple(a_task(task_id=f"task_{n}") for n in range(1_100))
    world.store.ask(SubmitTasks(tasks), timeout=DEADLINE)
    for task in tasks:
        world.store.tell(EndTask(task.id, TaskStatus.COMPLETED, world.clock.now(), Fallback.NONE))
    assert _known(world, tasks[-1].id) == [tasks[-1].id]
    world.advance(A_DAY + CLEAN_UP)
    eventually(lambda: not _known(world, tasks[0].id, tasks[-1].id) or None, "a purge of everything")


def _known(world: World, *task_ids: str) -> list[str]:
    found = [world.store.ask(FetchTask(task_id), timeout=DEADLINE) for task_id in task_ids]
    return [answer.task_id for answer in found if answer.stored is not None]
