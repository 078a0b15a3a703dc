"""The thread that looks after the log files; the root process has one, workers only append."""

import logging
import threading
from types import TracebackType
from typing import Self

from pushserver.config import LogSettings
from pushserver.logs.rotation import Rotation

_log = logging.getLogger(__name__)


class Rotator:
    """As a context manager, lets a rotation look every ``every`` seconds.

    A file may outgrow ``log.max_size`` by what is written in that time. What fails (a full disk, a directory
    that may not be written) is logged when it begins, and tried again.
    """

    def __init__(self, rotation: Rotation, *, every: float = 1.0) -> None:
        self._rotation = rotation
        self._every = every
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-rotator", daemon=True)
        self._fault = ""

    @classmethod
    def of(cls, settings: LogSettings) -> "Rotator":
        """What ``log.*`` says."""
        return cls(Rotation.of(settings))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            self._look()

    def _look(self) -> None:
        try:
            self._rotation.look()
        except OSError as error:
            self._tell(error.strerror or type(error).__name__)
        else:
            self._fault = ""

    def _tell(self, fault: str) -> None:
        if fault != self._fault:
            _log.warning("日志文件无法轮转", extra={"action": "log_rotation_failed", "error": fault})
        self._fault = fault
