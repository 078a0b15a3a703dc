"""Shows a stored task as the API does. Pure: a :class:`StoredTask` and its progress in, a dict out."""

from datetime import UTC, datetime
from typing import Any

from pushserver.api.ports import Progress
from pushserver.domain import (
    Attempt,
    Delivered,
    PlatformName,
    RefusedMailbox,
    StoredTask,
    Target,
    Uncertain,
    WaitingFor,
    message_of,
)

_PUT_OFF = "暂时拒收，多次重试未成功"


def view_task(
    stored: StoredTask, progress: Progress, waiting_for: WaitingFor | None = None
) -> dict[str, Any]:
    """The ``data`` of ``GET /api/v1/task/{task_id}``."""
    task = stored.task
    view: dict[str, Any] = {
        "task_id": task.id,
        "status": stored.status.value,
        "recipient": task.recipient,
        "type": task.push.level.value,
        "strategy": task.strategy.value,
        "platform": task.platform.value if task.platform else None,
        "style": task.push.style.value,
        "title": task.push.title,
        "created_at": rfc3339(task.created_at),
    }
    if stored.completed_at is not None:
        view["completed_at"] = rfc3339(stored.completed_at)
    if waiting_for is not None:
        view["waiting_for"] = _view_waiting(waiting_for)
    return view | {"progress": _view_progress(progress), "results": _view_results(stored)}


def rfc3339(moment: datetime) -> str:
    """The moment in UTC, to the second: ``2024-01-01T12:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _view_waiting(waiting: WaitingFor) -> dict[str, str]:
    return {
        "platform": waiting.target.platform.value,
        "target": waiting.target.name,
        "until": rfc3339(waiting.until),
        "reason": waiting.reason,
    }


def _view_progress(progress: Progress) -> dict[str, int]:
    return {
        "total": progress.total,
        "success": progress.success,
        "failed": progress.failed,
        "pending": progress.pending,
    }


def _view_results(stored: StoredTask) -> list[dict[str, Any]]:
    """One item per target in order of its first attempt; the last line of defence behind all others."""
    in_order = sorted(
        stored.attempts, key=lambda attempt: (attempt.fallback, attempt.started_at, attempt.number)
    )
    by_target: dict[tuple[bool, Target], list[Attempt]] = {}
    for attempt in in_order:
        by_target.setdefault((attempt.fallback, attempt.target), []).append(attempt)
    return [_view_target(of_target, final=stored.status.final) for of_target in by_target.values()]


def _view_target(attempts: list[Attempt], *, final: bool) -> dict[str, Any]:
    """The attempt that decided, with what the others have to add, and those others under ``attempts``."""
    deciding = _deciding(attempts)
    target = deciding.target
    item = {
        "platform": PlatformName.SYSTEM.value if deciding.fallback else target.platform.value,
        "target": target.name,
        **_view_attempt(deciding),
    }
    if refused := _view_refused(attempts, final=final):
        item["refused"] = refused
    if item["status"] == "failed" and any(isinstance(attempt.verdict, Uncertain) for attempt in attempts):
        item["uncertain"] = True
    if deciding.fallback:
        item["fallback"] = True
    if others := [_view_attempt(attempt) for attempt in attempts if attempt is not deciding]:
        item["attempts"] = others
    return item


def _deciding(attempts: list[Attempt]) -> Attempt:
    """The last success; a target that took the message stays a success whatever a repetition met with."""
    successes = [attempt for attempt in attempts if isinstance(attempt.verdict, Delivered)]
    return (successes or attempts)[-1]


def _view_attempt(attempt: Attempt) -> dict[str, Any]:
    verdict = attempt.verdict
    view: dict[str, Any] = {
        "status": "success" if isinstance(verdict, Delivered) else "failed",
        "message": message_of(attempt),
        "attempt": attempt.number,
        "timestamp": rfc3339(attempt.started_at),
        "duration_ms": round(attempt.duration * 1000),
    }
    if attempt.digest:
        view["digest"] = attempt.digest
    if isinstance(verdict, Delivered):
        return view
    if verdict.code is not None:
        view["code"] = verdict.code
    if verdict.detail:
        view["detail"] = verdict.detail
    if isinstance(verdict, Uncertain):
        view["uncertain"] = True
    return view


def _view_refused(attempts: list[Attempt], *, final: bool) -> list[dict[str, Any]]:
    """The mailboxes that a mail did not reach, over all its attempts: a repetition is for the others only.

    Those that were put off again and again count once the task has ended: nobody tries them any more.
    """
    refused = {
        mailbox.email: mailbox
        for attempt in attempts
        if isinstance(attempt.verdict, Delivered)
        for mailbox in attempt.verdict.refused
    }
    if final:
        refused |= {email: RefusedMailbox(email, None, _PUT_OFF) for email in _put_off(attempts)}
    return [{"email": box.email, "code": box.code, "reason": box.reason} for box in refused.values()]


def _put_off(attempts: list[Attempt]) -> tuple[str, ...]:
    last = attempts[-1]
    return last.verdict.deferred if isinstance(last.verdict, Delivered) else last.only
