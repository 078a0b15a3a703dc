"""The one handler of the service: a record becomes a line once, and the line goes wherever it belongs."""

import logging
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pushserver.logs.line import Line
from pushserver.logs.outlet import Outlet


@dataclass(slots=True)
class Shelf:
    """An outlet, the numeric levels that belong there, and how many lines it failed to take in a row."""

    outlet: Outlet
    levels: range
    lost: int = 0


class LineHandler(logging.Handler):
    """Writes each record's line to every shelf that its level belongs to.

    Nobody waits to log: whoever finds another thread writing leaves it the line. (With a lock around each
    write, as the standard library has it, the threads of a busy process queue up behind one another's system
    calls: a fifth of its time.) What waits is written in one piece.

    Nothing that goes wrong here reaches whoever logs. A shelf that takes no lines is complained of on
    stderr, once; when it takes lines again, one of them says how many are missing.
    """

    def __init__(self, line: Line, shelves: Sequence[Shelf]) -> None:
        super().__init__()
        self._line = line
        self._shelves = shelves
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._writing = threading.Lock()

    def handle(self, record: logging.LogRecord) -> bool:
        """See :meth:`logging.Handler.handle`; without its lock."""
        passed: object = self.filter(record)  # since 3.12 a record that takes the place of this one
        if isinstance(passed, logging.LogRecord):
            record = passed
        if passed:
            self.emit(record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """See :meth:`logging.Handler.emit`."""
        try:
            line = self._bytes(record)
        except Exception as error:  # noqa: BLE001 - a record may hold anything
            _complain(f"日志行无法生成 ({type(error).__name__})，来自 {record.name}")
            return
        self._waiting.append((record.levelno, line))
        self._write_what_was_left()

    def flush(self) -> None:
        """Return when everything logged so far is written, by whichever thread."""
        with self._writing:
            self._write_waiting()
        self._write_what_was_left()

    def close(self) -> None:
        """See :meth:`logging.Handler.close`."""
        with self._writing:
            self._write_waiting()
            for shelf in self._shelves:
                shelf.outlet.close()
        super().close()

    def _write_what_was_left(self) -> None:
        """Looks again after each release: a line left with a writer that was just done must not stay."""
        while self._waiting and self._writing.acquire(blocking=False):
            try:
                self._write_waiting()
            finally:
                self._writing.release()

    def _write_waiting(self) -> None:
        piles: dict[int, list[bytes]] = {}
        for level, line in _taken_from(self._waiting):
            for number, shelf in enumerate(self._shelves):
                if level in shelf.levels:
                    piles.setdefault(number, []).append(line)
        for number, lines in piles.items():
            self._put(self._shelves[number], lines)

    def _bytes(self, record: logging.LogRecord) -> bytes:
        # Lone surrogates, the undecodable parts of file names, become \udc80: in JSON an escape of its own.
        return f"{self._line(record)}\n".encode("utf-8", "backslashreplace")

    def _put(self, shelf: Shelf, lines: Sequence[bytes]) -> None:
        try:
            shelf.outlet.write(b"".join(lines))
        except (OSError, ValueError) as error:  # ValueError: a closed stream
            if not shelf.lost:
                _complain(f"日志无法写入 {shelf.outlet.name}: {_reason(error)}，请检查磁盘空间和权限")
            shelf.lost += len(lines)
            return
        if shelf.lost:
            lost, shelf.lost = shelf.lost, 0
            self._put(shelf, [self._bytes(_gap(lost))])


def _taken_from(waiting: "deque[tuple[int, bytes]]") -> Iterator[tuple[int, bytes]]:
    """Those that wait now, and not those that come meanwhile: a writer is to come to an end."""
    for _ in range(len(waiting)):
        yield waiting.popleft()


def _gap(lost: int) -> logging.LogRecord:
    fields = {"action": "log_lines_lost", "lost": lost}
    return logging.makeLogRecord(
        {"levelno": logging.WARNING, "msg": "日志曾无法写入，丢失 %d 行", "args": (lost,), **fields}
    )


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _complain(text: str) -> None:
    """On stderr, which may be closed or gone."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
