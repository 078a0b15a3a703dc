"""What a worker says to its root: one word a line.

Lines rather than pickles: the root builds nothing from what a confused worker writes, and never waits for the
rest of a word.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Ready:
    """My actors have answered."""


@dataclass(frozen=True, slots=True)
class Beat:
    """I am alive."""


@dataclass(frozen=True, slots=True)
class RestartProcess:
    """An operator wants this process restarted."""

    name: str


Word = Ready | Beat | RestartProcess

LONGEST: Final = 4096
"""Bytes of a line; no word is longer."""


def line_of(word: Word) -> bytes:
    """The line that says ``word``."""
    match word:
        case Ready():
            return b"ready\n"
        case Beat():
            return b"beat\n"
        case RestartProcess(name):
            return b"restart " + name.encode() + b"\n"


class Lines:
    """Puts together what comes in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Word]:
        """The words that are complete with ``data``; what is no word is passed over."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-LONGEST:]
        for line in lines:
            word = _word_of(line.decode(errors="replace"))
            if word is not None:
                yield word


def _word_of(line: str) -> Word | None:
    match line.split(" ", 1):
        case ["ready"]:
            return Ready()
        case ["beat"]:
            return Beat()
        case ["restart", name]:
            return RestartProcess(name)
        case _:
            return None
