"""When an account rests: a circuit breaker, pure. Times are monotonic seconds given by the caller.

Closed, it lets everything through. Opened by failures in a row, it lets nothing through for a rest that
doubles up to a ceiling; then it lets *one* mail through as a probe, whose fate closes or opens it again.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """Opens after ``failures`` in a row; rests ``first`` seconds, doubling up to ``ceiling``."""

    failures: int = 3
    first: float = 5.0
    ceiling: float = 300.0


class Breaker:
    """The breaker of one account."""

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._in_a_row = 0
        self._openings = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Resting, or waiting for the fate of the probe."""
        return self._open_until is not None

    def admits(self, now: float) -> bool:
        """May a mail be tried now? While open, the one that may is the probe."""
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
        """The server has taken or judged a mail: it is well."""
        self._in_a_row = self._openings = 0
        self._open_until = None
        self._probing = False

    def failed(self, now: float) -> None:
        """The account could not be used. What was under way when it opened says nothing new."""
        if self.is_open and not self._probing:
            return
        self._in_a_row += 1
        if self._probing or self._in_a_row >= self._rules.failures:
            rest = min(self._rules.ceiling, self._rules.first * 2.0**self._openings)
            self._openings += 1
            self._open_until = now + rest
            self._probing = False
