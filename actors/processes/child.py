"""One worker as its root sees it: a process that comes and goes under a name that stays."""

import logging
from dataclasses import dataclass, field
from enum import Enum
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from actors.policy import History
from actors.processes.spec import ProcessSpec

_log = logging.getLogger(__name__)


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
    ``due`` is when a worker that is down is to be started again.
    """

    spec: ProcessSpec
    phase: Phase = Phase.DOWN
    process: BaseProcess | None = None
    pipe: Connection | None = None
    deadline: float = 0.0
    due: float | None = None
    restarts: int = 0
    last_error: str = ""
    history: History = field(default_factory=History)

    @property
    def pid(self) -> int | None:
        """Of the present process."""
        return self.process.pid if self.process is not None else None

    def kill(self, why: str) -> None:
        """End it without ceremony. What it held (a lock of the store) is free before a successor starts."""
        if self.process is None or not self.process.is_alive():
            return
        self.last_error = why
        _log.error(
            "%s is killed: %s",
            self.spec.name,
            why,
            extra={"action": "process_killed", "worker": self.spec.name},
        )
        self.process.kill()

    def close(self) -> int | None:
        """Forget the process that has ended; returns its exit status."""
        process, pipe = self.process, self.pipe
        self.process = self.pipe = None
        self.phase = Phase.DOWN
        if pipe is not None:
            pipe.close()
        if process is None:
            return None
        process.join()
        status = process.exitcode
        process.close()
        return status
