"""The bodies that the admin API takes, checked: settings of a robot, faults of a robot or a mail sink."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pushserver.sandbox.errors import BadSettingError
from pushserver.sandbox.rate import Rate
from pushserver.sandbox.vendor import Settings

Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what it may be, in words and in code, and whether it has to be there."""

    expected: str
    fits: Check
    required: bool = False


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    return _is_int(value) or isinstance(value, float)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_code(value: Any) -> bool:
    return _is_int(value) or _is_text(value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _or_null(check: Check) -> Check:
    return lambda value: value is None or check(value)


_TIMES = Field("a number of times, or null for ever", _or_null(_is_int))
_STATUS = Field("an HTTP status", lambda value: _is_int(value) and 100 <= value <= 599)  # noqa: PLR2004 - their range
_STAGE = Field(
    "GREETING, AUTH, MAIL, RCPT or DATA", lambda v: v in ("GREETING", "AUTH", "MAIL", "RCPT", "DATA")
)
_REPLY = "a line such as '550 5.1.1 No such user'"

Faults = Mapping[str, Mapping[str, Field]]

ROBOT_FAULTS: Faults = {
    "fail": {
        "code": Field("a code of the platform's", _is_code, required=True),
        "times": _TIMES,
        "text": Field("a string", _is_text),
        "status": _STATUS,
    },
    "answer": {
        "body": Field("a string or an object", lambda value: isinstance(value, (str, dict)), required=True),
        "status": _STATUS,
        "times": _TIMES,
        "content_type": Field("a content type", _is_text),
        "accepted": Field("true or false", _is_flag),
    },
    "delay": {"seconds": Field("seconds", _is_seconds, required=True), "times": _TIMES},
    "drip": {"interval": Field("seconds", _is_seconds, required=True), "times": _TIMES},
    "drop": {"times": _TIMES, "unread": Field("true or false", _is_flag)},
    "hang": {},
    "release": {},
}
"""What ``POST /sandbox/robots/{platform}/{token}/faults`` takes: methods of a robot and their arguments."""

SINK_FAULTS: Faults = {
    "reply": {
        "stage": Field(_STAGE.expected, _STAGE.fits, required=True),
        "reply": Field(_REPLY, _is_text, required=True),
        "mailbox": Field("a mailbox", _is_text),
        "times": _TIMES,
    },
    "refuse": {
        "mailbox": Field("a mailbox", _is_text, required=True),
        "reply": Field(_REPLY, _is_text),
        "times": _TIMES,
    },
    "busy": {"times": _TIMES},
    "drop": {"stage": _STAGE, "times": _TIMES},
    "delay": {"seconds": Field("seconds", _is_seconds, required=True)},
    "hang": {"stage": _STAGE},
    "release": {},
}
"""What ``POST /sandbox/sinks/{name}/faults`` takes: methods of a mail sink and their arguments."""

_SETTINGS: Mapping[str, Field] = {
    "secret": Field("a string or null", _or_null(_is_text)),
    "keywords": Field("a list of strings", _is_texts),
    "allowed_ips": Field("a list of strings or null", _or_null(_is_texts)),
    "rate": Field(
        "true, false or {windows, lock, code, text}", lambda value: isinstance(value, (bool, dict))
    ),
    "stopped": Field("true or false", _is_flag),
    "size_limit": Field("bytes or null", _or_null(_is_int)),
    "skip": Field("a list of strings", _is_texts),
    "malformed_status": _STATUS,
}

_RATE: Mapping[str, Field] = {
    "windows": Field(
        "a list of [calls, seconds]",
        lambda value: isinstance(value, list) and all(map(_is_window, value)),
        required=True,
    ),
    "lock": Field("seconds", _is_seconds),
    "code": Field("a code of the platform's", _is_code),
    "text": Field("a string", _is_text),
}


def _is_window(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and _is_int(value[0]) and _is_seconds(value[1])  # noqa: PLR2004 - a pair


def settings_from(body: dict[str, Any], before: Settings) -> Settings:
    """The settings ``before`` with what ``body`` changes.

    Raises:
        BadSettingError: an unknown field or a value that does not fit.
    """
    _check("settings", body, _SETTINGS)
    return replace(before, **{name: _converted(name, value) for name, value in body.items()})


def perform_faults(target: object, known: Faults, body: dict[str, Any]) -> None:
    """Call the methods of ``target`` that ``body`` names, once all their arguments were checked.

    Raises:
        BadSettingError: an unknown fault, an unknown argument, one that is missing or does not fit.
    """
    for name, arguments in body.items():
        if name not in known:
            raise BadSettingError(f"no fault {name!r}; expected one of {', '.join(known)}")
        if not isinstance(arguments, dict):
            raise BadSettingError(f"{name} is not an object; expected its arguments, such as {{}}")
        _check(name, arguments, known[name])
    for name, arguments in body.items():
        getattr(target, name)(**arguments)


def _converted(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return frozenset(value) if name == "skip" else tuple(value)
    if isinstance(value, dict):
        _check("rate", value, _RATE)
        return Rate(**{**value, "windows": tuple(map(tuple, value["windows"]))})
    return value


def _check(what: str, given: dict[str, Any], fields: Mapping[str, Field]) -> None:
    for name, value in given.items():
        if name not in fields:
            raise BadSettingError(
                f"{what} has no field {name!r}; expected one of {', '.join(fields) or 'none'}"
            )
        if not fields[name].fits(value):
            raise BadSettingError(f"{what}.{name} does not fit; expected {fields[name].expected}")
    for name, field in fields.items():
        if field.required and name not in given:
            raise BadSettingError(f"{what}.{name} is missing; expected {field.expected}")
