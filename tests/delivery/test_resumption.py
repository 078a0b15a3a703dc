"""What becomes of tasks when the process is killed: a new one takes up each where its verdicts say it is."""

from dataclasses import replace

import pytest

from pushserver.domain import (
    Attempt,
    Delivered,
    EndpointBroken,
    Fallback,
    Strategy,
    Target,
    Task,
    TaskStatus,
    Transient,
    Uncertain,
)
from pushserver.domain.messages import EndTask, RecordAttempt, TaskStarted
from tests.delivery.parts import DINGTALK, FEISHU, NOON, SYSTEM, a_task, an_attempt
from tests.delivery.stage import Hold, Stage
from tests.delivery.world import (
    DELAY,
    Setup,
    World,
    Worlds,
    alarms,
    channel,
    eventually,
    summary,
    with_channels,
)

SWEEPING = Setup(sweeps=True)
A, B = Target(FEISHU, "a"), Target(FEISHU, "b")
C = Target(DINGTALK, "c")
NOTICE = Target(SYSTEM, "s")
BROKEN = EndpointBroken()


def remember(world: World, task: Task, *attempts: Attempt, end: EndTask | None = None) -> None:
    """Bring a task into a state that a process left behind."""
    world.submit(task)
    world.store.ask(TaskStarted(task.id), timeout=5.0)
    for attempt in attempts:
        world.store.ask(RecordAttempt(replace(attempt, task_id=task.id)), timeout=5.0)
    if end is not None:
        world.store.ask(end, timeout=5.0)


def failed_owing(task: Task) -> EndTask:
    return EndTask(task.id, TaskStatus.FAILED, NOON, Fallback.OWED)


@pytest.mark.parametrize(
    ("strategy", "attempts", "calls"),
    [
        (Strategy.FAILOVER, [], "a"),
        (Strategy.FAILOVER, [an_attempt(A, BROKEN)], "b"),
        (Strategy.FAILOVER, [an_attempt(A, BROKEN), an_attempt(B, BROKEN)], "c"),
        (Strategy.FAILOVER, [an_attempt(A, Uncertain())], "a"),
        (Strategy.FAILOVER, [an_attempt(A, Delivered())], ""),
        (Strategy.ALL, [an_attempt(A, Delivered()), an_attempt(C, BROKEN)], "b d"),
        (Strategy.ALL, [an_attempt(A, Uncertain())], "a b c d"),
        (Strategy.MIXED, [an_attempt(A, BROKEN), an_attempt(B, Delivered())], ""),
        (Strategy.MIXED, [an_attempt(A, BROKEN)], "b"),
        (Strategy.WEBHOOK_FAILOVER, [an_attempt(A, BROKEN), an_attempt(C, Delivered())], "b"),
    ],
)
def test_a_task_goes_on_behind_its_stored_verdicts(
    strategy: Strategy, attempts: list[Attempt], calls: str, new_world: Worlds
) -> None:
    task = a_task(strategy)
    first = new_world()
    remember(first, task, *attempts)
    first.kill()
    world = new_world(SWEEPING, stage := Stage())
    (stored,) = world.ended(task)
    assert sorted(stage.names) == calls.split()
    assert stored.status is TaskStatus.COMPLETED


def test_a_task_that_nobody_was_told_of_is_found_at_the_start(new_world: Worlds) -> None:
    task = a_task()
    first = new_world()
    first.submit(task)
    first.kill()
    assert new_world(SWEEPING).ended(task)[0].status is TaskStatus.COMPLETED


def test_a_task_between_two_rounds_waits_for_the_rest_of_its_pause(new_world: Worlds) -> None:
    first = new_world(stage=Stage({name: Transient() for name in "abcd"}))
    first.push(task := a_task())
    first.recorded(task, 4)
    first.kill()
    first.advance(DELAY - 1.0)
    world = new_world(SWEEPING, stage := Stage())
    world.store.ask(TaskStarted(task.id), timeout=5.0)
    assert stage.names == []
    world.advance(1.0)
    (stored,) = world.ended(task)
    assert stage.names == ["a"]
    assert stored.attempts[-1].round == 2


def test_a_send_that_was_in_hand_is_made_again(new_world: Worlds) -> None:
    first = new_world(stage=(before := Stage({"a": Hold()})))
    first.push(task := a_task())
    before.wait_for_calls("a")
    first.kill()
    world = new_world(SWEEPING, after := Stage())
    (stored,) = world.ended(task)
    assert after.names == ["a"]
    assert stored.resumptions == {A: 1}


def test_tasks_that_have_ended_are_left_alone(new_world: Worlds) -> None:
    first = new_world()
    first.push(task := a_task())
    (before,) = first.ended(task)
    first.kill()
    world = new_world(SWEEPING, stage := Stage())
    world.push(other := a_task(task_id="another"))
    world.ended(other)
    assert world.stored(task) == before
    assert stage.names == ["a"]


# Messages that take the process down -----------------------------------------------------------------


def test_what_was_in_hand_at_four_deaths_is_given_up_as_uncertain(new_world: Worlds) -> None:
    task = a_task()
    stages = [Stage({"a": Hold()}) for _ in range(4)]
    for number, stage in enumerate(stages):
        world = new_world(SWEEPING, stage)
        if number == 0:
            world.push(task)
        stage.wait_for_calls("a")
        world.kill()
    world = new_world(SWEEPING, last := Stage())
    (stored,) = world.ended(task)
    assert last.names == ["b"]
    assert summary(world.view(stored)) == "a? b+"
    assert stored.attempts[0].verdict == Uncertain(
        detail="the process died 4 times during this send", again=False
    )


def test_a_notice_in_hand_at_four_deaths_is_given_up_too(new_world: Worlds) -> None:
    setup = with_channels(channel(FEISHU, "a"), sweeps=True)
    task = a_task()
    for number in range(4):
        stage = Stage({"a": BROKEN, "s": Hold()})
        world = new_world(setup, stage)
        if number == 0:
            world.push(task)
        stage.wait_for_calls("s")
        world.kill()
    world = new_world(setup, last := Stage())
    (stored,) = world.ended(task)
    assert last.names == []
    assert stored.fallback is Fallback.DONE


def test_restarting_the_store_counts_no_death_twice(new_world: Worlds) -> None:
    first = new_world(stage=(before := Stage({"a": Hold()})))
    first.push(task := a_task())
    before.wait_for_calls("a")
    first.kill()
    world = new_world(stage=Stage())
    for _ in range(5):
        world.restart("store")
    assert world.stored(task).resumptions == {A: 1}


# The last line of defence ----------------------------------------------------------------------------


def test_a_last_line_that_is_owed_is_raised_once(new_world: Worlds) -> None:
    task = a_task()
    first = new_world()
    remember(first, task, an_attempt(A, BROKEN), end=failed_owing(task))
    first.kill()
    world = new_world(SWEEPING, stage := Stage())
    (stored,) = world.ended(task)
    assert stage.names == ["s"]
    assert "- feishu/a: webhook地址无效" in stage.calls[0].delivery.push.text
    assert alarms(world.view(stored)) == ["s"]
    for _ in range(4):
        world.advance(5.0)
    world.push(other := a_task(task_id="another"))
    world.ended(other)
    assert stage.names == ["s", "a"]


def test_a_last_line_that_was_raised_and_not_noted_is_not_raised_again(new_world: Worlds) -> None:
    task = a_task()
    raised = an_attempt(NOTICE, Delivered(), fallback=True)
    first = new_world()
    remember(first, task, an_attempt(A, BROKEN), raised, end=failed_owing(task))
    first.kill()
    world = new_world(SWEEPING, stage := Stage())
    (stored,) = world.ended(task)
    assert stage.names == []
    assert stored.fallback is Fallback.DONE


def test_a_resumed_last_line_does_not_name_the_notice_that_arrived_as_a_failure(new_world: Worlds) -> None:
    task = a_task(Strategy.ALL)
    arrived = an_attempt(Target(SYSTEM, "n"), Delivered())
    setup = with_channels(channel(FEISHU, "a"), channel(SYSTEM, "n"), sweeps=True)
    first = new_world(setup)
    remember(first, task, an_attempt(A, BROKEN), arrived, end=failed_owing(task))
    first.kill()
    world = new_world(setup, stage := Stage())
    world.ended(task)
    assert "system/n" not in stage.calls[0].delivery.push.text


# A configuration that has changed --------------------------------------------------------------------


def test_a_task_of_a_recipient_that_is_gone_ends_through_the_last_line(new_world: Worlds) -> None:
    task = a_task(recipient="gone")
    first = new_world()
    first.submit(task)
    first.kill()
    world = new_world(SWEEPING, stage := Stage())
    (stored,) = world.ended(task)
    assert (stored.status, stored.fallback) == (TaskStatus.FAILED, Fallback.DONE)
    assert stage.names == ["s"]
    assert stage.calls[0].delivery.push.text.endswith("失败目标:\n- 没有可用的推送目标")


def test_what_a_removed_channel_had_delivered_still_makes_a_success(new_world: Worlds) -> None:
    task = a_task(recipient="gone")
    first = new_world()
    remember(first, task, an_attempt(A, Delivered()))
    first.kill()
    world = new_world(SWEEPING, stage := Stage())
    (stored,) = world.ended(task)
    assert stored.status is TaskStatus.COMPLETED
    assert stage.names == []


# Lost wakes ------------------------------------------------------------------------------------------


def test_the_sweep_finds_a_task_whose_wake_was_lost(new_world: Worlds) -> None:
    world = new_world(SWEEPING, stage := Stage())
    world.submit(task := a_task())
    world.advance(5.0)
    assert world.ended(task)[0].status is TaskStatus.COMPLETED
    assert stage.names == ["a"]


def test_the_sweep_leaves_alone_what_may_still_be_on_its_way(new_world: Worlds) -> None:
    world = new_world(SWEEPING, Stage())
    world.advance(4.0)
    young = a_task(created_at=world.clock.now())
    world.submit(young)
    world.advance(1.0)
    eventually(lambda: world.status("sweeper").processed or None, "a sweep")
    assert not world.awake("recipients", "ops_alert")


def test_the_sweep_does_not_disturb_what_is_under_way(new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(SWEEPING, stage := Stage({"a": hold}))
    world.push(task := a_task())
    stage.wait_for_calls("a")
    for _ in range(2):
        world.advance(5.0)
    hold.let_go()
    world.ended(task)
    assert stage.names == ["a"]


def test_a_task_is_delivered_once_however_often_its_recipient_hears_of_it(new_world: Worlds) -> None:
    world = new_world(SWEEPING, stage := Stage())
    world.push(warm_up := a_task(task_id="warm-up"))
    world.ended(warm_up)
    world.advance(1.0)
    fresh = a_task(task_id="fresh", created_at=world.clock.now())
    world.push(fresh)
    for _ in range(3):
        world.tell_ready(fresh)
    world.ended(fresh)
    world.tell_ready(fresh)
    world.push(behind := a_task(task_id="behind"))
    world.ended(behind)
    world.advance(60.0)
    world.tell_ready(fresh)
    world.push(last := a_task(task_id="last"))
    world.ended(last)
    sent = [call.delivery.task_id for call in stage.calls]
    assert sent == ["warm-up", "fresh", "behind", "last"]


def test_a_task_that_ended_in_an_earlier_life_is_looked_up_when_told_of_late(new_world: Worlds) -> None:
    world = new_world(stage=(stage := Stage()))
    world.push(task := a_task(created_at=world.clock.now()))
    world.ended(task)
    world.restart("recipients", "ops_alert")
    world.tell_ready(task)
    world.push(last := a_task(task_id="last"))
    world.ended(last)
    assert stage.names == ["a", "a"]


def test_a_task_that_ended_long_ago_is_looked_up_when_told_of_late(
    new_world: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushserver.delivery.recipient.ENDED_REMEMBERED", 1)
    world = new_world(stage=(stage := Stage()))
    world.push(warm_up := a_task(task_id="warm-up"))
    world.ended(warm_up)
    world.advance(1.0)
    tasks = [a_task(task_id=f"task_{n}", created_at=world.clock.now()) for n in range(3)]
    world.push(*tasks)
    world.ended(*tasks)
    world.advance(3.0)
    world.tell_ready(tasks[0])
    world.push(last := a_task(task_id="last"))
    world.ended(last)
    assert len(stage.calls) == 5
