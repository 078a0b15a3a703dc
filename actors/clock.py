"""Time as a parameter: the real clock, and one that stands still until it is told to move."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the runtime knows of time."""

    def monotonic(self) -> float:
        """Seconds that never run backwards, from an arbitrary start."""
        ...

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        ...

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        """Wait on a held condition until it is notified or :meth:`monotonic` reaches ``until``."""
        ...


class SystemClock:
    """The clock of this machine."""

    def monotonic(self) -> float:
        """See :meth:`Clock.monotonic`."""
        return time.monotonic()

    def now(self) -> datetime:
        """See :meth:`Clock.now`."""
        return datetime.now(UTC)

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        """See :meth:`Clock.wait`."""
        condition.wait(None if until is None else max(0.0, until - time.monotonic()))


class ManualClock:
    """A clock for tests: :meth:`advance` moves it and wakes whoever waits for the time to come.

    Shipped beside the real one because everything that takes a clock can be tried with it.
    """

    def __init__(self, start: datetime = datetime(2024, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = threading.Lock()
        self._waiting: list[threading.Condition] = []

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed

    def now(self) -> datetime:
        """The start plus the seconds advanced so far."""
        return self._start + timedelta(seconds=self._elapsed)

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        """Wait until notified; a call to :meth:`advance` notifies."""
        with self._lock:
            if until is not None and self._elapsed >= until:
                return
            self._waiting.append(condition)
        try:
            condition.wait()
        finally:
            with self._lock:
                self._waiting.remove(condition)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        with self._lock:
            self._elapsed += seconds
            waiting = list(self._waiting)
        for condition in waiting:
            with condition:
                condition.notify_all()
