"""How often an endpoint may still be used: sliding windows over its calls. Pure, times are the caller's.

A call counts from the moment at which its answer is in. The vendor has counted it before that, and will count
the next one after that was begun: so neither the way there nor its jitter can squeeze more into a window of
the vendor's than into one of ours.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pushserver.config import Rate

_NO_TIME = 1e-6
"""Seconds that are none: what floating point leaves of a wait that is over."""


@dataclass(frozen=True, slots=True)
class _Window:
    seconds: float
    for_urgent: int
    for_others: int


class Budget:
    """The calls of one endpoint, held against all of its rates at once.

    ``reserve`` is the share of each rate (0..1) that only urgent calls may use, rounded down; a rate always
    leaves one call for the others.
    """

    def __init__(self, rates: Sequence[Rate], reserve: float = 0.0) -> None:
        self._windows = tuple(_window(rate, reserve) for rate in rates)
        self._calls: deque[float] = deque(maxlen=max(rate.count for rate in rates))

    @property
    def longest_window(self) -> float:
        """Seconds after which a call is of no interest any more."""
        return max(window.seconds for window in self._windows)

    @property
    def pace(self) -> float:
        """Seconds from one call to the next, where calls never end."""
        return max(window.seconds / window.for_others for window in self._windows)

    def spend(self, now: float, calls: int = 1) -> None:
        """So many calls have just come to their end, whatever became of them."""
        self._calls.extend([now] * calls)

    def restore(self, calls: Iterable[float]) -> None:
        """Calls of an earlier life, by the times of their ends."""
        self._calls.extend(sorted(calls))

    def wait(self, now: float, *, urgent: bool) -> float:
        """Seconds until a call may begin; 0 for at once."""
        wait = max(self._free_at(window, now, urgent=urgent) - now for window in self._windows)
        return wait if wait > _NO_TIME else 0.0

    def left(self, now: float) -> int:
        """How many urgent calls may begin now, one right after the other."""
        return min(window.for_urgent - self._spent(window, now) for window in self._windows)

    def _free_at(self, window: _Window, now: float, *, urgent: bool) -> float:
        limit = window.for_urgent if urgent else window.for_others
        return self._calls[-limit] + window.seconds if len(self._calls) >= limit else now

    def _spent(self, window: _Window, now: float) -> int:
        recent = 0
        for call in reversed(tuple(self._calls)):  # others look while a call ends
            if call + window.seconds <= now + _NO_TIME or recent == window.for_urgent:
                break
            recent += 1
        return recent


def _window(rate: Rate, reserve: float) -> _Window:
    return _Window(rate.seconds, rate.count, max(1, rate.count - int(rate.count * reserve)))
