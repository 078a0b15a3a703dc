"""A record becomes a line: one compact JSON object, or plain text. Whatever it holds, it stays one line.

These run for every push, so known texts come encoded and redacted out of a cache. Measured: a JSON line of
six fields, one of them new, takes 3.2 µs, with 20,000 secrets to look out for 4.9; with ``json.dumps`` of a
dictionary, and nothing redacted, it is 7.5.
"""

import json
import logging
import math
import re
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring
from typing import Any

from pushserver.logs.levels import name_of
from pushserver.logs.redaction import Redactor

Line = Callable[[logging.LogRecord], str]
"""Makes the line of a record, without the line's end."""

_STANDARD_COUNT = len(vars(logging.makeLogRecord({})))
_ADDED_BY_OTHERS = frozenset({"message", "asctime"})
_RESERVED = frozenset({"level", "msg", "trace", "time"})
_CACHED = 4096
_LONGEST_CACHED = 200
_CONTROL = {number: f"\\x{number:02x}" for number in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPES = _CONTROL | {0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_NEEDS_QUOTES = re.compile(r'[\s"=]|^$')


class JsonLine:
    """``{"level":"info","msg":"消息推送成功","platform":"feishu",…,"time":"2024-01-01T12:00:00Z"}``."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._known_text = lru_cache(_CACHED)(self._text)
        self._known_field = lru_cache(_CACHED)(self._field)

    def __call__(self, record: logging.LogRecord) -> str:
        """Valid JSON for any record: a field of a reserved name gets a ``_`` behind it."""
        message = message_of(record)
        text = self._known_text if len(message) <= _LONGEST_CACHED else self._text
        parts = [_head(record.levelno), text(message)]
        known, field = self._known_field, self._field
        for key, value in fields_of(record):
            short = type(value) is str and len(value) <= _LONGEST_CACHED
            parts.append((known if short else field)(key, value))
        trace = trace_of(record)
        if trace:
            parts.append(f',"trace":{self._text(trace)}')
        parts.append(_tail(int(record.created)))
        return "".join(parts)

    def _field(self, key: str, value: object) -> str:
        name = encode_basestring(f"{key}_" if key in _RESERVED else key)
        return f",{name}:{self._text(value) if isinstance(value, str) else self._other(value)}"

    def _text(self, text: str) -> str:
        return encode_basestring(self._redactor.hide(text))

    def _other(self, value: object) -> str:
        return _compact(_plain(value, self._redactor))


class TextLine:
    """``2024-01-01T12:00:00Z INFO 消息推送成功 platform=feishu …``; values with blanks stand in quotes."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, record: logging.LogRecord) -> str:
        """One line, and the traceback's lines indented behind it."""
        words = [
            moment(int(record.created)),
            name_of(record.levelno).upper(),
            self._shown(message_of(record)),
        ]
        words += [f"{key}={self._value(value)}" for key, value in fields_of(record)]
        trace = trace_of(record)
        lines = [self._shown(line) for line in self._redactor.hide(trace).splitlines()] if trace else ()
        return "\n    ".join([" ".join(words), *lines])

    def _value(self, value: object) -> str:
        plain = _plain(value, self._redactor)
        shown = (plain if isinstance(plain, str) else _compact(plain)).translate(_ESCAPES)
        return encode_basestring(shown) if _NEEDS_QUOTES.search(shown) else shown

    def _shown(self, text: str) -> str:
        return self._redactor.hide(text).translate(_ESCAPES)


def message_of(record: logging.LogRecord) -> str:
    """The text with its arguments; where they do not fit, both: a slip must not cost the line."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments may be anything, their __str__ too
        return f"{record.msg} {_text_of(record.args)}"


def fields_of(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    """What was given as ``extra``: it stands behind the attributes that every record has."""
    items = islice(vars(record).items(), _STANDARD_COUNT, None)
    return items if _ADDED_BY_OTHERS.isdisjoint(vars(record)) else _own(items)


def _own(items: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    return (item for item in items if item[0] not in _ADDED_BY_OTHERS)


def trace_of(record: logging.LogRecord) -> str:
    """The traceback, the stack, both or nothing."""
    if not (record.exc_info or record.stack_info):
        return ""
    error = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    return "\n".join(filter(None, (error.rstrip("\n"), record.stack_info)))


@lru_cache(16)
def moment(second: int) -> str:
    """RFC 3339, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


@lru_cache(16)
def _head(level: int) -> str:
    return f'{{"level":"{name_of(level)}","msg":'


@lru_cache(16)
def _tail(second: int) -> str:
    return f',"time":"{moment(second)}"}}'


def _plain(value: object, redactor: Redactor, depth: int = 4) -> Any:
    """What JSON can show of a value, redacted before quotes are escaped; deep things as their text."""
    match value:
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
        case str():
            return redactor.hide(value)
        case Mapping() if depth:
            return {
                redactor.hide(_text_of(key)): _plain(item, redactor, depth - 1) for key, item in value.items()
            }
        case list() | tuple() | set() | frozenset() if depth:
            return [_plain(item, redactor, depth - 1) for item in value]
        case _:
            return redactor.hide(_text_of(value))


def _compact(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - anybody's __str__
        return f"<{type(value).__name__}>"
