"""The last line of defence has its entry in the notification store: always, once, whatever dies or fails."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from actors import Address
from pushserver.config import Notice
from pushserver.delivery import channel_spec
from pushserver.domain import (
    Delivered,
    EndpointBroken,
    Fallback,
    Level,
    Notification,
    NotificationStatus,
    Strategy,
    Style,
    TaskStatus,
    Transient,
)
from pushserver.domain.messages import DeleteNotification
from pushserver.store import NotificationStore
from tests.delivery.parts import DINGTALK, FEISHU, SYSTEM, a_task
from tests.delivery.stage import DEADLINE, Hold, Stage
from tests.delivery.world import (
    DELAY,
    PROCESS,
    SEND_TIMEOUT,
    Setup,
    World,
    Worlds,
    alarms,
    channel,
    eventually,
    with_channels,
)

BROKEN = EndpointBroken(code=19001, detail="token invalid")
HAND_IN_AGAIN = 1.0
ONE_ROBOT = with_channels(channel(FEISHU, "a"))
NO_NOTICES = replace(ONE_ROBOT, notices=None)
SWEEPING = replace(ONE_ROBOT, sweeps=True)
NO_ROOM = replace(ONE_ROBOT, notifications_capacity=0)


def entries(world: World) -> tuple[Notification, ...]:
    return world.entries.page(None, 1000, 0).items


def is_owed(world: World, task_id: str) -> bool:
    return world.stored(a_task(task_id=task_id)).fallback is Fallback.OWED


def make_room(world: World) -> None:
    cell = world.system.find(Address(PROCESS, ("notifications",)))
    assert cell
    cell.mailbox.capacity = 10_000


# The entry -------------------------------------------------------------------------------------------


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
def test_it_says_what_failed_and_why(strategy: Strategy, reason: str, new_world: Worlds) -> None:
    setup = with_channels(channel(FEISHU, "a"), channel(DINGTALK, "c"))
    world = new_world(setup, Stage({"a": BROKEN, "c": EndpointBroken()}))
    world.push(task := a_task(strategy, FEISHU if strategy is Strategy.PLATFORM else None))
    world.ended(task)
    (entry,) = entries(world)
    assert entry.id.startswith("notify_")
    assert (entry.task_id, entry.reason, entry.strategy) == (task.id, reason, strategy.value)
    assert entry.title == f"🚨 推送系统故障通知 - {reason}"
    assert (entry.level, entry.style, entry.status) == (Level.ERROR, Style.TEXT, NotificationStatus.UNREAD)
    assert entry.created_at == world.clock.now()
    assert f"原始标题: {task.push.title}\n原始内容: {task.push.text}\n" in entry.text
    assert "- feishu/a: webhook地址无效 [19001]: token invalid" in entry.text
    assert ("- dingtalk/c: webhook地址无效" in entry.text) is (strategy is not Strategy.PLATFORM)


def test_it_is_made_where_no_notice_is_configured(new_world: Worlds) -> None:
    world = new_world(NO_NOTICES, stage := Stage({"a": BROKEN}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    assert (stored.status, stored.fallback) == (TaskStatus.FAILED, Fallback.DONE)
    assert [entry.task_id for entry in entries(world)] == [task.id]
    assert stage.names == ["a"]


def test_it_is_made_when_every_notice_fails(new_world: Worlds) -> None:
    world = new_world(ONE_ROBOT, Stage({"a": BROKEN, "s": BROKEN}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    assert [entry.task_id for entry in entries(world)] == [task.id]
    assert world.view(stored)["progress"] == {"total": 1, "success": 0, "failed": 1, "pending": 0}


def test_nothing_is_entered_for_what_arrives(new_world: Worlds) -> None:
    world = new_world(with_channels(channel(FEISHU, "a"), channel(SYSTEM, "n")), Stage())
    world.push(robots := a_task(Strategy.ALL, task_id="robots"))
    world.push(notice := a_task(platform=SYSTEM, task_id="notice"))
    world.ended(robots, notice)
    assert entries(world) == ()


def test_two_hundred_tasks_that_fail_at_once_have_two_hundred(new_world: Worlds) -> None:
    world = new_world(ONE_ROBOT, stage := Stage({"a": BROKEN}))
    tasks = [a_task(task_id=f"task_{number}") for number in range(200)]
    world.push(*tasks)
    world.ended(*tasks)
    assert sorted(entry.task_id for entry in entries(world)) == sorted(task.id for task in tasks)
    assert len({entry.id for entry in entries(world)}) == 200
    assert stage.names.count("s") == 200


# What dies -------------------------------------------------------------------------------------------


def test_a_last_line_is_not_over_before_its_entry_is_stored(new_world: Worlds) -> None:
    world = new_world(NO_ROOM, Stage({"a": BROKEN}))
    world.push(task := a_task())
    world.recorded(task, 2)
    world.advance(HAND_IN_AGAIN)
    assert is_owed(world, task.id)
    make_room(world)
    world.ended_in_time(task)
    assert [entry.task_id for entry in entries(world)] == [task.id]


def test_a_process_that_dies_before_the_entry_makes_it_in_its_next_life(new_world: Worlds) -> None:
    first = new_world(NO_ROOM, Stage({"a": BROKEN}))
    first.push(task := a_task())
    first.recorded(task, 2)
    first.kill()
    world = new_world(SWEEPING, stage := Stage())
    (stored,) = world.ended(task)
    assert [entry.task_id for entry in entries(world)] == [task.id]
    assert stage.names == []  # the notices had been sent
    assert alarms(world.view(stored)) == ["s"]


def test_a_process_that_dies_between_entry_and_notices_sends_them_in_its_next_life(new_world: Worlds) -> None:
    first = new_world(ONE_ROBOT, Stage({"a": BROKEN, "s": Transient()}))
    first.push(task := a_task())
    first.recorded(task, 2)
    eventually(lambda: entries(first) or None, "the entry")
    (before,) = entries(first)
    first.kill()
    first.advance(DELAY)
    world = new_world(SWEEPING, stage := Stage())
    world.ended_in_time(task)
    assert entries(world) == (before,)
    assert stage.names == ["s"]


def test_what_an_operator_has_deleted_does_not_come_back(new_world: Worlds) -> None:
    first = new_world(ONE_ROBOT, Stage({"a": BROKEN, "s": Transient()}))
    first.push(task := a_task())
    first.recorded(task, 2)
    eventually(lambda: entries(first) or None, "the entry")
    assert first.notifications.ask(DeleteNotification(entries(first)[0].id), timeout=DEADLINE) is True
    first.kill()
    first.advance(DELAY)
    world = new_world(SWEEPING, Stage())
    world.ended_in_time(task)
    assert entries(world) == ()


def test_a_recipient_that_is_restarted_meanwhile_makes_no_second_one(new_world: Worlds) -> None:
    world = new_world(SWEEPING, Stage({"a": BROKEN, "s": [Transient(), Delivered()]}))
    world.push(task := a_task())
    world.recorded(task, 2)
    eventually(lambda: entries(world) or None, "the entry")
    world.restart("recipients", "ops_alert")
    world.ended_in_time(task)
    assert [entry.task_id for entry in entries(world)] == [task.id]


def test_a_notification_store_that_is_restarted_loses_nothing(new_world: Worlds) -> None:
    hold = Hold(BROKEN)
    world = new_world(ONE_ROBOT, stage := Stage({"a": hold}))
    world.push(task := a_task())
    stage.wait_for_calls("a")
    world.restart("notifications")
    hold.let_go()
    world.ended_in_time(task)
    assert [entry.task_id for entry in entries(world)] == [task.id]


# What fails ------------------------------------------------------------------------------------------


def test_an_entry_that_the_database_refuses_hides_nothing(
    new_world: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    world = new_world(ONE_ROBOT, stage := Stage({"a": BROKEN}))
    with closing(sqlite3.connect(world.url.removeprefix("sqlite:///"))) as other:
        other.execute("CREATE TRIGGER no BEFORE INSERT ON notifications BEGIN SELECT RAISE(ABORT, 'no'); END")
    world.push(task := a_task())
    (stored,) = world.ended(task)
    assert (stored.status, stored.fallback) == (TaskStatus.FAILED, Fallback.DONE)
    assert stage.names == ["a", "s"]
    assert "the store refuses this StoreNotification" in logged(caplog, "notification_not_stored")


def test_an_entry_that_crashes_the_store_is_not_handed_in_again(
    new_world: Worlds, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    execute = NotificationStore.execute

    def crash(store: NotificationStore, connection: Any, commands: Any) -> Any:
        return _fail() if commands else execute(store, connection, commands)

    monkeypatch.setattr(NotificationStore, "execute", crash)
    world = new_world(ONE_ROBOT, Stage({"a": BROKEN}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    assert (stored.status, stored.fallback) == (TaskStatus.FAILED, Fallback.DONE)
    assert alarms(world.view(stored)) == ["s"]
    assert "a bug" in logged(caplog, "notification_not_stored")


def _fail() -> NoReturn:
    raise ValueError("a bug")


def test_notices_that_all_fail_are_logged(new_world: Worlds, caplog: pytest.LogCaptureFixture) -> None:
    world = new_world(replace(ONE_ROBOT, notices=("s", "t")), Stage({"a": BROKEN, "s": BROKEN, "t": BROKEN}))
    world.push(task := a_task())
    (stored,) = world.ended(task)
    assert stored.status is TaskStatus.FAILED
    logged(caplog, "last_line_failed")


def test_notices_of_which_one_arrives_have_not_failed(
    new_world: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    world = new_world(replace(ONE_ROBOT, notices=("s", "t")), Stage({"a": BROKEN, "s": BROKEN}))
    world.push(task := a_task())
    world.ended(task)
    assert "last_line_failed" not in [getattr(record, "action", "") for record in caplog.records]


def logged(caplog: pytest.LogCaptureFixture, action: str) -> str:
    """The error of the one line with this action, which is of level error."""
    (record,) = [record for record in caplog.records if getattr(record, "action", "") == action]
    assert record.levelname == "ERROR"
    return str(getattr(record, "error", ""))


# Time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notice", "seconds"),
    [
        (Notice(type="http", name="h", timeout=60), 63.0),
        (Notice(type="http", name="h", timeout=2), 5.0),
        (Notice(type="file", name="h", timeout=60), SEND_TIMEOUT + 3.0),
    ],
)
def test_a_notice_over_http_has_its_own_time(new_world: Worlds, notice: Notice, seconds: float) -> None:
    world = new_world(Setup())
    settings = channel(SYSTEM, "").model_copy(update={"targets": (notice,)})
    spec = channel_spec(settings, world.services, world.stage.build)
    assert spec.children["h"].deadline == seconds
