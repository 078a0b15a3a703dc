"""Tasks and attempts as they come, with only what a test is about spelled out."""

from datetime import UTC, datetime, timedelta

from pushserver.domain import (
    Attempt,
    Delivered,
    Fallback,
    Level,
    Notification,
    PlatformName,
    Push,
    Strategy,
    Style,
    Target,
    Task,
    TaskStatus,
    Verdict,
)
from pushserver.domain.messages import EndTask

NOON = datetime(2026, 1, 2, 12, 0, 0, 345678, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ROBOT = Target(PlatformName.FEISHU, "主告警机器人")
SPARE = Target(PlatformName.DINGTALK, "备用")


def a_task(task_id: str, recipient: str = "ops_alert", created_at: datetime = NOON) -> Task:
    return Task(
        id=task_id,
        recipient=recipient,
        strategy=Strategy.FAILOVER,
        platform=None,
        push=Push("磁盘告警", "disk 91% full", Level.WARNING, Style.CARD),
        created_at=created_at,
    )


def an_attempt(
    task_id: str,
    target: Target = ROBOT,
    number: int = 1,
    verdict: Verdict | None = None,
    *,
    fallback: bool = False,
) -> Attempt:
    return Attempt(
        task_id=task_id,
        target=target,
        round=1,
        number=number,
        verdict=verdict or Delivered(),
        started_at=NOON,
        duration=0.112,
        fallback=fallback,
    )


def completed(task_id: str, at: datetime = NOON) -> EndTask:
    return EndTask(task_id, TaskStatus.COMPLETED, at, Fallback.NONE)


def failed_owing(task_id: str, at: datetime = NOON) -> EndTask:
    return EndTask(task_id, TaskStatus.FAILED, at, Fallback.OWED)


def an_entry(task_id: str, level: Level = Level.ERROR, created_at: datetime = NOON) -> Notification:
    return Notification(
        id=f"notify_20260102120000_{task_id}",
        task_id=task_id,
        reason="all策略所有渠道推送失败",
        title="🚨 推送系统故障通知 - all策略所有渠道推送失败",
        text=f"任务ID: {task_id}",
        level=level,
        strategy="all",
        style=Style.TEXT,
        created_at=created_at,
    )
