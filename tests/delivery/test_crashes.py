"""Actors that crash, hang or are restarted in the middle of work: who suffers, who does not, what is sent."""

from collections import Counter
from collections.abc import Callable

import pytest

import pushserver.delivery.channel as channel_module
from actors import Address, Cell
from pushserver.delivery import Gate, RetryRules
from pushserver.delivery.messages import Deliver
from pushserver.domain import Delivered, Delivery, Strategy, Task, TaskStatus, Transient, Uncertain, Verdict
from tests.delivery.parts import DINGTALK, FEISHU, a_task
from tests.delivery.stage import Hold, Stage
from tests.delivery.world import (
    DELAY,
    SEND_TIMEOUT,
    World,
    Worlds,
    channel,
    eventually,
    summary,
    with_channels,
)

STUCK_AFTER = SEND_TIMEOUT + 3.0
ONE_ROBOT = with_channels(channel(FEISHU, "a"))
FEISHU_A = ("recipients", "ops_alert", "feishu", "a")


def tasks_of(count: int, strategy: Strategy = Strategy.FAILOVER, recipient: str = "ops_alert") -> list[Task]:
    return [a_task(strategy, task_id=f"task_{recipient}_{n}", recipient=recipient) for n in range(count)]


def crash_on(task: Task) -> Callable[[Delivery], Verdict]:
    def act(delivery: Delivery) -> Verdict:
        if delivery.task_id == task.id:
            raise ValueError("a bug")
        return Delivered()

    return act


def statuses(world: World, *tasks: Task) -> list[TaskStatus]:
    return [stored.status for stored in world.ended_in_time(*tasks)]


# One message crashes an endpoint ---------------------------------------------------------------------


def test_what_crashes_an_endpoint_ends_as_failed_and_is_not_sent_again(new_world: Worlds) -> None:
    poison, *others = tasks_of(4)
    world = new_world(ONE_ROBOT, stage := Stage({"a": crash_on(poison)}))
    world.push(poison, *others)
    assert statuses(world, poison, *others) == [TaskStatus.FAILED, *[TaskStatus.COMPLETED] * 3]
    assert Counter(call.delivery.task_id for call in stage.calls if call.name == "a") == {
        task.id: 1 for task in [poison, *others]
    }


def test_what_crashed_one_endpoint_goes_on_to_the_next(new_world: Worlds) -> None:
    poison, other = tasks_of(2)
    world = new_world(stage=Stage({"a": crash_on(poison)}))
    world.push(poison, other)
    poisoned, well = world.ended_in_time(poison, other)
    assert summary(world.view(poisoned)) == "a? b+"
    assert summary(world.view(well)) == "a+"


def test_a_crash_touches_no_sibling(new_world: Worlds) -> None:
    poison, warm_up, after = tasks_of(3, Strategy.ALL)
    world = new_world(stage=(stage := Stage({"a": crash_on(poison)})))
    world.push(warm_up)
    world.ended(warm_up)
    world.advance(1.0)
    siblings = [("recipients", "ops_alert", "feishu", "b"), ("recipients", "ops_alert", "dingtalk", "c")]
    parents = [("recipients", "ops_alert"), ("recipients", "ops_alert", "feishu")]
    before = [world.status(*path) for path in siblings + parents]

    world.push(poison)
    world.ended(poison)
    world.push(after)
    world.ended(after)

    now = [world.status(*path) for path in siblings + parents]
    assert [status.restarts for status in now] == [0, 0, 0, 0]
    assert [status.uptime for status in now] == [status.uptime for status in before]
    assert world.status(*FEISHU_A).restarts == 1
    assert Counter(stage.built) == {"a": 2, "b": 1, "c": 1, "d": 1}


def test_an_endpoint_that_crashed_has_closed_its_connections(new_world: Worlds) -> None:
    (poison,) = tasks_of(1)
    world = new_world(ONE_ROBOT, stage := Stage({"a": crash_on(poison)}))
    world.push(poison)
    world.ended(poison)
    assert "a" in stage.closed


# An endpoint crashes on everything -------------------------------------------------------------------


def test_an_endpoint_that_always_crashes_is_parked_and_everybody_else_works_on(new_world: Worlds) -> None:
    setup = with_channels(
        channel(FEISHU, "a"),
        more={"other": (channel(DINGTALK, "c"),)},
        rules=RetryRules(count=0, delay=DELAY),
    )
    world = new_world(setup, Stage({"a": ValueError("a bug")}))
    ill = tasks_of(10)
    world.push(*ill)

    def parked() -> bool | None:
        world.advance(0.1)
        cell = world.system.find(world.system.ref(*FEISHU_A).address)
        return bool(cell is not None and cell.parked) or None

    eventually(parked, "parking")
    well = tasks_of(3, recipient="other")
    world.push(*well)
    assert [stored.status for stored in world.ended(*well)] == [TaskStatus.COMPLETED] * 3

    failed = world.ended_in_time(*ill)
    details = {
        attempt.verdict.detail for stored in failed for attempt in stored.attempts if not attempt.fallback
    }
    assert {stored.status for stored in failed} == {TaskStatus.FAILED}
    assert "internal error: PlatformFault: ValueError while sending" in details
    assert any("parked for" in detail and "ValueError while sending" in detail for detail in details)
    assert world.status("recipients", "ops_alert").restarts == 0
    assert world.status("recipients", "ops_alert", "feishu").restarts == 0


def test_what_meets_a_parked_endpoint_is_tried_again_when_it_is_back(new_world: Worlds) -> None:
    ill = tasks_of(6)
    late = a_task(task_id="task_late")
    broken = dict.fromkeys((task.id for task in ill), True)

    def act(delivery: Delivery) -> Verdict:
        if delivery.task_id in broken:
            raise ValueError("a bug")
        return Delivered()

    world = new_world(
        with_channels(channel(FEISHU, "a"), rules=RetryRules(count=3, delay=DELAY)), Stage({"a": act})
    )
    world.push(*ill)
    world.ended_in_time(*ill, step=0.1)
    world.push(late)
    assert statuses(world, late) == [TaskStatus.COMPLETED]


# An order crashes a channel ---------------------------------------------------------------------------


def test_an_order_that_crashes_its_channel_fails_and_is_not_given_again(
    new_world: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, other = tasks_of(2, Strategy.WEBHOOK_FAILOVER)
    key_of = channel_module._key

    def crashing_key(deliver: Deliver) -> object:
        if deliver.task.id == poison.id and not deliver.fallback:
            raise ValueError("a bug")
        return key_of(deliver)

    monkeypatch.setattr(channel_module, "_key", crashing_key)
    world = new_world(ONE_ROBOT, stage := Stage())
    world.push(poison, other)
    assert statuses(world, poison, other) == [TaskStatus.FAILED, TaskStatus.COMPLETED]
    assert Counter(call.delivery.task_id for call in stage.calls) == {poison.id: 1, other.id: 1}
    assert stage.names.count("s") == 1
    assert world.status("recipients", "ops_alert", "feishu").failures == 1


# A send hangs ----------------------------------------------------------------------------------------


def test_a_hanging_send_is_replaced_and_what_waited_goes_out(new_world: Worlds) -> None:
    hung, *waiting = tasks_of(4)
    hold = Hold()

    def act(delivery: Delivery) -> Verdict:
        return hold(delivery) if delivery.task_id == hung.id else Delivered()

    world = new_world(ONE_ROBOT, stage := Stage({"a": act, "s": Delivered()}))
    world.push(hung, *waiting)
    stage.wait_for_calls("a")
    world.advance(STUCK_AFTER + 1.0)
    assert [stored.status for stored in world.ended(*waiting)] == [TaskStatus.COMPLETED] * 3
    world.advance(DELAY)
    stage.wait_until(lambda: stage.inside == ["a", "a"])
    world.advance(STUCK_AFTER + 1.0)
    (stored,) = world.ended(hung)
    assert summary(world.view(stored)) == "a?"
    assert [call.delivery.task_id for call in stage.calls if call.name == "a"].count(hung.id) == 2
    hold.let_go()


def test_a_hanging_send_gives_its_permit_back(new_world: Worlds) -> None:
    hold = Hold()
    setup = with_channels(channel(FEISHU, "a"), channel(DINGTALK, "c"), gate=lambda: Gate(1, 1))
    world = new_world(setup, stage := Stage({"a": [hold, Delivered()]}))
    world.push(task := a_task(Strategy.ALL))
    stage.wait_until(lambda: stage.names[:1] in (["a"], ["c"]) and "a" in stage.inside)
    world.advance(STUCK_AFTER + 1.0)
    (stored,) = world.ended_in_time(task)
    assert sorted(summary(world.view(stored)).split()) == ["a+", "c+"]
    assert stage.inside == ["a"]
    hold.let_go()


def test_what_a_replaced_send_comes_to_is_heard_by_nobody(new_world: Worlds) -> None:
    hold = Hold(Transient(detail="too late"))
    world = new_world(ONE_ROBOT, stage := Stage({"a": [hold, Delivered()]}))
    world.push(task := a_task())
    stage.wait_for_calls("a")
    world.advance(STUCK_AFTER + 1.0)
    (stored,) = world.ended_in_time(task)
    hold.let_go()
    stage.wait_until(lambda: stage.inside == [])
    verdicts = [attempt.verdict for attempt in world.stored(task).attempts]
    assert [type(verdict) for verdict in verdicts] == [Uncertain, Delivered]
    assert world.stored(task) == stored


def test_a_send_that_waits_at_the_gate_is_not_stuck(new_world: Worlds) -> None:
    world = new_world(with_channels(channel(FEISHU, "a"), gate=lambda: Gate(1, 1)))
    permit = world.gate.enter(FEISHU)
    world.push(task := a_task())
    endpoint = world.system.ref(*FEISHU_A).address
    eventually(lambda: _has_letter_in_hand(world, endpoint) or None, "a send at the gate")
    for _ in range(3):
        world.advance(STUCK_AFTER)
        world.let_the_runtime_look()
    permit.release()
    (stored,) = world.ended(task)
    assert stored.status is TaskStatus.COMPLETED
    assert world.status(*FEISHU_A).restarts == 0


def test_an_endpoint_restarted_at_the_gate_leaves_no_permit_behind(new_world: Worlds) -> None:
    hold = Hold()
    setup = with_channels(
        channel(FEISHU, "a"), more={"other": (channel(FEISHU, "b"),)}, gate=lambda: Gate(1, 1)
    )
    world = new_world(setup, stage := Stage({"a": [hold, Delivered()]}))
    first, second = a_task(task_id="task_1"), a_task(task_id="task_2", recipient="other")
    world.push(first)
    stage.wait_for_calls("a")
    world.push(second)
    endpoint = world.system.ref("recipients", "other", "feishu", "b").address
    eventually(lambda: _has_letter_in_hand(world, endpoint) or None, "a send at the gate")
    world.system.scheduler.soon(lambda: _replace(world, endpoint))
    eventually(lambda: _cell(world, endpoint).record.restarts or None, "a restart")
    hold.let_go()
    assert statuses(world, first, second) == [TaskStatus.COMPLETED] * 2
    permit = world.gate.enter(FEISHU)
    permit.release()


def _cell(world: World, address: Address) -> Cell:
    cell = world.system.find(address)
    assert cell is not None
    return cell


def _has_letter_in_hand(world: World, address: Address) -> bool:
    cell = world.system.find(address)
    return cell is not None and cell.context is not None and bool(cell.context.lease.in_hand)


def _replace(world: World, address: Address) -> None:
    world.system.supervisor.replace(_cell(world, address), "an operator had enough of it")
