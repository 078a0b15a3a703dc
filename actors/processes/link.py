"""A worker's line to its root: readiness and heartbeats up, nothing but silence down.

The line is a pipe. It says more than its messages: when it breaks, the other end is gone.
"""

import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from actors.processes import exit_codes

BEAT_INTERVAL: Final = 1.0
"""Seconds between two heartbeats."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Worker to root: my actors have answered."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Worker to root: I am alive."""


@dataclass(frozen=True, slots=True)
class RestartProcess:
    """Worker to root: an operator wants this process restarted."""

    name: str


class Link:
    """The worker's end. Signals are the root's way down: TERM means stop, and so does the end of the line."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.orphaned = False

    def open(self) -> None:
        """Take over the signals and begin to watch the line; on the worker's main thread.

        Ctrl-C goes to all processes of a terminal; only the root acts on it.
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._on_term)
        threading.Thread(target=self._watch, name="link-watch", daemon=True).start()

    def ready(self) -> None:
        """Tell the root that this process answers."""
        self._send(Ready())

    def beat(self) -> None:
        """Tell the root that this process is alive; to be called at least every few seconds."""
        self._send(Beat())

    def restart(self, name: str) -> None:
        """Ask the root to restart a process, this one perhaps."""
        self._send(RestartProcess(name))

    def stop(self) -> None:
        """End :meth:`wait`."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until this process is to stop; ``True`` if it is."""
        return self._stop.wait(timeout)

    def _on_term(self, *_: object) -> None:
        # A second one is immediate: whoever sends it has lost patience.
        if self._stop.is_set():
            os._exit(exit_codes.OK)
        self._stop.set()

    def _watch(self) -> None:
        with suppress(EOFError, OSError):
            self._pipe.recv_bytes()
        self.orphaned = True
        self._stop.set()

    def _send(self, message: object) -> None:
        with self._lock, suppress(OSError):
            self._pipe.send(message)
