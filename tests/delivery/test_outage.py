"""The store cannot commit for a while: nothing that was said is lost, and nobody crashes for it."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pushserver.domain import StoreUnavailable, TaskStatus
from pushserver.domain.messages import TaskStarted
from tests.delivery.parts import a_task
from tests.delivery.stage import Hold, Stage
from tests.delivery.world import Setup, World, Worlds, eventually

IMPATIENT = Setup(busy_timeout=0.01)


@contextmanager
def outage(world: World) -> Iterator[None]:
    """Another process keeps the write lock."""
    other = sqlite3.connect(world.url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()


def wait_for_the_outage_to_be_noticed(world: World) -> None:
    with pytest.raises(StoreUnavailable):
        world.store.ask(TaskStarted("nobody"), timeout=5.0)


def wait_for_the_store_to_try_again(world: World) -> None:
    """Its reminder comes by another thread than the test's, which moves the clock."""

    def ask() -> bool | None:
        try:
            world.store.ask(TaskStarted("nobody"), timeout=5.0)
        except StoreUnavailable:
            return None
        return True

    eventually(ask, "the end of the outage")


def test_verdicts_that_come_in_during_an_outage_are_stored_after_it(new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(IMPATIENT, stage := Stage({"a": hold}))
    tasks = [a_task(task_id=f"task_{n}") for n in range(20)]
    world.push(*tasks)
    stage.wait_for_calls("a")
    with outage(world):
        hold.let_go()
        stage.wait_until(lambda: len(stage.calls) == 20 and not stage.inside)
        wait_for_the_outage_to_be_noticed(world)
        world.advance(1.0)
        wait_for_the_outage_to_be_noticed(world)
        assert {world.stored(task).attempts for task in tasks} == {()}
    ended = world.ended_in_time(*tasks)
    assert {stored.status for stored in ended} == {TaskStatus.COMPLETED}
    assert {len(stored.attempts) for stored in ended} == {1}
    assert set(Counter(call.delivery.task_id for call in stage.calls).values()) == {1}


def test_what_is_owed_outlives_a_restart_of_the_store(new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(IMPATIENT, stage := Stage({"a": hold}))
    world.push(task := a_task())
    stage.wait_for_calls("a")
    with outage(world):
        hold.let_go()
        stage.wait_until(lambda: not stage.inside)
        wait_for_the_outage_to_be_noticed(world)
        world.restart("store")
    (stored,) = world.ended_in_time(task)
    assert len(stored.attempts) == 1
    assert stage.names == ["a"]


def test_whoever_asks_during_an_outage_is_refused_and_nothing_is_stored(new_world: Worlds) -> None:
    world = new_world(IMPATIENT)
    with outage(world), pytest.raises(StoreUnavailable):
        world.submit(a_task())
    world.advance(1.0)
    wait_for_the_store_to_try_again(world)
    world.push(task := a_task())
    assert world.ended_in_time(task)[0].status is TaskStatus.COMPLETED


def test_a_store_that_knows_of_its_outage_makes_nobody_wait_for_it(new_world: Worlds) -> None:
    """The lock is waited for once; until the next try, askers are refused without another wait."""
    world = new_world(Setup(busy_timeout=1.0))
    with outage(world):
        wait_for_the_outage_to_be_noticed(world)
        for _ in range(50):
            with pytest.raises(StoreUnavailable):
                world.store.ask(TaskStarted("nobody"), timeout=0.5)


def test_a_recipient_woken_during_an_outage_takes_its_tasks_up_after_it(new_world: Worlds) -> None:
    world = new_world(IMPATIENT, stage := Stage())
    world.submit(told := a_task(task_id="told"), untold := a_task(task_id="untold"))
    with outage(world):
        world.tell_ready(told)
        eventually(lambda: world.awake("recipients", "ops_alert") or None, "waking")
        wait_for_the_outage_to_be_noticed(world)
        for _ in range(5):
            world.advance(1.0)
            wait_for_the_outage_to_be_noticed(world)
    ended = world.ended_in_time(told, untold)
    assert {stored.status for stored in ended} == {TaskStatus.COMPLETED}
    assert Counter(call.delivery.task_id for call in stage.calls) == {"told": 1, "untold": 1}
    assert world.status("recipients", "ops_alert").failures == 0


def test_the_sweeper_outlasts_an_outage(new_world: Worlds) -> None:
    world = new_world(Setup(busy_timeout=0.01, sweeps=True))
    world.submit(task := a_task())
    with outage(world):
        for _ in range(10):
            world.advance(5.0)
            wait_for_the_outage_to_be_noticed(world)
    assert world.ended_in_time(task)[0].status is TaskStatus.COMPLETED
    assert world.status("sweeper").failures == 0
    assert not world.system.failed.is_set()
