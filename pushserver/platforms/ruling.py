"""How a robot's answer becomes a verdict: tables of vendor codes, and the few rules all vendors share.

A vendor's table maps its codes to *rulers*, functions from code and text to a :class:`Ruling`, so that the
table reads like the one in the vendor's manual.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pushserver.domain import (
    Delivered,
    EndpointBroken,
    MessageRefused,
    RateLimited,
    RefusedHere,
    Transient,
    Verdict,
)
from pushserver.platforms.http import Answer

_LONGEST_WAIT = 3600.0


class Remedy(Enum):
    """What may make a refused message acceptable; tried once, within the same attempt."""

    NONE = "none"
    PLAINER = "a card as text"
    SHORTER = "shortened, and a card as text"
    SHORTER_IF_LARGE = "shortened where size can be the reason, else a card as text"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict, and the remedy where the verdict is about the message."""

    verdict: Verdict
    remedy: Remedy = Remedy.NONE


Ruler = Callable[[int, str], Ruling]


def broken(code: int, text: str) -> Ruling:
    """Token, robot or credential."""
    return Ruling(EndpointBroken(code=code, detail=text))


def refused_here(code: int, text: str) -> Ruling:
    """Keyword, IP list or signature: another robot may take it."""
    return Ruling(RefusedHere(code=code, detail=text))


def too_fancy(code: int, text: str) -> Ruling:
    """The payload is refused as it is; plain text may pass."""
    return Ruling(MessageRefused(code=code, detail=text), Remedy.PLAINER)


def too_long(code: int, text: str) -> Ruling:
    """The payload is refused for its size."""
    return Ruling(MessageRefused(code=code, detail=text), Remedy.SHORTER)


def malformed(code: int, text: str) -> Ruling:
    """The payload is refused for its size or its form, and the vendor does not say which."""
    return Ruling(MessageRefused(code=code, detail=text), Remedy.SHORTER_IF_LARGE)


def unacceptable(code: int, text: str) -> Ruling:
    """No other form of this message would fare better (content audit, wrong method)."""
    return Ruling(MessageRefused(code=code, detail=text))


def passing(retries: int | None = None) -> Ruler:
    """A hiccup of the platform; ``retries`` caps the repetitions."""
    return lambda code, text: Ruling(Transient(code=code, detail=text, retries=retries))


unknown = passing(retries=1)
"""A code that no manual names: whatever it means, hammering on it will not help."""


def throttled(*waits: float, whole_platform: bool = False) -> Ruler:
    """Too many messages: rest for ``waits`` seconds (first, second, … time in a row)."""
    return lambda code, text: Ruling(
        RateLimited(waits=waits, code=code, detail=text, whole_platform=whole_platform)
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer's body as a JSON object (empty when it is anything else), with the raw text."""

    answer: Answer
    fields: Mapping[str, Any]
    raw: str

    def code(self, *names: str) -> int | None:
        """The first of these fields that holds an integer, also one written as text; else ``None``."""
        values = (self.fields.get(name) for name in names)
        return next((number for value in values if (number := _integer(value)) is not None), None)

    def text(self, *names: str) -> str:
        """The first of these fields that holds a text; else ``""``."""
        values = (self.fields.get(name) for name in names)
        return next((value for value in values if isinstance(value, str)), "")


def read(answer: Answer) -> Reply:
    """The answer opened; never raises, whatever came."""
    raw = answer.body.decode("utf-8", "replace")
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError):
        fields = None
    return Reply(answer, fields if isinstance(fields, dict) else {}, raw)


def rule(reply: Reply, code: int | None, text: str, table: Mapping[int, Ruler], otherwise: Ruler) -> Ruling:
    """The ruling of ``table``; ``otherwise`` where the code is not in it.

    Success is an explicit zero under a 2xx and nothing else: without a code the answer is no answer (HTML,
    empty, ``{}``), and a zero under a 5xx or a redirect comes from somebody who is not the robot.
    """
    if code is None:
        return _without_code(reply.answer)
    if code == 0:
        return _zero(reply.answer.status, text)
    if reply.answer.status >= 500 and code not in table:  # noqa: PLR2004 - RFC 9110 section 15.6
        return Ruling(Transient(code=code, detail=text))
    return table.get(code, otherwise)(code, text)


def reset_after(answer: Answer, *names: str) -> float | None:
    """Seconds to wait by the first of these headers that holds a number; at most an hour, at least one."""
    for name in names:
        value = answer.headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
            return min(max(float(value), 1.0), _LONGEST_WAIT)
    return None


def _zero(status: int, text: str) -> Ruling:
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110 section 15.3
        return Ruling(Delivered(code=0, detail=text))
    return Ruling(Transient(code=status, detail=f"HTTP {status}，内容却称成功"))


def _without_code(answer: Answer) -> Ruling:
    detail = f"HTTP {answer.status}，应答中没有结果代码"
    if answer.status == 429:  # noqa: PLR2004 - RFC 6585 section 4
        wait = reset_after(answer, "x-ogw-ratelimit-reset", "retry-after") or 60.0
        return Ruling(RateLimited(waits=(wait,), code=429, detail=detail))
    if 300 <= answer.status < 400:  # noqa: PLR2004 - RFC 9110 section 15.4
        detail = f"HTTP {answer.status}，不跟随重定向"
    return Ruling(Transient(code=answer.status, detail=detail))


def _integer(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        return int(value)
    return None
