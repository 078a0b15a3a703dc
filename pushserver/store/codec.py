"""Domain values to rows and back, without loss.

Two characters cannot be kept: NUL, which PostgreSQL refuses in text, and lone surrogates, which UTF-8 has no
place for. Both come out of hostile JSON. In free text they are replaced, since one such push must not spoil
the transaction of a hundred others.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from pushserver.domain import (
    VERDICTS,
    Attempt,
    Fallback,
    Level,
    Notification,
    NotificationStatus,
    PlatformName,
    Push,
    RefusedMailbox,
    StoredTask,
    Strategy,
    Style,
    Target,
    Task,
    TaskStatus,
    Verdict,
)

Parameters = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC; ``moment`` must be aware (TypeError otherwise)."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The aware UTC moment that :func:`to_microseconds` was given."""
    return _EPOCH + timedelta(microseconds=count)


def storable(text: str) -> str:
    """The text with every character that some database cannot hold replaced by U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", _REPLACEMENT)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(_REPLACEMENT if "\ud800" <= letter <= "\udfff" else letter for letter in text)
    return text


# Tasks -----------------------------------------------------------------------------------------------


def task_to_row(task: Task) -> Parameters:
    """The row of a task that was just accepted."""
    push = task.push
    return {
        "id": task.id,
        "recipient": task.recipient,
        "type": push.level.value,
        "strategy": task.strategy.value,
        "platform": task.platform and task.platform.value,
        "style": push.style.value,
        "title": storable(push.title),
        "msg": storable(push.text),
        "status": "pending",
        "fallback": "none",
        "unfinished": True,
        "created_at": to_microseconds(task.created_at),
    }


def task_from_row(
    row: Row[Any], attempts: Iterable[Attempt] = (), resumptions: Mapping[Target, int] | None = None
) -> StoredTask:
    """The task of a row of ``tasks``, with what the other tables say of it."""
    return StoredTask(
        task=Task(
            id=row.id,
            recipient=row.recipient,
            strategy=Strategy(row.strategy),
            platform=PlatformName(row.platform) if row.platform else None,
            push=Push(row.title, row.msg, Level(row.type), Style(row.style)),
            created_at=from_microseconds(row.created_at),
        ),
        status=TaskStatus(row.status),
        attempts=tuple(attempts),
        completed_at=None if row.completed_at is None else from_microseconds(row.completed_at),
        fallback=Fallback(row.fallback),
        resumptions=resumptions or {},
    )


# Attempts --------------------------------------------------------------------------------------------


def attempt_to_row(attempt: Attempt, called_by: str = "") -> Parameters:
    """The row of an attempt; its id is the database's."""
    return {
        "task_id": attempt.task_id,
        "platform": attempt.target.platform.value,
        "target": attempt.target.name,
        "round": attempt.round,
        "number": attempt.number,
        "only": _to_json(attempt.only) if attempt.only else None,
        "fallback": attempt.fallback,
        "started_at": to_microseconds(attempt.started_at),
        "duration": attempt.duration,
        "called_by": called_by or None,
        **verdict_to_columns(attempt.verdict, {"digest": attempt.digest} if attempt.digest else {}),
    }


def attempt_from_row(row: Row[Any]) -> Attempt:
    """The attempt of a row of ``attempts``."""
    extras = json.loads(row.data) if row.data else {}
    digest = extras.pop("digest", 0)
    return Attempt(
        task_id=row.task_id,
        target=target_from_row(row),
        round=row.round,
        number=row.number,
        verdict=_verdict(row.kind, row.code, row.detail, extras),
        started_at=from_microseconds(row.started_at),
        duration=row.duration,
        fallback=row.fallback,
        only=tuple(json.loads(row.only)) if row.only else (),
        digest=digest,
    )


def target_from_row(row: Row[Any]) -> Target:
    """The target of a row with the columns ``platform`` and ``target``."""
    return Target(PlatformName(row.platform), row.target)


# Verdicts --------------------------------------------------------------------------------------------

_EXTRAS = {
    kind: tuple(
        (field.name, field.default) for field in fields(verdict) if field.name not in {"code", "detail"}
    )
    for kind, verdict in VERDICTS.items()
}
"""For each kind the fields that it does not share with all others, and their defaults."""


def _refused(items: list[list[Any]]) -> tuple[RefusedMailbox, ...]:
    return tuple(RefusedMailbox(*item) for item in items)


_FROM_JSON: dict[str, Callable[[Any], Any]] = {"refused": _refused, "deferred": tuple, "waits": tuple}
"""The fields that JSON hands back in another type."""


def verdict_to_columns(verdict: Verdict, more: Mapping[str, Any] | None = None) -> Parameters:
    """``kind``, ``code``, ``detail`` and ``data`` of a verdict; ``data`` holds ``more`` besides."""
    extras = {
        name: value for name, default in _EXTRAS[verdict.kind] if (value := getattr(verdict, name)) != default
    }
    if more:
        extras |= more
    return {
        "kind": verdict.kind,
        "code": None if verdict.code is None else _to_json(verdict.code),
        "detail": storable(verdict.detail),
        "data": _to_json(extras) if extras else None,
    }


def verdict_from_columns(kind: str, code: str | None, detail: str, data: str | None) -> Verdict:
    """The verdict that :func:`verdict_to_columns` was given."""
    return _verdict(kind, code, detail, json.loads(data) if data else {})


def _verdict(kind: str, code: str | None, detail: str, extras: Mapping[str, Any]) -> Verdict:
    return VERDICTS[kind](
        code=json.loads(code) if code else None,
        detail=detail,
        **{name: _FROM_JSON.get(name, _as_is)(value) for name, value in extras.items()},
    )


def _as_is(value: object) -> object:
    return value


def _to_json(value: object) -> str:
    # The default's \uXXXX is wanted here: it carries even what storable() would have to replace.
    return json.dumps(value, default=astuple, separators=(",", ":"))


# Notifications ---------------------------------------------------------------------------------------


def notification_to_row(notification: Notification) -> Parameters:
    """The row of an entry; its number is the database's."""
    return {
        "id": notification.id,
        "task_id": notification.task_id,
        "reason": storable(notification.reason),
        "title": storable(notification.title),
        "msg": storable(notification.text),
        "type": notification.level.value,
        "strategy": notification.strategy,
        "style": notification.style.value,
        "status": notification.status.value,
        "created_at": to_microseconds(notification.created_at),
    }


def notification_from_row(row: Row[Any]) -> Notification:
    """The entry of a row of ``notifications``."""
    return Notification(
        id=row.id,
        task_id=row.task_id,
        reason=row.reason,
        title=row.title,
        text=row.msg,
        level=Level(row.type),
        strategy=row.strategy,
        style=Style(row.style),
        created_at=from_microseconds(row.created_at),
        status=NotificationStatus(row.status),
    )
