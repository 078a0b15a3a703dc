"""One thread that runs short callbacks, now or later: timers, and the hands of the supervisor."""

import heapq
import logging
import threading
from collections import deque
from collections.abc import Callable
from itertools import count

from actors.clock import Clock

_log = logging.getLogger(__name__)

COMPACT_ABOVE = 1024
"""Timers, cancelled ones included, that are kept without looking which of them can go."""

Callback = Callable[[], None]


class Timer:
    """A callback that is due; :meth:`cancel` takes it back."""

    __slots__ = ("_callback",)

    def __init__(self, callback: Callback) -> None:
        self._callback: Callback | None = callback

    def cancel(self) -> None:
        """Do not run; nothing happens if it has run."""
        self._callback = None

    @property
    def cancelled(self) -> bool:
        """True also when it has run: nothing is going to happen."""
        return self._callback is None

    def run(self) -> None:
        """Run unless cancelled; at most once."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class Scheduler:
    """Runs callbacks one after the other, so that whatever only they touch needs no lock.

    Callbacks must not block. One that raises is logged and does not keep the others from running. While many
    wait, timers that are due take every other turn: thousands of actors that start must hold up no heartbeat.
    """

    def __init__(self, clock: Clock, name: str = "actors-scheduler") -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._soon: deque[Callback] = deque()
        self._later: list[tuple[float, int, Timer]] = []
        self._compact_at = COMPACT_ABOVE
        self._order = count()
        self._stopping = False
        self._timers_turn = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to run callbacks."""
        self._thread.start()

    def stop(self) -> None:
        """Run what is due at once, drop what is due later, and end."""
        with self._condition:
            self._stopping = True
            self._condition.notify()
        if self.running and threading.current_thread() is not self._thread:
            self._thread.join()

    @property
    def running(self) -> bool:
        """Has been started and has not come to its end."""
        return self._thread.is_alive()

    def soon(self, callback: Callback) -> None:
        """Run ``callback`` as soon as those before it have run."""
        with self._condition:
            self._soon.append(callback)
            self._condition.notify()

    def after(self, seconds: float, callback: Callback) -> Timer:
        """Run ``callback`` once, ``seconds`` from now."""
        timer = Timer(callback)
        with self._condition:
            heapq.heappush(self._later, (self._clock.monotonic() + seconds, next(self._order), timer))
            if len(self._later) > self._compact_at:
                self._compact()
            self._condition.notify()
        return timer

    def _compact(self) -> None:
        """Forget cancelled timers long before they are due: some are for hours ahead."""
        self._later = [entry for entry in self._later if not entry[2].cancelled]
        heapq.heapify(self._later)
        self._compact_at = max(COMPACT_ABOVE, 2 * len(self._later))

    def _run(self) -> None:
        while (callback := self._next()) is not None:
            try:
                callback()
            except BaseException:  # noqa: BLE001 - one bad callback must not end the timers of all
                _log.exception("a scheduled callback failed")

    def _next(self) -> Callback | None:
        with self._condition:
            while True:
                due = self._later[0][0] if self._later else None
                timer_is_due = due is not None and not self._stopping and due <= self._clock.monotonic()
                if self._soon and not (timer_is_due and self._timers_turn):
                    self._timers_turn = True
                    return self._soon.popleft()
                if self._stopping:
                    return None
                if timer_is_due:
                    self._timers_turn = False
                    return heapq.heappop(self._later)[2].run
                self._clock.wait(self._condition, due)
