"""When something rests that keeps failing: a circuit breaker, pure. Times are monotonic seconds.

Closed, it lets everything through. Opened by failures, it lets nothing through for a rest that doubles up to
a ceiling; then it lets *one* through as a probe, whose fate closes or opens it again.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When it opens, and for how long.

    It opens after ``failures`` in a row, or when at least ``share`` of the last ``sample`` failed (a
    ``sample`` of 0: never for that). It rests ``first`` seconds, doubling up to ``ceiling``.
    """

    failures: int = 3
    first: float = 5.0
    ceiling: float = 300.0
    sample: int = 0
    share: float = 0.8


class Breaker:
    """The breaker of one account or endpoint."""

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._in_a_row = 0
        self._last: deque[bool] = deque(maxlen=rules.sample)
        self._openings = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Resting, or waiting for the fate of the probe."""
        return self._open_until is not None

    def admits(self, now: float) -> bool:
        """May one be tried now? While open, the one that may is the probe."""
        if self._open_until is None:
            return True
        if self._probing or now < self._open_until:
            return False
        self._probing = True
        return True

    def remaining(self, now: float) -> float:
        """Seconds of rest left."""
        return max(0.0, self._open_until - now) if self._open_until is not None else 0.0

    def succeeded(self) -> None:
        """It is well: it has taken one, or at least judged it. What was begun before it opened counts too."""
        self._last.append(True)
        self._in_a_row = 0
        if self.is_open:
            self._close()

    def failed(self, now: float, *, fatal: bool = False) -> None:
        """It could not be used; ``fatal`` opens at once. What was begun before it opened says nothing new."""
        if self.is_open and not self._probing:
            return
        self._last.append(False)
        self._in_a_row += 1
        if fatal or self._probing or self._is_ill():
            self._open(now)

    def unproven(self) -> None:
        """The probe has come to nothing, through no fault of either side: the next one is the probe."""
        self._probing = False

    def _is_ill(self) -> bool:
        if self._in_a_row >= self._rules.failures:
            return True
        return 0 < self._rules.sample <= len(self._last) and (
            self._last.count(False) >= self._rules.share * self._rules.sample
        )

    def _open(self, now: float) -> None:
        self._open_until = now + min(self._rules.ceiling, self._rules.first * 2.0**self._openings)
        self._openings += 1
        self._probing = False

    def _close(self) -> None:
        self._last.clear()
        self._openings = 0
        self._open_until = None
        self._probing = False
