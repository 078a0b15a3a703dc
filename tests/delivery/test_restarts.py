"""Channels and recipients that crash or are restarted by an operator in the middle of work."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

import pytest

from pushserver.delivery.course import Errand, Order
from pushserver.delivery.messages import Deliver
from pushserver.domain import (
    Delivered,
    EndpointBroken,
    Manner,
    Strategy,
    Target,
    Task,
    TaskStatus,
    Uncertain,
)
from tests.delivery.parts import FEISHU, SYSTEM, a_task
from tests.delivery.stage import Hold, Stage
from tests.delivery.world import LAST_LINE, World, Worlds, channel, eventually, with_channels

RECIPIENT = ("recipients", "ops_alert")
FEISHU_CHANNEL = (*RECIPIENT, "feishu")
DINGTALK_CHANNEL = (*RECIPIENT, "dingtalk")
ENDPOINT = (*FEISHU_CHANNEL, "a")


def sends(stage: Stage) -> Counter[str]:
    return Counter(stage.names)


def crash(world: World, *path: str) -> None:
    """A message that nobody can handle is a fault of whoever wired it, and crashes the actor."""
    failures = world.status(*path).failures
    world.system.ref(*path).tell("nonsense")
    eventually(lambda: world.status(*path).failures > failures or None, "a crash")


@contextmanager
def restarting(world: World, *path: str) -> Iterator[None]:
    """An operator's restart, which waits for what is in hand below."""
    cell = world.system.find(world.system.ref(*path).address)
    assert cell is not None
    operator = threading.Thread(target=world.restart, args=path)
    operator.start()
    eventually(lambda: cell.ending is not None or None, "a takedown")
    yield
    operator.join()


# In hand when it happens ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [FEISHU_CHANNEL, RECIPIENT])
def test_what_ends_during_a_restart_is_not_sent_again(path: tuple[str, ...], new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(stage=(stage := Stage({"b": hold})))
    world.push(task := a_task(Strategy.ALL))
    world.recorded(task, 3)
    with restarting(world, *path):
        hold.let_go()
    (stored,) = world.ended(task)
    assert stored.status is TaskStatus.COMPLETED
    assert sends(stage) == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert len(stored.attempts) == 4


@pytest.mark.parametrize("path", [FEISHU_CHANNEL, RECIPIENT])
def test_what_ends_during_a_crash_is_not_sent_again(path: tuple[str, ...], new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(stage=(stage := Stage({"b": hold})))
    world.push(task := a_task(Strategy.ALL))
    world.recorded(task, 3)
    crash(world, *path)
    hold.let_go()
    (stored,) = world.ended(task)
    assert sends(stage) == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert len(stored.attempts) == 4


def test_a_restarted_channel_leaves_what_others_have_in_hand_alone(new_world: Worlds) -> None:
    """The course is not begun anew: DingTalk would get its order twice, and both would be carried out."""
    here, there = Hold(), Hold()
    world = new_world(stage=(stage := Stage({"b": here, "d": there})))
    world.push(task := a_task(Strategy.ALL))
    world.recorded(task, 2)
    with restarting(world, *FEISHU_CHANNEL):
        here.let_go()
    world.recorded(task, 3)
    there.let_go()
    world.ended(task)
    assert sends(stage) == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert world.status(*DINGTALK_CHANNEL).restarts == 0


def test_two_channels_restarted_one_after_the_other_both_go_on(new_world: Worlds) -> None:
    holds = {name: Hold() for name in "abcd"}
    world = new_world(stage=(stage := Stage(holds)))
    world.push(task := a_task(Strategy.ALL))
    stage.wait_for_calls("a", "b", "c", "d")
    with restarting(world, *FEISHU_CHANNEL), restarting(world, *DINGTALK_CHANNEL):
        for hold in holds.values():
            hold.let_go()
    (stored,) = world.ended(task)
    assert stored.status is TaskStatus.COMPLETED
    assert sends(stage) == {"a": 1, "b": 1, "c": 1, "d": 1}


def test_what_does_not_end_in_time_is_sent_again_since_nobody_knows(new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(stage=(stage := Stage({"b": [hold, Delivered()]})))
    world.push(task := a_task(Strategy.ALL))
    world.recorded(task, 3)
    with restarting(world, *FEISHU_CHANNEL):
        world.advance(1.0)
    (stored,) = world.ended(task)
    assert sends(stage) == {"a": 1, "b": 2, "c": 1, "d": 1}
    assert stored.status is TaskStatus.COMPLETED
    hold.let_go()


def test_an_endpoint_replaced_by_an_operator_leaves_its_message_uncertain(new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(stage=(stage := Stage({"a": [hold, Delivered()]})))
    world.push(task := a_task())
    stage.wait_for_calls("a")
    with restarting(world, *ENDPOINT):
        world.advance(1.0)
    (stored,) = world.ended_in_time(task)
    assert [type(attempt.verdict) for attempt in stored.attempts] == [Uncertain, Delivered]
    assert sends(stage) == {"a": 2}
    hold.let_go()


# The last line of defence ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [(LAST_LINE,), (LAST_LINE, "s")])
def test_a_notice_is_raised_once_whoever_is_restarted(path: tuple[str, ...], new_world: Worlds) -> None:
    hold = Hold()
    setup = with_channels(channel(FEISHU, "a"), notices=("s", "t"))
    world = new_world(setup, stage := Stage({"a": EndpointBroken(), "s": hold}))
    world.push(task := a_task())
    world.recorded(task, 2)
    with restarting(world, *path):
        hold.let_go()
    (stored,) = world.ended(task)
    assert sends(stage) == {"a": 1, "s": 1, "t": 1}
    assert len(stored.attempts) == 3


def test_a_notice_in_hand_is_waited_for_by_a_restarted_recipient(new_world: Worlds) -> None:
    hold = Hold()
    setup = with_channels(channel(FEISHU, "a"), notices=("s", "t"))
    world = new_world(setup, stage := Stage({"a": EndpointBroken(), "s": hold}))
    world.push(task := a_task())
    world.recorded(task, 2)
    world.restart(*RECIPIENT)
    hold.let_go()
    (stored,) = world.ended(task)
    assert sends(stage) == {"a": 1, "s": 1, "t": 1}
    assert len(stored.attempts) == 3


def test_a_notice_asked_for_again_by_a_restarted_recipient_is_raised_once(
    new_world: Worlds,
) -> None:
    world = new_world(stage=(stage := Stage()))
    order = Order(0, 1, SYSTEM, (Errand(Target(SYSTEM, "s"), 1),), {})
    deliver = Deliver(a_task(), order, Manner.EVERYONE, fallback=True)
    channel_of_notices = world.system.ref(LAST_LINE)
    first, second = (channel_of_notices.ask(deliver, timeout=5.0) for _ in range(2))
    assert first == second
    assert len(first.attempts) == 1
    assert stage.names == ["s"]


# Under load ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [s for s in Strategy if s is not Strategy.PLATFORM])
def test_every_task_ends_and_nothing_is_sent_twice_however_much_is_restarted(
    strategy: Strategy, new_world: Worlds
) -> None:
    world = new_world(stage=(stage := Stage({"a": EndpointBroken()})))
    tasks = [a_task(strategy, task_id=f"task_{n}") for n in range(60)]
    restarts = cycle([RECIPIENT, FEISHU_CHANNEL, ENDPOINT, DINGTALK_CHANNEL, ("store",)])
    for number, task in enumerate(tasks):
        world.push(task)
        if number % 4 == 0:
            world.restart(*next(restarts))
    ended = world.ended_in_time(*tasks)
    assert {stored.status for stored in ended} == {TaskStatus.COMPLETED}
    twice = [sent for sent, times in _sends_by_task(stage).items() if times > 1]
    assert twice == []
    assert sum(len(stored.attempts) for stored in ended) == len(stage.calls)


def _sends_by_task(stage: Stage) -> Counter[tuple[str, str]]:
    return Counter((call.delivery.task_id, call.name) for call in stage.calls)


def test_a_task_whose_recipient_crashes_again_and_again_still_ends(new_world: Worlds) -> None:
    tasks: list[Task] = [a_task(task_id=f"task_{n}") for n in range(5)]
    world = new_world(stage=Stage())
    for task in tasks:
        world.push(task)
        world.ended_in_time(task)
        crash(world, *RECIPIENT)
    assert {stored.status for stored in world.ended_in_time(*tasks)} == {TaskStatus.COMPLETED}
