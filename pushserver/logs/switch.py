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
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from pushserver.logs.levels import LEVELS, change, current, toggled

_log = logging.getLogger(__name__)


class AwaitedSignal:
    """As a context manager, keeps a signal from ending the process, and its children-to-be.

    To be entered on the main thread, before there are others. What comes before :meth:`heed` waits. Does
    nothing where there is no such signal (Windows).
    """

    name: ClassVar[str]
    thread_name: ClassVar[str]

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._number: signal.Signals | None = getattr(signal, self.name, None)
        self._stopping = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        if self._number is not None:
            signal.pthread_sigmask(signal.SIG_BLOCK, {self._number})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """The signal stays blocked: one that comes late must not kill."""
        self._stopping = True
        thread, number = self._thread, self._number
        if number is not None and thread is not None and thread.ident is not None:
            signal.pthread_kill(thread.ident, number)
            thread.join()

    def heed(self) -> None:
        """From now on, ``act`` in a thread of its own at each signal."""
        if self._number is not None:
            run = partial(self._run, self._number)
            self._thread = threading.Thread(target=run, name=self.thread_name, daemon=True)
            self._thread.start()

    def _run(self, number: signal.Signals) -> None:
        while True:
            signal.sigwait({number})
            if self._stopping:
                return
            try:
                self._act()
            except Exception:  # noqa: BLE001 - the next signal is to find somebody who listens
                self._complain()

    def _complain(self) -> None:
        """Log the exception in hand: the signal could not be followed."""
        raise NotImplementedError


class SwitchSignal(AwaitedSignal):
    """SIGUSR1."""

    name = "SIGUSR1"
    thread_name = "log-level"

    def _complain(self) -> None:
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
