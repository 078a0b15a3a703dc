"""Where lines go: files that somebody else may rename, and streams."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TextIO, cast

from pushserver.logs.pace import PACE, Pace

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
_LINE_END = ord("\n")
_MODE = 0o666
"""What the umask leaves of it; log collectors run as other users."""


class Outlet(Protocol):
    """Takes whole lines, from one thread at a time."""

    @property
    def name(self) -> str:
        """What people call it."""

    def write(self, line: bytes) -> None:
        """Write a line, or several, the ends included, in one piece.

        Raises:
            OSError: it could not be written.
        """

    def close(self) -> None:
        """Let go of what is open; the next line opens it again."""


class AppendedFile:
    """A log file that several processes append to, and that one of them, or logrotate, may rename.

    One ``write(2)`` a line with ``O_APPEND``: lines of several processes never mix. ``keep_open`` is for
    POSIX; on Windows an open file cannot be renamed.
    """

    def __init__(
        self,
        path: Path,
        *,
        pace: Pace = PACE,
        clock: Callable[[], float] = time.monotonic,
        keep_open: bool = os.name != "nt",
    ) -> None:
        self._path = path
        self._pace = pace
        self._clock = clock
        self._keep_open = keep_open
        self._descriptor: int | None = None
        self._identity = (0, 0)
        self._looked_at = 0.0
        self._torn = False

    @property
    def name(self) -> str:
        """See :class:`Outlet`."""
        return str(self._path)

    def open(self) -> None:
        """Open the file, made with its directory where it is missing.

        Raises:
            OSError: that cannot be done.
        """
        looked_at = self._clock()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, _FLAGS, _MODE)
        self.close()
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != self._identity:
            self._torn = False
        self._descriptor, self._identity = descriptor, (status.st_dev, status.st_ino)
        self._looked_at = looked_at

    def write(self, line: bytes) -> None:
        """See :class:`Outlet`."""
        if self._descriptor is None or self._clock() - self._looked_at >= self._pace.look_every:
            self._follow()
        self._append(line)
        if self._clock() - self._looked_at > self._pace.late_after and self._vanished():
            self.open()
            self._append(line)
        if not self._keep_open:
            self.close()

    def close(self) -> None:
        """See :class:`Outlet`."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def _follow(self) -> None:
        """Go on in the file that has the name now."""
        looked_at = self._clock()
        if self._descriptor is not None and _identity_of(self._path) == self._identity:
            self._looked_at = looked_at
        else:
            self.open()

    def _append(self, line: bytes) -> None:
        """A disk that is full in the middle of a line costs that line, but not the next one too."""
        data = b"\n" + line if self._torn else line
        descriptor = self._opened()
        written = 0
        try:
            written = os.write(descriptor, data)
            while written < len(data):
                written += os.write(descriptor, data[written:])
        finally:
            if written:
                self._torn = data[written - 1] != _LINE_END

    def _opened(self) -> int:
        if self._descriptor is None:
            self.open()
        return cast("int", self._descriptor)

    def _vanished(self) -> bool:
        return self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0


class Stream:
    """Standard output, in UTF-8 whatever the locale says, behind everything else that was printed on it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._descriptor = _descriptor_of(stream)

    @property
    def name(self) -> str:
        """See :class:`Outlet`."""
        return str(getattr(self._stream, "name", "stream"))

    def write(self, line: bytes) -> None:
        """See :class:`Outlet`."""
        if self._descriptor is None:
            self._stream.write(line.decode())
            self._stream.flush()
            return
        self._stream.flush()
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def close(self) -> None:
        """The stream is its owner's."""


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - half the time of Path.stat
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _descriptor_of(stream: TextIO) -> int | None:
    """``None`` for streams in memory; and on Windows, whose consoles take no UTF-8 this way."""
    if os.name == "nt":
        return None
    try:
        return stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
