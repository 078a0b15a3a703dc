"""What the last line of defence says: a push of its own, made from the task that failed, and its entry."""

from collections.abc import Sequence
from datetime import datetime

from pushserver.domain import Attempt, Level, Notification, Push, Strategy, Style, Task, message_of

TITLE = "🚨 推送系统故障通知 - {reason}"


def reason_of(task: Task) -> str:
    """Why the last line was raised, in the words of the contract."""
    if task.strategy is Strategy.PLATFORM:
        return f"指定平台 {task.platform} 推送失败"
    return f"{task.strategy}策略所有渠道推送失败"


def alarm(task: Task, failures: Sequence[Attempt], at: datetime) -> Push:
    """The notice for a task whose deliveries all failed; ``at`` is local time, as people read it."""
    reason = reason_of(task)
    lines = [
        f"原始标题: {task.push.title}",
        f"原始内容: {task.push.text}",
        f"接收者: {task.recipient}",
        f"失败原因: {reason}",
        f"任务ID: {task.id}",
        f"时间: {at:%Y-%m-%d %H:%M:%S}",
        "失败目标:",
        *(_failure_line(attempt) for attempt in failures),
    ]
    if not failures:
        lines.append("- 没有可用的推送目标")
    return Push(TITLE.format(reason=reason), "\n".join(lines), Level.ERROR, Style.TEXT)


def entry(notification_id: str, task: Task, notice: Push, at: datetime) -> Notification:
    """The notification store's entry for the task, beside its ``notice``; ``at`` is UTC."""
    return Notification(
        id=notification_id,
        task_id=task.id,
        reason=reason_of(task),
        title=notice.title,
        text=notice.text,
        level=notice.level,
        strategy=task.strategy,
        style=notice.style,
        created_at=at,
    )


def _failure_line(attempt: Attempt) -> str:
    verdict = attempt.verdict
    code = f" [{verdict.code}]" if verdict.code is not None else ""
    detail = f": {verdict.detail}" if verdict.detail else ""
    return f"- {attempt.target.platform}/{attempt.target.name}: {message_of(attempt)}{code}{detail}"
