"""One line for everything that arrives at a sandbox."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Self

from rich.cells import set_cell_size
from rich.text import Text

from pushserver.cli import screen
from pushserver.sandbox import Arrival, Mail, NothingArrivedError, Sandbox
from pushserver.sandbox.journal import Entry

Labels = Mapping[tuple[str, str], str]
"""What people call a robot or mail sink, by platform and token."""

MAIL = "email"
"""The platform of mail sinks."""

_PATIENCE = 0.5
"""Seconds between two looks at whether to stop; an arrival is seen at once."""
_PLATFORM_CELLS = 9
_LABEL_CELLS = 16


class ArrivalFeed:
    """As a context manager, prints a line for each arrival until it is left, and then those still unseen."""

    def __init__(self, sandbox: Sandbox, labels: Labels) -> None:
        self._sandbox = sandbox
        self._labels = labels
        self._last = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="arrivals", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(2 * _PATIENCE)
        self._print_new()

    def _run(self) -> None:
        while not self._over.is_set():
            with suppress(NothingArrivedError):
                self._sandbox.wait_for(self._has_news, _PATIENCE)
                self._print_new()

    def _has_news(self, sandbox: Sandbox) -> bool:
        return bool(sandbox.arrivals(self._last, 1))

    def _print_new(self) -> None:
        for entry in self._sandbox.arrivals(self._last):
            self._last = entry.number
            _print(line(entry, self._labels))


def line(entry: Entry, labels: Labels) -> Text:
    """``10:31:22 ✓ feishu   主告警机器人  🔴 标题 …``."""
    shown = _shown(entry)
    label = labels.get((shown.platform, shown.receiver), shown.receiver)
    mark = ("✓ ", "bold green") if entry.accepted else ("✗ ", "bold red")
    return Text.assemble(
        (f"{datetime.fromtimestamp(shown.at):%H:%M:%S} ", "dim"),  # noqa: DTZ006 - local time, for people
        mark,
        (set_cell_size(shown.platform, _PLATFORM_CELLS), "cyan"),
        set_cell_size(screen.single_line(label), _LABEL_CELLS),
        " ",
        " ".join(screen.single_line(shown.words).split()),
    )


def _print(text: Text) -> None:
    """Cut at the edge of a terminal; in a file or pipe as long as it is."""
    if screen.out().is_terminal:
        screen.out().print(text, no_wrap=True, overflow="ellipsis")
    else:
        screen.out().print(text, soft_wrap=True)


class _Shown(NamedTuple):
    at: float
    platform: str
    receiver: str
    words: str


def _shown(entry: Entry) -> _Shown:
    match entry:
        case Mail():
            words = f"{entry.subject} → {'、'.join(entry.mailboxes)}" if entry.accepted else entry.reply
            return _Shown(entry.at, MAIL, entry.sink, words)
        case Arrival():
            words = entry.words if entry.accepted else f"{entry.code} {entry.text}"
            return _Shown(entry.at, entry.platform, entry.robot, words)
        case _:
            raise TypeError(f"found {type(entry).__name__}, expected what a sandbox keeps: Arrival or Mail")
