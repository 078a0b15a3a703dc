"""Mails that reach some of their readers, notices as a channel, and notices as the last line of defence."""

import pytest

from pushserver.domain import (
    Delivered,
    EndpointBroken,
    Fallback,
    Level,
    RefusedMailbox,
    Strategy,
    TaskStatus,
    Transient,
)
from tests.delivery.parts import EMAIL, FEISHU, PUSH, SYSTEM, a_task
from tests.delivery.stage import Stage
from tests.delivery.world import DELAY, Worlds, alarms, channel, summary, with_channels

BROKEN = EndpointBroken()
MAIL_ALONE = with_channels(channel(EMAIL, ["mail"]))
MAIL_AND_ROBOT = with_channels(channel(EMAIL, ["mail"]), channel(FEISHU, "a"))
ROBOT_AND_NOTICE = with_channels(channel(FEISHU, "a"), channel(SYSTEM, "n"))

GONE = RefusedMailbox("gone@example.com", 550, "no such user")
PUT_OFF = Delivered(deferred=("late@example.com",))


# Mails -----------------------------------------------------------------------------------------------


def test_a_mail_refused_by_some_mailboxes_is_a_success_that_names_them(new_world: Worlds) -> None:
    world = new_world(MAIL_AND_ROBOT, stage := Stage({"mail": Delivered(refused=(GONE,))}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    (item,) = world.view(stored)["results"]
    assert item["status"] == "success"
    assert item["refused"] == [{"email": "gone@example.com", "code": 550, "reason": "no such user"}]
    assert stage.names == ["mail"]


def test_mailboxes_that_put_a_mail_off_are_tried_again_alone(new_world: Worlds) -> None:
    world = new_world(MAIL_AND_ROBOT, stage := Stage({"mail": [PUT_OFF, Delivered()]}))
    world.push(task := a_task())
    world.recorded(task, 1)
    assert world.stored(task).status is TaskStatus.PROCESSING
    world.advance(DELAY)
    (stored,) = world.ended(task)
    assert [(call.name, call.delivery.only) for call in stage.calls] == [
        ("mail", ()),
        ("mail", ("late@example.com",)),
    ]
    assert stored.status is TaskStatus.COMPLETED


def test_a_mail_stays_a_success_when_those_put_off_are_never_reached(new_world: Worlds) -> None:
    world = new_world(MAIL_ALONE, stage := Stage({"mail": [PUT_OFF, Transient()]}))
    world.push(task := a_task())
    world.recorded(task, 1)
    world.advance(DELAY)
    world.recorded(task, 2)
    world.advance(2 * DELAY)
    (stored,) = world.ended(task)
    assert [call.delivery.only for call in stage.calls] == [(), *[("late@example.com",)] * 2]
    assert summary(world.view(stored)) == "mail+"
    assert alarms(world.view(stored)) == []


def test_the_late_readers_of_a_mail_take_no_robot_along(new_world: Worlds) -> None:
    robot_and_mail = with_channels(channel(FEISHU, "a"), channel(EMAIL, ["mail"]))
    world = new_world(robot_and_mail, stage := Stage({"a": Transient(), "mail": [PUT_OFF, Delivered()]}))
    world.push(task := a_task())
    world.recorded(task, 2)
    world.advance(DELAY)
    world.ended(task)
    assert stage.names == ["a", "mail", "mail"]


# Notices as a channel --------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [Strategy.ALL, Strategy.WEBHOOK_FAILOVER])
def test_a_notice_takes_part_where_everyone_does(strategy: Strategy, new_world: Worlds) -> None:
    world = new_world(ROBOT_AND_NOTICE, stage := Stage())
    world.push(task := a_task(strategy))
    (stored,) = world.ended(task)
    assert sorted(stage.names) == ["a", "n"]
    assert alarms(world.view(stored)) == []


@pytest.mark.parametrize("strategy", [Strategy.FAILOVER, Strategy.MIXED])
def test_a_notice_is_no_spare(strategy: Strategy, new_world: Worlds) -> None:
    world = new_world(ROBOT_AND_NOTICE, stage := Stage({"a": BROKEN}))
    world.push(task := a_task(strategy))
    (stored,) = world.ended(task)
    assert stage.names == ["a", "s"]
    assert stored.status is TaskStatus.FAILED


def test_a_notice_that_arrived_makes_no_success_of_a_task_whose_robots_failed(new_world: Worlds) -> None:
    world = new_world(ROBOT_AND_NOTICE, Stage({"a": BROKEN}))
    world.push(task := a_task(Strategy.ALL))
    (stored,) = world.ended(task)
    view = world.view(stored)
    assert view["status"] == "failed"
    assert sorted(summary(view).split()) == ["a-", "n+"]
    assert view["progress"] == {"total": 2, "success": 1, "failed": 1, "pending": 0}
    assert alarms(view) == ["s"]


def test_a_push_to_the_system_channel_is_an_ordinary_one(new_world: Worlds) -> None:
    world = new_world(ROBOT_AND_NOTICE, stage := Stage())
    world.push(task := a_task(platform=SYSTEM))
    (stored,) = world.ended(task)
    assert stage.names == ["n"]
    assert stored.status is TaskStatus.COMPLETED
    assert stage.calls[0].delivery.push == PUSH


# The last line of defence ----------------------------------------------------------------------------


def test_the_last_line_uses_every_global_notice(new_world: Worlds) -> None:
    setup = with_channels(channel(FEISHU, "a"), channel(SYSTEM, "n"), notices=("s", "t"))
    world = new_world(setup, stage := Stage({"a": BROKEN}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    assert sorted(stage.names) == ["a", "s", "t"]
    assert sorted(alarms(world.view(stored))) == ["s", "t"]


def test_without_a_global_block_the_last_line_is_the_recipients_own_system_channel(new_world: Worlds) -> None:
    setup = with_channels(channel(FEISHU, "a"), channel(SYSTEM, "n"), notices=None)
    world = new_world(setup, stage := Stage({"a": BROKEN}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    assert stage.names == ["a", "n"]
    assert alarms(world.view(stored)) == ["n"]


def test_without_any_notice_the_last_line_is_done_at_once(new_world: Worlds) -> None:
    world = new_world(with_channels(channel(FEISHU, "a"), notices=None), stage := Stage({"a": BROKEN}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    assert (stored.status, stored.fallback) == (TaskStatus.FAILED, Fallback.DONE)
    assert stage.names == ["a"]


def test_a_notice_that_fails_for_now_is_tried_again(new_world: Worlds) -> None:
    setup = with_channels(channel(FEISHU, "a"))
    world = new_world(setup, stage := Stage({"a": BROKEN, "s": [Transient(), Delivered()]}))
    world.push(task := a_task())
    world.recorded(task, 2)
    world.advance(DELAY)
    world.ended(task)
    assert stage.names.count("s") == 2


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        (Strategy.ALL, "all策略所有渠道推送失败"),
        (Strategy.FAILOVER, "failover策略所有渠道推送失败"),
        (Strategy.WEBHOOK_FAILOVER, "webhook_failover策略所有渠道推送失败"),
        (Strategy.MIXED, "mixed策略所有渠道推送失败"),
        (Strategy.PLATFORM, "指定平台 feishu 推送失败"),
    ],
)
def test_the_last_line_says_what_failed_and_why(strategy: Strategy, reason: str, new_world: Worlds) -> None:
    broken = EndpointBroken(code=19001, detail="token invalid")
    setup = with_channels(channel(FEISHU, ["主告警机器人"]))
    world = new_world(setup, stage := Stage({"主告警机器人": broken}))
    world.push(task := a_task(strategy, FEISHU if strategy is Strategy.PLATFORM else None))
    world.ended(task)
    notice = stage.calls[-1].delivery.push
    assert notice.title == f"🚨 推送系统故障通知 - {reason}"
    assert notice.level is Level.ERROR
    lines = notice.text.splitlines()
    assert lines[:5] == [
        "原始标题: 磁盘告警",
        "原始内容: disk 91% full",
        "接收者: ops_alert",
        f"失败原因: {reason}",
        f"任务ID: {task.id}",
    ]
    assert lines[-1] == "- feishu/主告警机器人: webhook地址无效 [19001]: token invalid"
