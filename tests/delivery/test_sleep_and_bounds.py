"""Recipients sleep when idle and wake for the next message; mailboxes and the backlog are bounded."""

from dataclasses import replace

import pytest

from actors import Limits
from pushserver.delivery import Recipients, RetryRules
from pushserver.domain import Delivered, EndpointBroken, QueueFull, RateLimited, TaskStatus, Transient
from tests.delivery.parts import FEISHU, a_task
from tests.delivery.stage import Hold, Stage
from tests.delivery.world import DELAY, LAST_LINE, World, Worlds, channel, eventually, summary, with_channels

IDLE_AFTER = 10.0
SLEEPY = Limits(idle_after=IDLE_AFTER)
RECIPIENT = ("recipients", "ops_alert")


def let_time_pass(world: World, seconds: float) -> None:
    """In the steps in which the runtime looks for idle actors, each of which is over before the next."""
    for _ in range(int(seconds * 2)):
        world.advance(0.5)
        world.let_the_runtime_look()


def asleep(world: World) -> bool | None:
    world.advance(0.5)
    return not world.awake(*RECIPIENT) or None


# Sleep -----------------------------------------------------------------------------------------------


def test_an_idle_recipient_sleeps_with_all_that_stands_under_it(new_world: Worlds) -> None:
    world = new_world(with_channels(channel(FEISHU, "a"), limits=SLEEPY), stage := Stage())
    world.push(task := a_task())
    world.ended(task)
    eventually(lambda: asleep(world), "sleep")
    eventually(lambda: stage.closed == ["a"] or None, "closed connections")
    assert {status.kind for status in world.system.statuses()} == {"store", "channel"}
    assert world.awake(LAST_LINE)


def test_a_sleeping_recipient_wakes_for_the_next_message(new_world: Worlds) -> None:
    world = new_world(with_channels(channel(FEISHU, "a"), limits=SLEEPY), stage := Stage())
    for number in range(3):
        world.push(task := a_task(task_id=f"task_{number}"))
        assert world.ended(task)[0].status is TaskStatus.COMPLETED
        eventually(lambda: asleep(world), "sleep")
    assert stage.built == ["a", "a", "a"]
    assert stage.names == ["a", "a", "a"]


def test_a_recipient_that_waits_for_a_round_stays_awake(new_world: Worlds) -> None:
    setup = with_channels(channel(FEISHU, "a"), limits=SLEEPY, rules=RetryRules(count=1, delay=60.0))
    world = new_world(setup, Stage({"a": [Transient(), Delivered()]}))
    world.push(task := a_task())
    world.recorded(task, 1)
    let_time_pass(world, 40.0)
    assert world.awake(*RECIPIENT)
    let_time_pass(world, 21.0)
    assert world.ended(task)[0].status is TaskStatus.COMPLETED
    eventually(lambda: asleep(world), "sleep")


def test_a_rest_is_not_slept_away(new_world: Worlds) -> None:
    limited = RateLimited(waits=(60.0,))
    setup = with_channels(channel(FEISHU, "a"), limits=SLEEPY, rules=RetryRules(count=0, delay=DELAY))
    world = new_world(setup, stage := Stage({"a": limited}))
    world.push(first := a_task(task_id="first"))
    world.ended(first)
    let_time_pass(world, 40.0)
    world.push(second := a_task(task_id="second"))
    (stored,) = world.ended(second)
    assert stored.attempts[0].verdict.detail == "still resting"
    assert stage.names.count("a") == 1


# Bounds ----------------------------------------------------------------------------------------------


def test_the_backlog_is_bounded_and_has_room_again_when_tasks_end(new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(with_channels(channel(FEISHU, "a"), buffer_size=2), Stage({"a": hold}))
    first, second, third = (a_task(task_id=f"task_{n}") for n in range(3))
    world.push(first, second)
    with pytest.raises(QueueFull):
        world.submit(third)
    hold.let_go()
    world.ended(first, second)
    world.push(third)
    assert world.ended(third)[0].status is TaskStatus.COMPLETED


def test_a_full_endpoint_is_a_passing_failure_and_crashes_nobody(new_world: Worlds) -> None:
    hold = Hold()
    setup = with_channels(channel(FEISHU, "a"), endpoint_capacity=1, rules=RetryRules(count=10, delay=DELAY))
    world = new_world(setup, stage := Stage({"a": hold}))
    tasks = [a_task(task_id=f"task_{n}") for n in range(6)]
    world.push(tasks[0])
    stage.wait_for_calls("a")
    world.push(*tasks[1:])
    world.recorded(tasks[-1], 1)
    verdict = world.stored(tasks[-1]).attempts[0].verdict
    assert verdict == Transient(detail="mailbox is full: 1 messages wait")
    hold.let_go()
    assert {stored.status for stored in world.ended_in_time(*tasks)} == {TaskStatus.COMPLETED}
    assert world.status(*RECIPIENT, "feishu").failures == 0
    assert sorted(call.delivery.task_id for call in stage.calls) == [task.id for task in tasks]


def test_a_full_channel_is_a_passing_failure_and_crashes_nobody(new_world: Worlds) -> None:
    world = new_world(with_channels(channel(FEISHU, "ab"), channel_capacity=0), stage := Stage())
    world.push(task := a_task())
    world.recorded(task, 2)
    world.advance(DELAY)
    world.recorded(task, 4)
    world.advance(2 * DELAY)
    (stored,) = world.ended(task)
    assert summary(world.view(stored)) == "a- b-"
    assert stage.names == ["s"]
    assert world.status(*RECIPIENT).failures == 0


def test_a_full_first_channel_is_failed_over(new_world: Worlds) -> None:
    hold = Hold()
    setup = with_channels(channel(FEISHU, "ab"), endpoint_capacity=0)
    world = new_world(setup, Stage({"a": hold, "s": EndpointBroken()}))
    world.push(task := a_task())
    (stored,) = world.ended_in_time(task)
    details = {made.verdict.detail for made in stored.attempts if not made.fallback}
    assert details == {"mailbox is full: 0 messages wait"}
    assert stored.status is TaskStatus.FAILED


def test_every_mailbox_has_room_for_the_whole_backlog(new_world: Worlds) -> None:
    world = new_world()
    services = replace(world.recipients._services, backlog=12_345)
    specs = Recipients(world.recipients._configured, services, world.stage.build)
    recipient = specs["ops_alert"]
    channels = list(recipient.children.values())
    endpoints = [endpoint for each in channels for endpoint in each.children.values()]
    assert {spec.capacity for spec in [recipient, *channels, *endpoints]} == {12_345}
