"""Being asked to stop: SIGINT and SIGTERM, or something inside that cannot go on."""

import os
import queue
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from pushserver.cli import exit_codes

STOPPING = (signal.SIGINT, signal.SIGTERM)
"""The signals that ask for an orderly end."""
_AT_ONCE = "再次收到信号，立即退出\n".encode()
_GLANCE = 1.0
"""Seconds between two looks: a signal that another thread took, or Ctrl-C on Windows, ends no wait."""


class StopRequests:
    """As a context manager, turns the first signal into a request and makes the second end the process.

    To be entered before anything is started or even imported: a request during the start waits until the
    start is over. Signals are not masked meanwhile, because worker processes would inherit the mask and be
    deaf to their own. The second signal allows no farewell but :attr:`last_act`; a service that stores before
    it answers can take that.

    Attributes:
        last_act: done before the second signal ends the process; in a signal handler, so it must not wait.
    """

    def __init__(self) -> None:
        # Unlike an Event, this queue may be used in a signal handler that interrupts its own reader.
        self._reasons: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._asked = False
        self.last_act: Callable[[], None] = _nothing

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._on_signal) for number in STOPPING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            os.write(2, _AT_ONCE)
            self.last_act()
            os._exit(exit_codes.ended_by(number))
        self._asked = True
        self._reasons.put(signal.Signals(number).name)

    def request(self, reason: str) -> None:
        """Ask for the end, from any thread."""
        self._reasons.put(reason)

    def wait(self) -> str:
        """Wait until somebody asks; the signal's name, or the reason given."""
        while True:
            try:
                return self._reasons.get(timeout=_GLANCE)
            except queue.Empty:
                continue


def _nothing() -> None:
    pass
