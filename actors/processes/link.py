"""A worker's line to its root: readiness and heartbeats up, nothing but silence down.

The line is a pipe. It says more than its words: when it breaks, the other end is gone.
"""

import os
import queue
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

from actors.processes import exit_codes
from actors.processes.words import Beat, Ready, RestartProcess, Word, line_of

BEAT_INTERVAL: Final = 1.0
"""Seconds between two heartbeats."""
HELD_BACK: Final = frozenset({signal.SIGTERM, signal.SIGINT})
"""Signals that wait, from the birth of a worker, until :meth:`Link.open` knows what to do with them."""


class Link:
    """The worker's end. Signals are the root's way down: TERM means stop, and so does the end of the line.

    A second TERM changes nothing: a service manager may send one to all processes before the root does. It
    is the root that loses patience, and it sends KILL. When it is gone, nobody is left to do so: then the
    process ends by itself, ``grace`` seconds after the end of the line at the latest.
    """

    def __init__(self, pipe: Connection, *, grace: float = 30.0, restarts: int = 0) -> None:
        self._pipe = pipe
        self._grace = grace
        self.restarts = restarts
        """How often this process has been started again."""
        self._lock = threading.Lock()
        # Rung by a signal handler: an Event's lock could be in the hands of the thread that it interrupts.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.orphaned = False
        """Is the root gone?"""

    def open(self) -> None:
        """Take over the signals and begin to watch the line; on the worker's main thread.

        Ctrl-C goes to all processes of a terminal; only the root acts on it.
        """
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
        threading.Thread(target=self._watch, name="link-watch", daemon=True).start()

    def ready(self) -> None:
        """Tell the root that this process answers."""
        self._say(Ready())

    def beat(self) -> None:
        """Tell the root that this process is alive; to be called at least every few seconds."""
        self._say(Beat())

    def restart(self, name: str) -> None:
        """Ask the root to restart a process, this one perhaps."""
        self._say(RestartProcess(name))

    def stop(self) -> None:
        """End :meth:`wait`, this one and all later ones. Safe in signal handlers."""
        self._bell.put(None)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until this process is to stop; ``True`` if it is."""
        try:
            self._bell.get(timeout=timeout)
        except queue.Empty:
            return False
        self._bell.put(None)  # for whoever else waits, and for the next time
        return True

    def _watch(self) -> None:
        with suppress(EOFError, OSError):
            self._pipe.recv_bytes()
        self.orphaned = True
        self.stop()
        time.sleep(self._grace)
        os._exit(exit_codes.ORPHANED)

    def _say(self, word: Word) -> None:
        with self._lock, suppress(OSError):
            os.write(self._pipe.fileno(), line_of(word))
