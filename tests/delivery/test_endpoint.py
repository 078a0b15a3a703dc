"""One endpoint: its order, its rests, and what a send's time is."""

from datetime import timedelta

import pytest

from pushserver.delivery import Gate, RetryRules
from pushserver.delivery.rest import PlatformRests, Rest
from pushserver.domain import Delivered, RateLimited, Strategy, TaskStatus
from tests.delivery.parts import DINGTALK, FEISHU, a_task
from tests.delivery.stage import Hold, Stage
from tests.delivery.world import DELAY, Worlds, channel, eventually, summary, with_channels

ONCE = RetryRules(count=0, delay=DELAY)
ONE_ROBOT = with_channels(channel(FEISHU, "a"))


def test_messages_go_out_one_at_a_time_in_the_order_in_which_they_came(new_world: Worlds) -> None:
    world = new_world(ONE_ROBOT, stage := Stage())
    tasks = [a_task(task_id=f"task_{n:02}") for n in range(30)]
    world.push(*tasks)
    world.ended(*tasks)
    assert [call.delivery.task_id for call in stage.calls] == [task.id for task in tasks]
    assert stage.most_at_once == 1


def test_a_resting_endpoint_refuses_at_once_and_reaches_nobody(new_world: Worlds) -> None:
    setup = with_channels(channel(FEISHU, "a"), channel(DINGTALK, "c"))
    world = new_world(setup, stage := Stage({"a": [RateLimited(waits=(60.0,)), Delivered()]}))
    first, second = a_task(task_id="first"), a_task(task_id="second")
    world.push(first)
    world.ended(first)
    world.advance(10.0)
    world.push(second)
    (stored,) = world.ended(second)
    assert stored.attempts[0].verdict == RateLimited(waits=(50.0,), detail="still resting")
    assert summary(world.view(stored)) == "a- c+"
    assert stage.names == ["a", "c", "c"]


def test_a_message_waits_out_the_rest_and_is_sent_then(new_world: Worlds) -> None:
    world = new_world(ONE_ROBOT, stage := Stage({"a": [RateLimited(waits=(60.0,)), Delivered()]}))
    world.push(task := a_task())
    world.recorded(task, 1)
    world.advance(59.0)
    assert world.stored(task).status is TaskStatus.PROCESSING
    world.advance(1.0)
    (stored,) = world.ended(task)
    assert stored.status is TaskStatus.COMPLETED
    assert stage.names == ["a", "a"]


def test_rests_grow_while_the_vendor_goes_on_refusing(new_world: Worlds) -> None:
    limited = RateLimited(waits=(1.0, 10.0))
    setup = with_channels(channel(FEISHU, "a"), rules=RetryRules(count=3, delay=DELAY))
    world = new_world(setup, Stage({"a": [limited, limited, limited, Delivered()]}))
    world.push(task := a_task())
    for made, rest in [(1, 1.0), (2, 10.0), (3, 10.0)]:
        world.recorded(task, made)
        world.advance(rest)
    (stored,) = world.ended(task)
    waits = [made.verdict.waits for made in stored.attempts if isinstance(made.verdict, RateLimited)]
    assert waits == [(1.0,), (10.0,), (10.0,)]


def test_a_limit_of_the_whole_platform_rests_everybodys_endpoints(new_world: Worlds) -> None:
    blocked = RateLimited(waits=(60.0,), whole_platform=True)
    setup = with_channels(channel(FEISHU, "a"), more={"other": (channel(FEISHU, "b"),)}, rules=ONCE)
    world = new_world(setup, stage := Stage({"a": blocked}))
    first, second = a_task(task_id="first"), a_task(task_id="second", recipient="other")
    world.push(first)
    world.ended(first)
    world.push(second)
    (stored,) = world.ended(second)
    assert stored.attempts[0].verdict == RateLimited(waits=(60.0,), detail="still resting")
    assert "b" not in stage.names


def test_what_a_send_waits_at_the_gate_is_no_part_of_it(new_world: Worlds) -> None:
    hold = Hold()
    setup = with_channels(
        channel(FEISHU, "a"), more={"other": (channel(FEISHU, "b"),)}, gate=lambda: Gate(1, 1)
    )
    world = new_world(setup, stage := Stage({"a": hold}))
    first, second = a_task(task_id="first"), a_task(task_id="second", recipient="other")
    start = world.clock.now()
    world.push(first)
    stage.wait_for_calls("a")
    world.push(second)
    endpoint = world.system.ref("recipients", "other", "feishu", "b").address
    eventually(lambda: world.system.find(endpoint), "a send at the gate")
    world.advance(2.0)
    hold.let_go()
    (one, other) = world.ended(first, second)
    assert one.attempts[0].duration == pytest.approx(2.0)
    assert other.attempts[0].duration == pytest.approx(0.0)
    assert other.attempts[0].started_at == start + timedelta(seconds=2)
    assert stage.calls[1].delivery.at == start + timedelta(seconds=2)


def test_an_endpoint_closes_its_connections_when_it_ends(new_world: Worlds) -> None:
    world = new_world(ONE_ROBOT, stage := Stage())
    world.push(task := a_task(Strategy.ALL))
    world.ended(task)
    world.stop()
    assert stage.closed == ["a"]


def test_a_rest_is_as_long_as_the_vendor_has_refused_in_a_row() -> None:
    rest, limited = Rest(), RateLimited(waits=(1.0, 5.0, 60.0))
    assert [rest.begin(limited, now=0.0) for _ in range(4)] == [1.0, 5.0, 60.0, 60.0]
    rest.over()
    assert rest.begin(limited, now=100.0) == 1.0
    assert (rest.remaining(now=100.25), rest.remaining(now=102.0)) == (0.75, 0.0)


def test_the_longest_rest_of_a_platform_counts() -> None:
    rests = PlatformRests()
    rests.begin(FEISHU, until=10.0)
    rests.begin(FEISHU, until=5.0)
    assert rests.remaining(FEISHU, now=4.0) == 6.0
    assert rests.remaining(DINGTALK, now=4.0) == 0.0
