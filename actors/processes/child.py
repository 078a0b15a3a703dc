"""One worker as its root sees it: a process that comes and goes under a name that stays."""

import logging
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

from actors.policy import History
from actors.processes.spec import ProcessSpec
from actors.processes.words import Lines, Word

_log = logging.getLogger(__name__)

UNKNOWN_STATUS: Final = 255
"""What :mod:`multiprocessing` gives as the exit status of a process that it has lost sight of."""


class Phase(Enum):
    """Where a worker stands."""

    DOWN = "down"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    """Told to stop, with a deadline."""


@dataclass(slots=True)
class Child:
    """The state of one worker. Times are monotonic seconds.

    ``deadline`` is when patience ends in this phase: for readiness, for the next heartbeat, for the stop.
    ``due`` is when a worker that is down is to be started, at once in the beginning.

    Two things tell of a worker's end: its sentinel, which the fork server holds, and its line, which it holds
    itself. When the fork server dies, all sentinels do as if their workers had ended; the line knows better.
    """

    spec: ProcessSpec
    phase: Phase = Phase.DOWN
    process: BaseProcess | None = None
    pipe: Connection | None = None
    deadline: float = 0.0
    due: float | None = 0.0
    restarts: int = 0
    last_error: str = ""
    history: History = field(default_factory=History)
    _lines: Lines = field(default_factory=Lines)
    _killed: str = ""
    _sentinel: int | None = None

    @property
    def pid(self) -> int | None:
        """Of the present process."""
        return self.process.pid if self.process is not None else None

    @property
    def unwatched(self) -> bool:
        """Does it live on without the fork server that it came from?"""
        return self.process is not None and self._sentinel is None

    def begin(self, process: BaseProcess, pipe: Connection, now: float) -> None:
        """A process has been started, and this is our end of its line."""
        self.process, self.pipe, self._lines = process, pipe, Lines()
        self._sentinel = process.sentinel
        self.phase = Phase.STARTING
        self.deadline = now + self.spec.patience.ready

    def sources(self) -> list[Any]:
        """What becomes ready when there is news of this worker."""
        return [source for source in (self._sentinel, self.pipe) if source is not None]

    def hear(self) -> Iterator[Word]:
        """The words that have come; does not wait. A line that has ended is closed."""
        while self.pipe is not None and wait([self.pipe], 0):
            data = _read(self.pipe)
            if not data:
                self.pipe.close()
                self.pipe = None
            yield from self._lines.feed(data)

    def has_ended(self, ready: Sequence[Any]) -> bool:
        """Has the process ended? To be asked after :meth:`hear`, with the sources that are ready."""
        if self.process is None:
            return False
        if self.unwatched:
            return self.pipe is None
        if self._sentinel not in ready:
            return False
        if self.process.exitcode == UNKNOWN_STATUS and self.pipe is not None:
            _log.warning("%s lives on without its fork server", self.spec.name)
            self._sentinel = None
            return False
        return True

    def ask_to_stop(self, now: float) -> None:
        """Send TERM; the deadline for the end begins."""
        self.phase = Phase.STOPPING
        self.deadline = now + self.spec.patience.stop
        self._send(signal.SIGTERM)

    def kill(self, why: str) -> None:
        """End it without ceremony. What it held (a lock of the store) is free before a successor starts."""
        self._killed = self._killed or why
        _log.error(
            "%s is killed: %s",
            self.spec.name,
            why,
            extra={"action": "process_killed", "worker": self.spec.name},
        )
        self._send(signal.SIGKILL)

    def close(self) -> int | None:
        """Forget the process that has ended, and remember why; returns its exit status."""
        process, pipe = self.process, self.pipe
        self.process = self.pipe = self._sentinel = None
        self.phase = Phase.DOWN
        if pipe is not None:
            pipe.close()
        if process is None:
            return None
        status = process.exitcode
        process.close()
        self.last_error, self._killed = self._killed or f"ended with status {status}", ""
        return status

    def _send(self, number: signal.Signals) -> None:
        # Not process.kill(): that knows nothing of a process whose fork server is gone.
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def _read(pipe: Connection) -> bytes:
    try:
        return os.read(pipe.fileno(), 65536)
    except OSError:
        return b""
