"""The contract's §4, from values alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from pushserver.api.task_view import view_task
from pushserver.domain import (
    Attempt,
    Delivered,
    EndpointBroken,
    Fallback,
    Level,
    MessageRefused,
    PlatformName,
    Push,
    RateLimited,
    RefusedHere,
    RefusedMailbox,
    StoredTask,
    Strategy,
    Style,
    Target,
    Task,
    TaskStatus,
    Transient,
    Uncertain,
    Verdict,
    WaitingFor,
)
from tests.api.api_parts import NOON, SomeProgress

FEISHU = Target(PlatformName.FEISHU, "主告警机器人")
DINGTALK = Target(PlatformName.DINGTALK, "备用")
EMAIL = Target(PlatformName.EMAIL, "email")
FILE = Target(PlatformName.SYSTEM, "文件通知")

TASK = Task(
    id="task_20240101_120000_abc123def456",
    recipient="ops_alert",
    strategy=Strategy.ALL,
    platform=None,
    push=Push("磁盘", "满了", Level.ERROR, Style.CARD),
    created_at=NOON,
)


def attempt(target: Target, verdict: Verdict, *, at: float = 0, number: int = 1, **more: Any) -> Attempt:
    return Attempt(
        task_id=TASK.id,
        target=target,
        round=1,
        number=number,
        verdict=verdict,
        started_at=NOON + timedelta(seconds=at),
        duration=0.112,
        **more,
    )


def view(*attempts: Attempt, status: TaskStatus = TaskStatus.PROCESSING, **more: Any) -> dict[str, Any]:
    return view_task(StoredTask(TASK, status, attempts, **more), SomeProgress())


def results(*attempts: Attempt) -> list[dict[str, Any]]:
    shown = view(*attempts)["results"]
    assert isinstance(shown, list)
    return shown


def test_a_finished_task_is_shown_as_in_the_contract() -> None:
    stored = StoredTask(
        TASK,
        TaskStatus.COMPLETED,
        (
            attempt(FEISHU, Delivered()),
            attempt(DINGTALK, EndpointBroken(code=300005, detail="token is not exist"), at=1),
        ),
        completed_at=NOON + timedelta(seconds=5),
    )
    assert view_task(stored, SomeProgress(2, 1, 1, 0)) == {
        "task_id": "task_20240101_120000_abc123def456",
        "status": "completed",
        "recipient": "ops_alert",
        "type": "error",
        "strategy": "all",
        "platform": None,
        "style": "card",
        "title": "磁盘",
        "created_at": "2024-01-01T12:00:00Z",
        "completed_at": "2024-01-01T12:00:05Z",
        "progress": {"total": 2, "success": 1, "failed": 1, "pending": 0},
        "results": [
            {
                "platform": "feishu",
                "target": "主告警机器人",
                "status": "success",
                "message": "发送成功",
                "attempt": 1,
                "timestamp": "2024-01-01T12:00:00Z",
                "duration_ms": 112,
            },
            {
                "platform": "dingtalk",
                "target": "备用",
                "status": "failed",
                "message": "webhook地址无效",
                "code": 300005,
                "detail": "token is not exist",
                "attempt": 1,
                "timestamp": "2024-01-01T12:00:01Z",
                "duration_ms": 112,
            },
        ],
    }


def test_a_task_that_waits_says_for_what() -> None:
    waiting = WaitingFor(FEISHU, NOON + timedelta(seconds=30), "budget")
    shown = view_task(StoredTask(TASK, TaskStatus.PROCESSING), SomeProgress(), waiting)
    assert shown["waiting_for"] == {
        "platform": "feishu",
        "target": "主告警机器人",
        "until": "2024-01-01T12:00:30Z",
        "reason": "budget",
    }
    assert "waiting_for" not in view()


def test_an_attempt_says_how_many_messages_its_send_carried() -> None:
    (shown,) = results(replace(attempt(FEISHU, Delivered()), digest=12))
    assert shown["digest"] == 12


@pytest.mark.parametrize("status", list(TaskStatus))
def test_the_status_is_the_stored_one_and_the_end_is_absent_until_then(status: TaskStatus) -> None:
    assert view(status=status)["status"] == status.value
    assert "completed_at" not in view(status=status)


def test_a_push_by_platform_shows_both() -> None:
    task = Task("t", "r", Strategy.PLATFORM, PlatformName.WECHAT, TASK.push, NOON)
    shown = view_task(StoredTask(task, TaskStatus.PENDING), SomeProgress())
    assert (shown["strategy"], shown["platform"]) == ("platform", "wechat")


def test_times_are_utc_wherever_they_were_taken() -> None:
    at = datetime(2024, 1, 1, 20, 0, tzinfo=timezone(timedelta(hours=8)))
    assert view(completed_at=at)["completed_at"] == "2024-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("target", "verdict", "status", "message"),
    [
        (FEISHU, Delivered(), "success", "发送成功"),
        (FEISHU, RateLimited(waits=(1.0,)), "failed", "发送频率受限"),
        (FEISHU, Transient(), "failed", "网络或平台暂时故障"),
        (FEISHU, EndpointBroken(), "failed", "webhook地址无效"),
        (EMAIL, EndpointBroken(), "failed", "邮箱账户不可用"),
        (FILE, EndpointBroken(), "failed", "系统通知方式不可用"),
        (FEISHU, RefusedHere(), "failed", "被该机器人拒绝 (关键词、IP或签名)"),
        (FEISHU, MessageRefused(), "failed", "消息内容被平台拒绝"),
        (FEISHU, Uncertain(), "failed", "结果未知，可能已送达"),
    ],
)
def test_every_verdict_has_its_text(target: Target, verdict: Verdict, status: str, message: str) -> None:
    [item] = results(attempt(target, verdict))
    assert (item["status"], item["message"]) == (status, message)
    assert item.get("uncertain", False) is isinstance(verdict, Uncertain)
    assert "attempts" not in item
    assert "code" not in item
    assert "detail" not in item


def test_the_last_attempt_decides_and_the_earlier_ones_are_kept() -> None:
    [item] = results(
        attempt(FEISHU, Transient(code=502), number=1),
        attempt(FEISHU, Uncertain(), number=2, at=5),
        attempt(FEISHU, Delivered(code=0), number=3, at=10),
    )
    assert (item["status"], item["attempt"]) == ("success", 3)
    assert "code" not in item, "a success needs no code to explain it"
    assert item["timestamp"] == "2024-01-01T12:00:10Z"
    assert "uncertain" not in item
    assert item["attempts"] == [
        {
            "status": "failed",
            "message": "网络或平台暂时故障",
            "code": 502,
            "attempt": 1,
            "timestamp": "2024-01-01T12:00:00Z",
            "duration_ms": 112,
        },
        {
            "status": "failed",
            "message": "结果未知，可能已送达",
            "uncertain": True,
            "attempt": 2,
            "timestamp": "2024-01-01T12:00:05Z",
            "duration_ms": 112,
        },
    ]


def test_a_target_that_may_have_the_message_says_so_whatever_came_after() -> None:
    [item] = results(attempt(FEISHU, Uncertain()), attempt(FEISHU, EndpointBroken(), number=2, at=1))
    assert (item["status"], item["message"], item["uncertain"]) == ("failed", "webhook地址无效", True)


def test_a_target_that_took_the_message_stays_a_success() -> None:
    [item] = results(
        attempt(EMAIL, Delivered(deferred=("b@x",))),
        attempt(EMAIL, Transient(), number=2, at=60, only=("b@x",)),
    )
    assert (item["status"], item["attempt"]) == ("success", 1)
    assert [earlier["attempt"] for earlier in item["attempts"]] == [2]


def test_items_stand_in_the_order_of_their_first_attempts() -> None:
    shown = results(
        attempt(DINGTALK, Transient(), at=2),
        attempt(FEISHU, Delivered(), number=2, at=9),
        attempt(FEISHU, Transient(), at=1),
    )
    assert [item["target"] for item in shown] == ["主告警机器人", "备用"]


def test_mailboxes_refused_in_any_attempt_are_listed_once() -> None:
    [item] = results(
        attempt(
            EMAIL, Delivered(refused=(RefusedMailbox("a@x", 550, "no such user"),), deferred=("b@x", "c@x"))
        ),
        attempt(
            EMAIL,
            Delivered(refused=(RefusedMailbox("b@x", None, "timed out"),)),
            number=2,
            at=60,
            only=("b@x",),
        ),
    )
    assert item["status"] == "success"
    assert item["refused"] == [
        {"email": "a@x", "code": 550, "reason": "no such user"},
        {"email": "b@x", "code": None, "reason": "timed out"},
    ]


def test_the_last_line_of_defence_stands_last_and_is_marked() -> None:
    shown = view(
        attempt(FILE, Delivered(), at=1, fallback=True),
        attempt(FEISHU, Transient(), at=2),
        attempt(FILE, Transient(), at=0),
        status=TaskStatus.FAILED,
        fallback=Fallback.DONE,
    )
    assert shown["status"] == "failed"
    assert [(item["platform"], item["target"], item.get("fallback")) for item in shown["results"]] == [
        ("system", "文件通知", None),
        ("feishu", "主告警机器人", None),
        ("system", "文件通知", True),
    ]


def test_progress_is_shown_as_it_was_computed() -> None:
    shown = view_task(StoredTask(TASK, TaskStatus.PROCESSING), SomeProgress(4, 1, 2, 1))
    assert shown["progress"] == {"total": 4, "success": 1, "failed": 2, "pending": 1}


def test_durations_are_whole_milliseconds() -> None:
    at = datetime(2024, 1, 1, 12, 0, 0, 999_999, tzinfo=UTC)
    odd = Attempt(TASK.id, FEISHU, 1, 1, Delivered(), at, 0.0127)
    [item] = results(odd)
    assert (item["duration_ms"], item["timestamp"]) == (13, "2024-01-01T12:00:00Z")


def test_a_mailbox_put_off_to_the_end_counts_as_refused_once_the_task_has_ended() -> None:
    attempts = (
        attempt(EMAIL, Delivered(deferred=("b@example.com",)), number=1),
        attempt(EMAIL, Transient(code=451), number=2, at=5, only=("b@example.com",)),
    )
    (under_way,) = view(*attempts)["results"]
    (ended,) = view(*attempts, status=TaskStatus.COMPLETED)["results"]
    assert "refused" not in under_way
    assert ended["status"] == "success"
    assert ended["refused"] == [
        {"email": "b@example.com", "code": None, "reason": "暂时拒收，多次重试未成功"}
    ]
