"""How many sends are under way at once: in the whole service, and for each platform."""

import threading
from collections.abc import Mapping

from pushserver.domain import PlatformName


class Permit:
    """The right to have one send under way; given back once, by whoever comes first."""

    __slots__ = ("_lock", "_semaphores")

    def __init__(self, *semaphores: threading.Semaphore) -> None:
        self._semaphores = semaphores
        self._lock = threading.Lock()

    def release(self) -> None:
        """Give it back; further calls do nothing. May be called from any thread."""
        with self._lock:
            semaphores, self._semaphores = self._semaphores, ()
        for semaphore in semaphores:
            semaphore.release()


class Gate:
    """Gives out permits: at most ``total`` at once, and at most ``per_platform`` for one platform.

    The platform's place is taken first, so that a slow platform's queue stands before its own door and
    holds no place that another platform could use.
    """

    def __init__(self, total: int, per_platform: int) -> None:
        self._total = threading.Semaphore(total)
        self._platforms: Mapping[PlatformName, threading.Semaphore] = {
            platform: threading.Semaphore(per_platform) for platform in PlatformName
        }

    def enter(self, platform: PlatformName) -> Permit:
        """Wait for a permit, as long as it takes."""
        of_platform = self._platforms[platform]
        of_platform.acquire()
        self._total.acquire()
        return Permit(of_platform, self._total)
