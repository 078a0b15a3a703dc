"""What the tests need to know of a Markdown page: its fenced blocks, headings, links and tables.

A block says behind its language what is to be done with it:

``sh test``      run it; it must succeed
``json answer``  what the block before it answers, apart from ids, times and durations
``text answer``  the same for the lines on a screen, apart from blanks and order too
``python test``  run it in a process of its own, warnings being errors
``yaml check``   ``pushserver check`` approves of it
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#+) +(.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ROW = re.compile(r"^\|(.*)\|$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    info: str
    text: str
    line: int


@dataclass(frozen=True)
class Heading:
    level: int
    title: str

    @property
    def anchor(self) -> str:
        """What GitHub makes of it, the first time that a page has it."""
        return _NOT_IN_ANCHORS.sub("", self.title.lower()).replace(" ", "-")


@dataclass(frozen=True)
class Page:
    path: Path
    text: str

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def blocks(self) -> list[Block]:
        return [
            Block(match["info"].strip(), match["text"], self.text.count("\n", 0, match.start()) + 1)
            for match in _FENCE.finditer(self.text)
        ]

    @property
    def prose(self) -> str:
        """The page without its blocks."""
        return _FENCE.sub("", self.text)

    @property
    def headings(self) -> list[Heading]:
        return [Heading(len(marks), title) for marks, title in _HEADING.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """Where links can lead to: the second heading of the same words gets a ``-1``, and so on."""
        seen: Counter[str] = Counter()
        found = set()
        for heading in self.headings:
            count = seen[heading.anchor]
            found.add(f"{heading.anchor}-{count}" if count else heading.anchor)
            seen[heading.anchor] += 1
        return found

    @property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    def section(self, title: str) -> str:
        """What stands below a heading, up to the next of its level or above."""
        (start,) = (match for match in _HEADING.finditer(self.text) if match[2] == title)
        level = len(start[1])
        ends = [m.start() for m in _HEADING.finditer(self.text, start.end()) if len(m[1]) <= level]
        return self.text[start.end() : min(ends, default=len(self.text))]


def page(name: str) -> Page:
    path = ROOT / name
    return Page(path, path.read_text(encoding="utf-8"))


def pages() -> list[Page]:
    """The READMEs, the changelog, and everything in ``docs/``."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    return [page(str(path.relative_to(ROOT))) for path in sorted(paths)]


def first_column(text: str) -> list[str]:
    """The first cell of each row of the tables in ``text``, the headings' left out, without backquotes."""
    rows = [row.split("|")[0].strip() for row in _ROW.findall(text)]
    heads = {index - 1 for index, cell in enumerate(rows) if set(cell) <= set("-:")}
    return [
        cell.strip("`")
        for index, cell in enumerate(rows)
        if index not in heads and not set(cell) <= set("-:")
    ]
