"""Texts made safe and made to fit, the same way for every platform.

The order matters: clean first (a dropped control character must not complete a mention), then neutralise,
then cut to size (neutralising is strict enough that no cut can bring a mention back).
"""

import html
import json
import re
from collections.abc import Callable

_NOT_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?")
_LINE_BREAKS = re.compile("[\t\n\x85\u2028\u2029]+")
# Generous on purpose: neither a later cut ("<attention" to "<at") nor what is joined on may make a mention.
# Possessive, because a text may be a megabyte of blanks.
_TAG_MENTION = re.compile(r"<(?=\s*+(?:@|/?+\s*+(?:at|\Z)))", re.IGNORECASE)
_ALL_MENTION = re.compile(r"@(?=_?all|所有人|everyone)", re.IGNORECASE)

TITLE_NOTE = "…（已截去 {missing} 字）"
"""The note of :func:`cut` where there is only one line."""

Cost = Callable[[str], int]
"""Bytes that a text takes up where its limit is counted; additive over characters."""


def clean(text: str) -> str:
    r"""The text without control characters; line ends as ``\n``, tabs kept, lone surrogates as U+FFFD."""
    return _NOT_TEXT.sub("", _LINE_ENDS.sub("\n", _SURROGATES.sub("\ufffd", text)))


def clean_line(text: str) -> str:
    """The cleaned text on one line: what may stand in a header, a heading or a log line."""
    return _LINE_BREAKS.sub(" ", clean(text)).strip()


def neutralise(text: str) -> str:
    """The text with mentions made plain words: ``<at …>`` and ``<@…>`` as ``＜``, ``@all`` as ``＠all``.

    Full-width characters stay readable and copy visibly, where an invisible one would puzzle the reader.
    """
    return _ALL_MENTION.sub("＠", _TAG_MENTION.sub("＜", text))


def escape_html(text: str) -> str:
    """Escaped for element content and quoted attributes."""
    return html.escape(text, quote=True)


def utf8_cost(text: str) -> int:
    """Bytes of the text itself."""
    return len(text.encode())


def json_cost(text: str) -> int:
    """Bytes of the text within a JSON string, the quotes not counted."""
    return len(json_bytes(text)) - 2


def json_bytes(value: object) -> bytes:
    """Compact UTF-8 JSON: Chinese is 3 bytes a character unescaped and would be 6 escaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def cut(text: str, budget: int, cost: Cost, note: str = "\n…（内容过长，已截去 {missing} 字）") -> str:
    """The text if it fits in ``budget`` bytes, else its longest beginning that fits together with ``note``.

    ``note`` names with ``{missing}`` how many characters went. Where not even the note fits, the longest
    bare beginning is returned. Cuts between characters, never within one.
    """
    if len(text) <= budget and cost(text) <= budget:
        return text
    room = budget - cost(note.format(missing=len(text)))
    if room < 0:
        return text[: _longest(text, budget, cost)]
    kept = _longest(text, room, cost)
    return text[:kept] + note.format(missing=len(text) - kept)


def _longest(text: str, budget: int, cost: Cost) -> int:
    """How many characters from the start cost at most ``budget``."""
    low, high = 0, max(0, min(len(text), budget))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if cost(text[:middle]) <= budget else (low, middle - 1)
    return low
