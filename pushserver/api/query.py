"""Reads the query of a request: each parameter once, of a known name, with a value that makes sense.

What is wrong is a 400 that names the parameter. An empty value means absent, as in bodies.
"""

import re
from collections.abc import Sequence
from typing import Final, TypeVar

import falcon

from pushserver.api.near_miss import near_miss

DEFAULT_LIMIT: Final = 50
MOST: Final = 1000
"""The most items that one answer shows."""
_NUMBER: Final = re.compile("[0-9]{1,18}")
_LONGEST_QUOTE: Final = 64

_Word = TypeVar("_Word", bound=str)


class Query:
    """The parameters of one request, of which ``known`` are heeded and others ignored.

    Raises:
        falcon.HTTPBadRequest: a known one comes twice, or another is a near miss of a known one.
    """

    def __init__(self, req: falcon.Request, known: Sequence[str]) -> None:
        self._given = {name: _once(name, req.params[name]) for name in known if name in req.params}
        for name in req.params:
            if name not in known and (meant := near_miss(name, known)):
                raise _bad(_quote(name), f"是未知参数，是否想写 {meant}？")

    def text(self, name: str) -> str:
        """Any text; empty if there is none."""
        return self._given.get(name, "")

    def word(self, name: str, choices: Sequence[_Word]) -> _Word | None:
        """One of these words, or ``None`` if there is none.

        Raises:
            falcon.HTTPBadRequest: it is another.
        """
        given = self.text(name)
        for choice in choices:
            if given == choice:
                return choice
        if given:
            raise _bad(name, f"只支持 {', '.join(choices)}，收到的是 {_quote(given)}")
        return None

    def limit(self) -> int:
        """How many items are wanted."""
        return self._number("limit", DEFAULT_LIMIT, 1, MOST)

    def offset(self) -> int:
        """How many items are to be passed over before them."""
        return self._number("offset", 0, 0, None)

    def _number(self, name: str, otherwise: int, low: int, high: int | None) -> int:
        given = self.text(name)
        if not given:
            return otherwise
        number = int(given) if _NUMBER.fullmatch(given) else -1
        if number < low or (high is not None and number > high):
            wanted = f"{low} 到 {high} 的整数" if high is not None else f"不小于 {low} 的整数"
            raise _bad(name, f"必须是{wanted}，收到的是 {_quote(given)}")
        return number


def _once(name: str, given: str | list[str]) -> str:
    if isinstance(given, list):
        raise _bad(name, "只能出现一次")
    return given


def _bad(name: str, why: str) -> falcon.HTTPBadRequest:
    return falcon.HTTPBadRequest(description=f"{name} {why}")


def _quote(written: str) -> str:
    return written if len(written) <= _LONGEST_QUOTE else f"{written[:_LONGEST_QUOTE]}…"
