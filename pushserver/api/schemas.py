"""The shapes of what goes in and out, as JSON schemas; names and words come from where the code has them.

https://json-schema.org/draft/2020-12/schema
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final

from actors import State
from pushserver.api.operation import Schema
from pushserver.api.ports import RelayStatus
from pushserver.api.push_request import MOST_PUSHES, STRATEGIES
from pushserver.api.query import MOST
from pushserver.config import Effect, Kind
from pushserver.domain import (
    NOTICE_SOURCE,
    WAITING_REASONS,
    Level,
    NotificationStatus,
    PlatformName,
    Strategy,
    Style,
    TaskStatus,
)
from pushserver.domain.mail import MailState

TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
TRUTH: Final[Schema] = {"type": "boolean"}
SECONDS: Final[Schema] = {"type": "number", "minimum": 0, "description": "seconds"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time", "description": "RFC 3339, UTC"}


def one_of(words: Iterable[str]) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": [str(word) for word in words]}


def or_null(schema: Schema) -> Schema:
    """The same, or ``null``."""
    with_null = {**schema, "type": [schema["type"], "null"]}
    return with_null | {"enum": [*schema["enum"], None]} if "enum" in schema else with_null


def list_of(item: Schema) -> Schema:
    """Any number of these."""
    return {"type": "array", "items": item}


def having(required: Mapping[str, Schema] | None = None, /, **optional: Schema) -> Schema:
    """An object with these members; further ones may come with a later version."""
    members = {**(required or {}), **optional}
    return {"type": "object", "required": list(required or ()), "properties": members}


def named(name: str) -> Schema:
    """One of :data:`COMPONENTS`."""
    return {"$ref": f"#/components/schemas/{name}"}


_OPTIONAL_WORD: Final = "null and the empty text mean: left out"


def _option(words: type[StrEnum] | Iterable[str], otherwise: str) -> Schema:
    """What a field of a push may say; left out, it means ``otherwise``."""
    choices = [str(word) for word in words]
    return {
        "type": ["string", "null"],
        "enum": [*choices, "", None],
        "description": f"{otherwise} when left out; {_OPTIONAL_WORD}",
    }


# What a push may hold besides: any, ignored unless its name is nearly one of these.
_PUSH: Final[Schema] = {
    **having(
        {
            "recipient_alias": {**TEXT, "pattern": r"\S", "description": "a key of recipients"},
            "content": having(
                {
                    "title": {**TEXT, "pattern": r"\S"},
                    "msg": {**TEXT, "pattern": r"\S"},
                }
            ),
        },
        type=_option(Level, Level.INFO),
        strategy=_option(STRATEGIES, Strategy.FAILOVER),
        platform=_option(PlatformName, "by strategy"),
        style=_option(Style, Style.TEXT),
    ),
    "description": "Unknown fields are ignored, but not near misses of known ones (`stratgy`).",
}

_ATTEMPT: Final[Mapping[str, Schema]] = {
    "status": one_of(("success", "failed")),
    "message": TEXT,
    "attempt": COUNT,
    "timestamp": MOMENT,
    "duration_ms": COUNT,
}
_ATTEMPT_MORE: Final[Mapping[str, Schema]] = {
    "code": {"type": ["integer", "string", "null"], "description": "the vendor's"},
    "detail": {**TEXT, "description": "the vendor's words"},
    "uncertain": {**TRUTH, "description": "sent, the answer lost: it may have arrived"},
    "digest": {**COUNT, "description": "the one send carried so many messages"},
}
_REFUSED: Final = having({"email": TEXT, "code": or_null({"type": "integer"}), "reason": TEXT})

_RESULT: Final = having(
    {"platform": one_of(PlatformName), "target": TEXT, **_ATTEMPT},
    **_ATTEMPT_MORE,
    refused={**list_of(_REFUSED), "description": "mailboxes that a mail did not reach"},
    fallback={**TRUTH, "description": "of the last line of defence"},
    attempts={**list_of(having(_ATTEMPT, **_ATTEMPT_MORE)), "description": "the others at this target"},
)

_TASK: Final = having(
    {
        "task_id": TEXT,
        "status": one_of(TaskStatus),
        "recipient": TEXT,
        "type": one_of(Level),
        "strategy": one_of(Strategy),
        "platform": or_null(one_of(PlatformName)),
        "style": one_of(Style),
        "title": TEXT,
        "created_at": MOMENT,
        "progress": having(dict.fromkeys(("total", "success", "failed", "pending"), COUNT)),
        "results": list_of(_RESULT),
    },
    completed_at=MOMENT,
    waiting_for={
        **having(
            {
                "platform": one_of(PlatformName),
                "target": TEXT,
                "until": {**MOMENT, "description": "an estimate"},
                "reason": one_of(WAITING_REASONS),
            }
        ),
        "description": "while it waits: for the configured rate (budget), or because the vendor has refused",
    },
)

_NOTIFICATION: Final = having(
    {
        "id": TEXT,
        "title": TEXT,
        "message": TEXT,
        "type": one_of(Level),
        "strategy": TEXT,
        "style": one_of(Style),
        "source": {**TEXT, "const": NOTICE_SOURCE},
        "task_id": TEXT,
        "reason": TEXT,
        "created_at": MOMENT,
        "status": one_of(NotificationStatus),
    }
)

_ACTOR: Final = having(
    {
        "address": TEXT,
        "kind": TEXT,
        "state": one_of(State),
        "process": TEXT,
        "pid": or_null({"type": "integer"}),
        "mailbox": COUNT,
        "processed": COUNT,
        "failures": COUNT,
        "restarts": COUNT,
        "last_error": or_null(TEXT),
        "last_error_at": or_null(MOMENT),
        "busy_for": SECONDS,
        "uptime": SECONDS,
        "note": or_null({**TEXT, "description": "what it waits for, budget left, an open breaker"}),
    }
)

_MAIL: Final = having(
    {
        "id": TEXT,
        "from": TEXT,
        "subject": TEXT,
        "size": COUNT,
        "received_at": MOMENT,
        "next_try_at": or_null(MOMENT),
        "finished_at": or_null(MOMENT),
        "notified": TRUTH,
        "is_dsn": TRUTH,
        "recipients": list_of(
            having(
                {
                    "email": TEXT,
                    "state": one_of(MailState),
                    "tries": COUNT,
                    "code": or_null({"type": "integer"}),
                    "reason": or_null(TEXT),
                    "account": or_null(TEXT),
                }
            )
        ),
    }
)

_CHANGE: Final = having(
    {"path": TEXT, "kind": one_of(Kind), "effect": one_of(Effect)}, before=TEXT, after=TEXT
)

_FIELD_ERROR: Final = having({"field": TEXT, "reason": TEXT})

PAGINATION: Final = having(
    {
        "total": COUNT,
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST},
        "offset": COUNT,
        "count": COUNT,
    },
    complete={**TRUTH, "description": "false: there were too many to be counted"},
)

BATCH: Final = having(
    {"pushes": {"type": "array", "maxItems": MOST_PUSHES, "description": f"up to {MOST_PUSHES}, each a Push"}}
)
"""What is no ``Push`` gets its own error, so that anything may stand there."""

BATCH_RESULT: Final[Schema] = {
    "anyOf": [
        having({"task_id": TEXT}),
        having(
            {"error": TEXT, "code": {"type": "integer", "enum": [400, 403]}},
            errors=list_of(named("FieldError")),
        ),
    ]
}

RELAY: Final = having(
    {
        "enabled": TRUTH,
        "status": one_of(RelayStatus),
        "port": COUNT,
        "accounts_count": COUNT,
        "active_connections": COUNT,
    }
)

RELAY_STATISTICS: Final = having(
    {
        "accounts": list_of(
            having(
                {
                    "name": TEXT,
                    "host": TEXT,
                    "port": COUNT,
                    "from": TEXT,
                    "enabled": TRUTH,
                    "sent_count": COUNT,
                    "failed_count": COUNT,
                }
            )
        ),
        "total_sent": COUNT,
        "total_failed": COUNT,
        "success_rate": {"type": "number", "minimum": 0, "maximum": 100, "description": "percent"},
    }
)

COMPONENTS: Final[Mapping[str, Any]] = {
    "Push": _PUSH,
    "Task": _TASK,
    "Notification": _NOTIFICATION,
    "Actor": _ACTOR,
    "Mail": _MAIL,
    "Change": _CHANGE,
    "FieldError": _FIELD_ERROR,
}
