"""Several messages as one: a line each with time and title, texts where they fit, ids where lines do not.

Pure. What does not even fit as an id is left for the next digest.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pushserver.domain import Level, Push, Style
from pushserver.platforms.text import TITLE_NOTE, Cost, clean_line, cut, neutralise

_LEVELS: Final = {Level.ERROR: "错误", Level.WARNING: "警告", Level.INFO: "信息"}
"""The levels, the worst first, as people read them."""
_TITLE_SHARE: Final = 16
"""A title may take up this part of the room, so that one caller's does not crowd out the others."""
_SEPARATOR: Final = "："
_LEAST_TEXT: Final = 24
"""Bytes: a shorter beginning of a text says nothing."""
_REST: Final = "其余 {count} 条："


@dataclass(frozen=True, slots=True)
class Part:
    """A message that is to be merged; ``at`` is when it was accepted, aware and in local time."""

    task_id: str
    push: Push
    at: datetime


@dataclass(frozen=True, slots=True)
class Merged:
    """One message that stands for the first ``count`` of those that were to be merged."""

    push: Push
    count: int


@dataclass(frozen=True, slots=True)
class Paper:
    """What a digest is written on: ``room`` bytes, counted by ``cost``, that a line end takes so many of."""

    room: int
    cost: Cost
    line_end: int
    icons: Mapping[Level, str]


def title_of(parts: Sequence[Part]) -> str:
    """How many messages there are, and how bad they are."""
    levels = Counter(part.push.level for part in parts)
    counts = "，".join(f"{levels[level]} 条{word}" for level, word in _LEVELS.items() if levels[level])
    return f"{len(parts)} 条消息合并：{counts}"


def worst_of(parts: Sequence[Part]) -> Level:
    """The level that the digest has."""
    levels = {part.push.level for part in parts}
    return next(level for level in _LEVELS if level in levels)


def merge(parts: Sequence[Part], paper: Paper) -> Merged:
    """The digest of as many of ``parts``, from the first, as can at least be named; of one at any rate."""
    heads = [_head(part, paper) for part in parts]
    costs = [paper.cost(head) + paper.line_end for head in heads]
    whole = _fitting(costs, paper.room)
    if whole == len(parts):
        lines = _with_texts(parts, heads, paper.room - sum(costs), paper)
        return _digest(parts, lines)
    listed = max(1, _fitting(costs, paper.room // 2))
    named = _names(parts[listed:], paper.room - sum(costs[:listed]), paper)
    taken = parts[: listed + len(named)]
    rest = [_REST.format(count=len(named)) + " ".join(named)] if named else []
    return _digest(taken, [*heads[:listed], *rest])


def _digest(parts: Sequence[Part], lines: Sequence[str]) -> Merged:
    push = Push(title_of(parts), "\n".join(lines), worst_of(parts), Style.CARD)
    return Merged(push, len(parts))


def _head(part: Part, paper: Paper) -> str:
    title = neutralise(clean_line(part.push.title))
    shown = cut(title, paper.room // _TITLE_SHARE, paper.cost, TITLE_NOTE)
    return f"{paper.icons[part.push.level]} {part.at:%H:%M:%S} {shown}"


def _with_texts(parts: Sequence[Part], heads: Sequence[str], room: int, paper: Paper) -> list[str]:
    """The lines, each with as much of its text as its share of the room allows; none is wasted."""
    lines = []
    for index, (part, head) in enumerate(zip(parts, heads, strict=True)):
        left = len(parts) - index
        text = _beginning(part.push.text, room // left, paper)
        room -= paper.cost(text)
        lines.append(head + text)
    return lines


def _beginning(text: str, room: int, paper: Paper) -> str:
    line = neutralise(clean_line(text))
    room -= paper.cost(_SEPARATOR)
    if not line or room < min(_LEAST_TEXT, paper.cost(line)):
        return ""
    return _SEPARATOR + cut(line, room, paper.cost, "…")


def _names(parts: Sequence[Part], room: int, paper: Paper) -> list[str]:
    """The ids of as many as there is room for on one line."""
    room -= paper.cost(_REST.format(count=len(parts))) + paper.line_end
    names = [part.task_id for part in parts]
    return names[: _fitting([paper.cost(name) + 1 for name in names], room)]


def _fitting(costs: Sequence[int], room: int) -> int:
    """How many of the first fit together."""
    for count, cost in enumerate(costs):
        room -= cost
        if room < 0:
            return count
    return len(costs)
