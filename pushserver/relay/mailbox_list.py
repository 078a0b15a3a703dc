"""The mailboxes of a ``From`` field, found in its bytes without changing any.

RFC 5322 sections 3.4 and 4.4, and what is found in the wild: a name without quotes, no address at all.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    rb"""(?P<comment>\((?:[^()\\]|\\.)*\))|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<angle><[^>]*>)"""
    rb"""|(?P<space>\s+)|(?P<special>[(),:;])|(?P<atom>[^\s"(),:;<]+)|(?P<open>["<])""",
    re.DOTALL,
)
_ROUTE: Final = re.compile(rb"\s*@[^:]*:")
_LONGEST_REMEMBERED: Final = 256
_LONGEST: Final = 8192
"""Nobody has so long a name; the patterns take quadratic time on what somebody makes up."""


class Mailbox(NamedTuple):
    """An address, and where in the value it stands: ``value[start:end]``, without angle brackets."""

    address: bytes
    start: int
    end: int


class _Token(NamedTuple):
    kind: str
    text: bytes
    start: int
    end: int


def mailboxes(value: bytes) -> Sequence[Mailbox]:
    """The mailboxes in their order: whatever stands in angle brackets, and words with an ``@``.

    There are none in a value that leaves a quote or a bracket open.
    """
    return _remembered(value) if len(value) <= _LONGEST_REMEMBERED else _found(value)


@lru_cache(maxsize=1024)
def _remembered(value: bytes) -> Sequence[Mailbox]:
    """Whoever sends is likely to send again."""
    return _found(value)


def _found(value: bytes) -> Sequence[Mailbox]:
    tokens = list(_without_comments(value)) if len(value) <= _LONGEST else []
    if any(token.kind == "open" for token in tokens):
        return ()
    found: list[Mailbox] = []
    member: list[_Token] = []
    for token in (*tokens, _Token("special", b",", len(value), len(value))):
        if token.kind != "special":
            member.append(token)
            continue
        if token.text in (b",", b";"):
            found += _mailbox(member)
        member = []
    return tuple(found)


def _without_comments(value: bytes) -> Iterator[_Token]:
    """The tokens that are neither white space nor within parentheses."""
    depth = 0
    for token in _tokens(value):
        if token.text == b"(":
            depth += 1
        elif token.text == b")":
            depth = max(depth - 1, 0)
        elif depth == 0 and token.kind not in ("space", "comment"):
            yield token


def _tokens(value: bytes) -> Iterator[_Token]:
    for found in _TOKEN.finditer(value):
        assert found.lastgroup is not None  # noqa: S101 - one of the groups has matched
        yield _Token(found.lastgroup, found[0], found.start(), found.end())


def _mailbox(member: list[_Token]) -> list[Mailbox]:
    """None or one."""
    for token in reversed(member):
        if token.kind == "angle":
            return [_in_brackets(token)]
    words = [token for token in member if b"@" in token.text and token.kind == "atom"]
    return _bare(member, words[0]) if len(words) == 1 else []


def _in_brackets(token: _Token) -> Mailbox:
    inside = token.text[1:-1]
    route = _ROUTE.match(inside)
    address = b"".join(inside[route.end() if route else 0 :].split())
    start = token.start + 1
    return Mailbox(address, start, start + len(inside))


def _bare(member: list[_Token], word: _Token) -> list[Mailbox]:
    """``"quoted local part"@domain`` is two tokens; ``name@domain`` is one."""
    start = word.start
    for token in member:
        if token.end == start and token.kind == "quoted":
            start = token.start
    address = b"".join(token.text for token in member if start <= token.start < word.end)
    return [Mailbox(address, start, word.end)]
