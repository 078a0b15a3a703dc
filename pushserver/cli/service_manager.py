"""systemd, as the service tells it how it is: ready, alive, stopping.

What a manager that started the service with ``NOTIFY_SOCKET`` is told, and when:
https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

import os
import socket
import threading
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from systemd_watchdog.systemd_watchdog import WatchDog

_SOCKET: Final = "NOTIFY_SOCKET"
_BEATS_IN_TIME: Final = 3
"""Signs of life in each span that the manager waits for one: two may be lost."""


class ServiceManager:
    """The manager that ``environment`` names; with none named, everything here does nothing.

    The name is taken out of the environment: worker processes have nothing to say to a manager. As a context
    manager it holds the connection, and ends the signs of life with it.
    """

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        address = environment.pop(_SOCKET, "")
        self._over = threading.Event()
        self._beating: threading.Thread | None = None
        self._line: socket.socket | None = None
        self._watchdog: WatchDog | None = None
        if address:
            self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._watchdog = WatchDog(self._line, address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        if self._beating is not None:
            self._beating.join()
        if self._line is not None:
            self._line.close()

    def ready(self, text: str, alive: Callable[[], bool]) -> None:
        """The service serves; from now on there are signs of life for as long as ``alive`` says yes.

        They are only sent where the manager waits for them (``WatchdogSec=``). ``alive`` is asked on a thread
        of its own and must not block.
        """
        if self._watchdog is None:
            return
        self._tell(self._watchdog.ready)
        self.say(text)
        pause = self._watchdog.timeout_td.total_seconds() / _BEATS_IN_TIME
        self._beating = threading.Thread(
            target=self._beat, args=(alive, pause), name="service-manager", daemon=True
        )
        self._beating.start()

    def say(self, text: str) -> None:
        """Show a line in ``systemctl status``."""
        if self._watchdog is not None:
            self._tell(self._watchdog.status, text)

    def _beat(self, alive: Callable[[], bool], pause: float) -> None:
        watchdog = self._watchdog
        while watchdog is not None and not self._over.is_set():
            if alive():
                self._tell(watchdog.notify)
            self._over.wait(pause)

    def _tell(self, say: Callable[..., None], *words: str) -> None:
        with suppress(OSError):  # a manager that does not listen is no reason to stop serving
            say(*words)
