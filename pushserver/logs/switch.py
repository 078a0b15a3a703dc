"""Switching the level by SIGUSR1: ``debug`` while something is looked into, and back.

The signal is *blocked* before the first thread and the first child exist, and waited for by a thread. So it
interrupts nothing, and who inherits the block (the fork server, a newborn worker) does not die of a signal
that a service manager sends to every process of the service.

The root decides, writes the level to a file and passes the signal on; workers do what the file says. Told
twice, or told before the root, they do the same.
"""

import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from pushserver.logs.levels import LEVELS, change, current, toggled

_log = logging.getLogger(__name__)
_POSIX = hasattr(signal, "SIGUSR1")


class SwitchSignal:
    """As a context manager, keeps SIGUSR1 from ending the process, and its children-to-be.

    To be entered on the main thread, before there are others. What comes before :meth:`heed` waits. Does
    nothing where there is no such signal (Windows).
    """

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._stopping = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if _POSIX:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """The signal stays blocked: one that comes late must not kill."""
        self._stopping = True
        if self._thread is not None and self._thread.ident is not None:
            signal.pthread_kill(self._thread.ident, signal.SIGUSR1)
            self._thread.join()

    def heed(self) -> None:
        """From now on, ``act`` in a thread of its own at each signal."""
        if _POSIX:
            self._thread = threading.Thread(target=self._run, name="log-level", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            signal.sigwait({signal.SIGUSR1})
            if self._stopping:
                return
            try:
                self._act()
            except Exception:  # noqa: BLE001 - the next signal is to find somebody who listens
                _log.exception("日志级别无法切换", extra={"action": "log_level_failed"})


class LevelFile:
    """Where the root leaves the level for its workers, those that are born later too."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "log-level"

    def leave(self, level: str) -> None:
        """Write the level, whole or not at all.

        Raises:
            OSError: that cannot be done.
        """
        draft = self._path.with_suffix(".new")
        draft.write_text(level, encoding="ascii")
        draft.replace(self._path)

    def follow(self) -> None:
        """Apply the level that was left here, if one was."""
        try:
            level = self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            return
        if level in LEVELS and level != current():
            change(level)


def switch(configured: str, pass_on: Callable[[str], None]) -> None:
    """Change this process's level to the next one, and pass that on."""
    level = toggled(configured, current())
    change(level)
    pass_on(level)
