"""Rests that a vendor has ordered by refusing for rate: until when, for an endpoint or a whole platform."""

from pushserver.domain import PlatformName, RateLimited


class Rest:
    """One endpoint's rest. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._until = 0.0
        self._in_a_row = 0

    def begin(self, verdict: RateLimited, now: float) -> float:
        """The vendor has refused for rate: rest. Returns for how many seconds."""
        seconds = verdict.waits[min(self._in_a_row, len(verdict.waits) - 1)]
        self._in_a_row += 1
        self._until = now + seconds
        return seconds

    def restore(self, until: float, in_a_row: int) -> None:
        """The rest of an earlier life, and how many refusals had led to it."""
        self._until = until
        self._in_a_row = in_a_row

    def over(self) -> None:
        """The vendor has answered otherwise: the next refusal is a first one again."""
        self._in_a_row = 0

    def remaining(self, now: float) -> float:
        """Seconds left; 0 when not resting."""
        return max(0.0, self._until - now)


class PlatformRests:
    """Rests that hold for every endpoint of a platform in this process, such as a blocked IP address."""

    def __init__(self) -> None:
        self._until: dict[PlatformName, float] = {}

    def begin(self, platform: PlatformName, until: float) -> None:
        """Rest until the given monotonic time."""
        self._until[platform] = max(until, self._until.get(platform, 0.0))

    def remaining(self, platform: PlatformName, now: float) -> float:
        """Seconds left; 0 when not resting."""
        return max(0.0, self._until.get(platform, 0.0) - now)
