"""YAML as written: a file becomes a tree of texts, and the schema alone decides what a text means.

YAML's own guesses are not wanted here: they turn the recipient ``007`` into 7, the name ``on`` into true and
``0123`` into 83. So every scalar stays the text that was written; only an unquoted ``null``, ``~`` or
nothing at all is ``None``. Keys are texts and may stand only once in a mapping. Anchors, aliases and merge
keys (``<<``) work; what they expand to may not outgrow the file.

The file is read as a stream of events, without recursion: no input can exhaust the stack.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, NamedTuple

import yaml

from pushserver.config.finding import Finding, Path

Node = str | list["Node"] | dict[str, "Node"] | None
"""A value of the tree."""

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes. A hundred thousand recipients take about 25 MB."""

DEEPEST = 40
"""Levels of nesting; the schema needs ten."""

_SPARE_NODES = 10_000
_EMPTY = {"", "~", "null", "Null", "NULL"}
_TEXT_TAGS = {"!", "tag:yaml.org,2002:str"}
_KNOWN_TAGS = {
    None,
    *(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null", "map", "seq")),
}
_QUOTED_IN_PROBLEM = re.compile(r"""(['"])(?!.\1|<[a-z ]+>\1).*\1""", re.DOTALL)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where libyaml is there


class Unreadable(Exception):  # noqa: N818 - becomes a Fault; never leaves this package
    """The file gives no tree at all: ``found`` and ``expected`` as in a fault, ``line`` from 1."""

    def __init__(self, found: str, expected: str, line: int | None = None) -> None:
        super().__init__(found)
        self.found = found
        self.expected = expected
        self.line = line


@dataclass(frozen=True, slots=True)
class Tree:
    """What the file says, and the keys that it says twice."""

    root: dict[str, Node]
    findings: tuple[Finding, ...]


def read_text(path: FilePath) -> str:
    """The file's text; raises :class:`Unreadable` when there is none to be had."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a possible file name"
        raise Unreadable(f"no readable file ({reason})", "a YAML file that the service may read") from None
    if len(data) > LARGEST_FILE:
        raise Unreadable("more than 64 MiB", "a configuration of at most 64 MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable("bytes that are not UTF-8", "a text file saved as UTF-8", line) from None


def parse(text: str) -> Tree:
    """The tree of a YAML text; raises :class:`Unreadable` when it has none."""
    builder = _Builder(limit=len(text) + _SPARE_NODES)
    _feed(text, builder)
    if builder.root is None:
        raise Unreadable("nothing", 'a mapping of settings with at least "recipients"')
    if not isinstance(builder.root, dict):
        kind = "a list" if isinstance(builder.root, list) else "a single text"
        raise Unreadable(kind, 'a mapping of settings with at least "recipients"')
    return Tree(builder.root, tuple(builder.findings))


def lines(text: str) -> dict[Path, int]:
    """The line, from 1, of every key and list item. A second reading, made only when there are faults."""
    builder = _Builder(limit=len(text) + _SPARE_NODES, lines={})
    _feed(text, builder)
    return builder.lines or {}


def _feed(text: str, builder: "_Builder") -> None:
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_fault(error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable("a character that YAML does not allow", "printable text", line) from None
    except (ValueError, OverflowError):  # the parser in pure Python, on an escape such as "\\UFFFFFFFF"
        raise Unreadable("an escape of no character", "characters as they are, without escapes") from None


def _syntax_fault(error: yaml.MarkedYAMLError) -> Unreadable:
    # The parser quotes what it stumbled over, and that may be a password that begins with * or !.
    problem = _QUOTED_IN_PROBLEM.sub("…", error.problem or "something else")
    line = error.problem_mark.line + 1 if error.problem_mark else None
    return Unreadable(
        f"a syntax error ({problem})",
        "valid YAML: spaces for indentation, and quotes around a text with special characters",
        line,
    )


@dataclass(slots=True)
class _Mapping:
    values: dict[str, Node] = field(default_factory=dict)
    key: str | None = None
    merges: list[dict[str, Node]] = field(default_factory=list)
    merging: bool = False
    anchor: str | None = None
    opened_at: int = 0
    height: int = 1

    def step(self) -> str:
        return self.key or ""

    def finished(self) -> Node:
        if not self.merges:
            return self.values
        merged: dict[str, Node] = {}
        for source in self.merges:  # of several sources the first wins, and what is written here over all
            for key, value in source.items():
                merged.setdefault(key, value)
        return {**merged, **self.values}


@dataclass(slots=True)
class _Sequence:
    values: list[Node] = field(default_factory=list)
    anchor: str | None = None
    opened_at: int = 0
    height: int = 1

    def step(self) -> int:
        return len(self.values)

    def finished(self) -> Node:
        return self.values


_Frame = _Mapping | _Sequence


class _Anchored(NamedTuple):
    value: Node
    size: int
    """Nodes in it, those of its aliases included."""
    height: int
    """Levels in it; 0 for a text."""


class _Builder:
    """Builds the tree from events; the stack of open collections is explicit."""

    def __init__(self, limit: int, lines: dict[Path, int] | None = None) -> None:
        self.root: Node = None
        self.findings: list[Finding] = []
        self.lines = lines
        self._limit = limit
        self._count = 0
        self._stack: list[_Frame] = []
        self._anchored: dict[str, _Anchored] = {}
        self._take: dict[type[yaml.Event], Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._open_mapping,
            yaml.SequenceStartEvent: self._open_sequence,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.DocumentStartEvent: self._document,
        }
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event of the stream."""
        handler = self._take.get(type(event))
        if handler is not None:
            handler(event)

    def _document(self, event: yaml.Event) -> None:
        self._documents += 1
        if self._documents > 1:
            raise Unreadable("a second document (---)", "a single YAML document", _line(event))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        text = event.value
        if not text.isascii() and _has_surrogate(text):
            raise Unreadable("half a character (a lone surrogate)", "whole characters", _line(event))
        quoted = bool(event.style) or event.tag in _TEXT_TAGS
        if event.tag not in _KNOWN_TAGS and event.tag not in _TEXT_TAGS:
            raise _foreign_tag(event)
        frame = self._stack[-1] if self._stack else None
        if isinstance(frame, _Mapping) and frame.key is None:
            self._key(frame, text, event)
            return
        if isinstance(frame, _Sequence):
            self._note_line(event)
        value = None if not quoted and text in _EMPTY else text
        self._count += 1
        if event.anchor:
            self._anchored[event.anchor] = _Anchored(value, 1, 0)
        self._put(value, event)

    def _key(self, frame: _Mapping, key: str, event: yaml.ScalarEvent) -> None:
        frame.key = key
        frame.merging = key == "<<" and not event.style
        if frame.merging:
            return
        if key in frame.values:
            self.findings.append(
                Finding(self._path(), f"the same key again in line {_line(event)}", "it once")
            )
        frame.values.setdefault(key, None)
        self._note_line(event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchored:
            raise Unreadable(
                "an alias (*) without an anchor (&) before it",
                "an anchor, or quotes around a text that begins with *",
                _line(event),
            )
        self._no_key(event)
        value, size, height = self._anchored[event.anchor]
        self._raise_to(height, event)
        self._count += size
        if self._count > self._limit:
            raise Unreadable("aliases that expand without end", "fewer aliases of aliases", _line(event))
        self._put(value, event)

    def _open_mapping(self, event: yaml.MappingStartEvent) -> None:
        self._open(_Mapping(anchor=event.anchor, opened_at=self._count), event)

    def _open_sequence(self, event: yaml.SequenceStartEvent) -> None:
        self._open(_Sequence(anchor=event.anchor, opened_at=self._count), event)

    def _open(self, frame: _Frame, event: yaml.CollectionStartEvent) -> None:
        if event.tag not in _KNOWN_TAGS:
            raise _foreign_tag(event)
        self._no_key(event)
        self._raise_to(1, event)
        if self._stack and isinstance(self._stack[-1], _Sequence):
            self._note_line(event)
        self._count += 1
        self._stack.append(frame)

    def _close(self, event: yaml.Event) -> None:
        frame = self._stack.pop()
        value = frame.finished()
        if frame.anchor:
            self._anchored[frame.anchor] = _Anchored(value, self._count - frame.opened_at, frame.height)
        self._raise_to(frame.height, event)
        self._put(value, event)

    def _raise_to(self, height: int, event: yaml.Event) -> None:
        """Something of this height comes into the open collection."""
        if len(self._stack) + height > DEEPEST:
            raise Unreadable(
                f"more than {DEEPEST} levels", "the nesting that the example shows", _line(event)
            )
        if self._stack:
            self._stack[-1].height = max(self._stack[-1].height, height + 1)

    def _put(self, value: Node, event: yaml.Event) -> None:
        if not self._stack:
            self.root = value
            return
        frame = self._stack[-1]
        if isinstance(frame, _Sequence):
            frame.values.append(value)
            return
        if frame.merging:
            frame.merges += _merge_sources(value, event)
        else:
            frame.values[frame.step()] = value
        frame.key = None

    def _no_key(self, event: yaml.Event) -> None:
        frame = self._stack[-1] if self._stack else None
        if isinstance(frame, _Mapping) and frame.key is None:
            raise Unreadable("a key that is not a plain text", "a word before the colon", _line(event))

    def _note_line(self, event: yaml.Event) -> None:
        if self.lines is not None:
            self.lines.setdefault(self._path(), _line(event))

    def _path(self) -> Path:
        return tuple(frame.step() for frame in self._stack)


def _merge_sources(value: Node, event: yaml.Event) -> list[dict[str, Node]]:
    given = value if isinstance(value, list) else [value]
    sources = [source for source in given if isinstance(source, dict)]
    if len(sources) != len(given):
        raise Unreadable("a merge key (<<) without a mapping", "<<: *anchor of a mapping", _line(event))
    return sources


def _foreign_tag(event: yaml.Event) -> Unreadable:
    return Unreadable("a YAML tag (!)", "no tags, and quotes around a text that begins with !", _line(event))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
