"""How much CPU a service uses, with all processes that come and go meanwhile."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.system.server_process import PushServer

_INTERVAL = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")


class CpuWatch:
    """As a context manager, adds up user and system time; ``share`` is of one CPU: a busy loop is 1.

    Looks at /proc twenty times a second: what a process uses after the last look at it is not seen.
    """

    def __init__(self, server: PushServer) -> None:
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}

    def __enter__(self) -> Self:
        self._look()
        self._first = dict(self._last)
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        seconds = time.monotonic() - self._began
        used = sum(self._last.values()) - sum(self._first.values())
        self.share = used / seconds

    def _watch(self) -> None:
        while not self._over.wait(_INTERVAL):
            self._look()

    def _look(self) -> None:
        for pid in self._server.pids:
            with suppress(OSError):  # it has ended meanwhile
                self._last[pid] = _cpu_seconds(pid)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
