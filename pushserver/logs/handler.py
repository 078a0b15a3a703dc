"""The one handler of the service: a record becomes a line once, and the line goes wherever it belongs."""

import logging
import sys
from collections.abc import Sequence
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

    Nothing that goes wrong here reaches whoever logs. A shelf that takes no lines is complained of on
    stderr, once; when it takes lines again, one of them says how many are missing.
    """

    def __init__(self, line: Line, shelves: Sequence[Shelf]) -> None:
        super().__init__()
        self._line = line
        self._shelves = shelves
        self._by_level: dict[int, list[Shelf]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """See :meth:`logging.Handler.emit`."""
        try:
            line = self._bytes(record)
        except Exception as error:  # noqa: BLE001 - a record may hold anything
            _complain(f"日志行无法生成 ({type(error).__name__})，来自 {record.name}")
            return
        for shelf in self._shelves_of(record.levelno):
            self._put(shelf, line)

    def close(self) -> None:
        """See :meth:`logging.Handler.close`."""
        self.acquire()
        try:
            for shelf in self._shelves:
                shelf.outlet.close()
        finally:
            self.release()
        super().close()

    def _shelves_of(self, level: int) -> list[Shelf]:
        known = self._by_level.get(level)
        if known is None:
            known = self._by_level[level] = [shelf for shelf in self._shelves if level in shelf.levels]
        return known

    def _bytes(self, record: logging.LogRecord) -> bytes:
        # Lone surrogates, the undecodable parts of file names, become \udc80: in JSON an escape of its own.
        return f"{self._line(record)}\n".encode("utf-8", "backslashreplace")

    def _put(self, shelf: Shelf, line: bytes) -> None:
        try:
            shelf.outlet.write(line)
        except (OSError, ValueError) as error:  # ValueError: a closed stream
            shelf.lost += 1
            if shelf.lost == 1:
                _complain(f"日志无法写入 {shelf.outlet.name}: {_reason(error)}，请检查磁盘空间和权限")
            return
        if shelf.lost:
            lost, shelf.lost = shelf.lost, 0
            self._put(shelf, self._bytes(_gap(lost)))


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
