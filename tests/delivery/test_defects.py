"""Defects of the original that belong to delivery (contract §10), each shown absent."""

from collections import Counter

import pytest

from pushserver.delivery import Gate, RetryRules
from pushserver.domain import Delivered, EndpointBroken, Strategy, TaskStatus, Transient, Uncertain
from tests.delivery.parts import DINGTALK, EMAIL, FEISHU, SYSTEM, WECHAT, a_task
from tests.delivery.stage import Hold, Stage
from tests.delivery.world import DELAY, Worlds, channel, summary, with_channels

BROKEN = EndpointBroken()


def test_mixed_fails_over(new_world: Worlds) -> None:
    world = new_world(stage=(stage := Stage({"a": BROKEN, "b": BROKEN})))
    world.push(task := a_task(Strategy.MIXED))
    (stored,) = world.ended(task)
    assert sorted(stage.names) == ["a", "b", "c", "d"]
    assert stored.status is TaskStatus.COMPLETED


def test_success_after_failover_is_not_reported_as_failed(new_world: Worlds) -> None:
    world = new_world(stage=Stage({"a": BROKEN, "b": BROKEN, "c": BROKEN}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    view = world.view(stored)
    assert view["status"] == "completed"
    assert view["progress"] == {"total": 4, "success": 1, "failed": 3, "pending": 0}
    assert summary(view) == "a- b- c- d+"


@pytest.mark.parametrize("strategy", [s for s in Strategy if s is not Strategy.PLATFORM])
def test_tasks_do_not_get_stuck_in_processing(strategy: Strategy, new_world: Worlds) -> None:
    """Some well, some broken, some gone without an answer: all come to an end."""
    stage = Stage({"a": ValueError("a bug"), "b": Uncertain(again=False), "c": BROKEN})
    world = new_world(stage=stage)
    tasks = [a_task(strategy, task_id=f"task_{n}") for n in range(20)]
    world.push(*tasks)
    assert all(stored.status.final for stored in world.ended_in_time(*tasks))


def test_channels_are_tried_in_the_order_of_the_file(new_world: Worlds) -> None:
    order = (channel(WECHAT, "w"), channel(EMAIL, "m"), channel(DINGTALK, "dc"), channel(FEISHU, "ba"))
    world = new_world(with_channels(*order), stage := Stage(dict.fromkeys("wmdcba", BROKEN)))
    tasks = [a_task(task_id=f"task_{n}") for n in range(5)]
    for task in tasks:
        world.push(task)
        world.ended(task)
    assert [name for name in stage.names if name != "s"] == list("wmdcba" * 5)


def test_accepted_tasks_are_not_lost_at_shutdown(new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(stage=(before := Stage({"a": hold})))
    tasks = [a_task(task_id=f"task_{n}") for n in range(3)]
    world.push(*tasks)
    before.wait_for_calls("a")
    world.stop()
    later = new_world(stage=(after := Stage()), setup=with_channels(channel(FEISHU, "a"), sweeps=True))
    assert [stored.status for stored in later.ended(*tasks)] == [TaskStatus.COMPLETED] * 3
    sent = Counter(call.delivery.task_id for call in [*before.calls, *after.calls])
    assert sent == {task.id: 1 for task in tasks}


def test_one_slow_platform_does_not_delay_the_others_in_webhook_failover(new_world: Worlds) -> None:
    slow = Hold()
    stage = Stage({"a": slow, "c": Transient(), "d": [Transient(), Delivered()]})
    world = new_world(stage=stage)
    world.push(task := a_task(Strategy.WEBHOOK_FAILOVER))
    world.recorded(task, 2)
    world.advance(DELAY)
    world.recorded(task, 4)
    assert stage.inside == ["a"], "DingTalk's further round did not wait for Feishu"
    slow.let_go()
    (stored,) = world.ended(task)
    assert sorted(summary(world.view(stored)).split()) == ["a+", "c-", "d+"]


def test_there_are_retries(new_world: Worlds) -> None:
    setup = with_channels(channel(FEISHU, "a"), rules=RetryRules(count=3, delay=DELAY))
    world = new_world(setup, stage := Stage({"a": Transient()}))
    world.push(task := a_task())
    for made, pause in [(1, DELAY), (2, 2 * DELAY), (3, 4 * DELAY)]:
        world.recorded(task, made)
        world.advance(pause)
    (stored,) = world.ended(task)
    assert stage.names == ["a", "a", "a", "a", "s"]
    assert [call.delivery.at.timestamp() - task.created_at.timestamp() for call in stage.calls[:4]] == [
        call_at + stage.calls[0].delivery.at.timestamp() - task.created_at.timestamp()
        for call_at in (0.0, 5.0, 15.0, 35.0)
    ]
    assert world.view(stored)["results"][0]["attempt"] == 4


def test_max_concurrent_per_platform_holds_for_the_whole_service(new_world: Worlds) -> None:
    aliases = {f"r{n}": (channel(FEISHU, [f"a{n}"]),) for n in range(5)}
    holds = {f"a{n}": Hold() for n in range(5)}
    setup = with_channels(channel(FEISHU, "a"), more=aliases, gate=lambda: Gate(50, 2))
    world = new_world(setup, stage := Stage(holds))
    tasks = [a_task(Strategy.ALL, task_id=f"task_{alias}", recipient=alias) for alias in aliases]
    world.push(*tasks)
    stage.wait_until(lambda: len(stage.inside) == 2)
    for hold in holds.values():
        hold.let_go()
    world.ended(*tasks)
    assert stage.most_at_once == 2


def test_a_platform_at_its_limit_leaves_the_others_their_places(new_world: Worlds) -> None:
    holds = {name: Hold() for name in "ab"}
    setup = with_channels(channel(FEISHU, "ab"), channel(DINGTALK, "cd"), gate=lambda: Gate(2, 1))
    world = new_world(setup, stage := Stage(holds))
    world.push(task := a_task(Strategy.ALL))
    world.recorded(task, 2)
    assert sorted(set(stage.names)) in (["a", "c", "d"], ["b", "c", "d"])
    for hold in holds.values():
        hold.let_go()
    world.ended(task)


def test_task_id_is_in_the_notice(new_world: Worlds) -> None:
    setup = with_channels(channel(FEISHU, "a"), channel(SYSTEM, "n"))
    world = new_world(setup, stage := Stage({"a": BROKEN}))
    world.push(task := a_task(Strategy.ALL))
    world.ended(task)
    given = {call.name: call.delivery for call in stage.calls}
    assert {delivery.task_id for delivery in given.values()} == {task.id}
    assert f"任务ID: {task.id}" in given["s"].push.text


def test_a_bug_in_a_platform_shows_no_webhook_to_clients(new_world: Worlds) -> None:
    bug = ValueError("https://open.feishu.cn/open-apis/bot/v2/hook/secret-token")
    world = new_world(stage=Stage({"a": bug}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    view = world.view(stored)
    assert summary(view) == "a? b+"
    assert "ValueError while sending" in view["results"][0]["detail"]
    assert "secret-token" not in str(view)
