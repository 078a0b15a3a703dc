"""A vendor's rate limit: sliding windows, and a lock for who ran into one."""

from collections import deque
from dataclasses import dataclass

from pushserver.sandbox.errors import BadSettingError
from pushserver.sandbox.journal import Code


@dataclass(frozen=True, slots=True)
class Rate:
    """How many calls a robot takes.

    Attributes:
        windows: pairs of (calls, seconds); all of them hold, each slides.
        lock: seconds for which every call is refused after a window was full.
        code: what a refused call is answered; ``None`` is the vendor's usual code.
        text: its text; ``None`` is the documented one.
    """

    windows: tuple[tuple[int, float], ...]
    lock: float = 0.0
    code: Code | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        for calls, seconds in self.windows:
            if calls < 1 or seconds <= 0:
                raise BadSettingError(f"a window of {calls} calls in {seconds} s; expected both above 0")


class RateGauge:
    """Counts one robot's calls against a :class:`Rate`.

    A call that is let through counts, whatever becomes of it afterwards; one that is refused here does not,
    or whoever keeps trying would never get in again.
    """

    def __init__(self) -> None:
        self._calls: deque[float] = deque()
        self._locked_until = float("-inf")

    def admits(self, rate: Rate, now: float) -> bool:
        """Whether a call at ``now`` is let through; if so, it is counted."""
        if now < self._locked_until:
            return False
        if any(self._full(calls, now - seconds) for calls, seconds in rate.windows):
            self._locked_until = now + rate.lock
            return False
        self._calls.append(now)
        self._forget(rate)
        return True

    def _full(self, calls: int, since: float) -> bool:
        return len(self._calls) >= calls and self._calls[-calls] > since

    def _forget(self, rate: Rate) -> None:
        most = max((calls for calls, _ in rate.windows), default=0)
        while len(self._calls) > most:
            self._calls.popleft()
