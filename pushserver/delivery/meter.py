"""When an endpoint may be called next: its own budget, and the rests that its vendor has ordered.

Times are monotonic seconds unless they are dates.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from pushserver.delivery.budget import Budget
from pushserver.delivery.rest import PlatformRests, Rest
from pushserver.domain import PlatformName, RateLimited
from pushserver.domain.messages import Calls
from pushserver.domain.waiting import BUDGET, VENDOR


class Wait(NamedTuple):
    """So many seconds, and for what: one of :data:`pushserver.domain.WAITING_REASONS`."""

    seconds: float
    reason: str


class Meter:
    """What one endpoint has used up; ``rests`` are those of its whole platform."""

    def __init__(self, budget: Budget, rest: Rest, rests: PlatformRests, platform: PlatformName) -> None:
        self.budget = budget
        self._rest = rest
        self._rests = rests
        self._platform = platform

    def wait(self, now: float, *, urgent: bool) -> Wait:
        """How long until a call may begin."""
        own = self.budget.wait(now, urgent=urgent)
        vendor = max(self._rest.remaining(now), self._rests.remaining(self._platform, now))
        return Wait(vendor, VENDOR) if vendor > own else Wait(own, BUDGET)

    def restore(self, calls: Calls, now: float, date: datetime) -> None:
        """What an earlier life has used up; ``now`` and ``date`` are the same moment.

        Counted is one more than is known: it may have died with a call in hand, or with its record.
        """
        self.budget.restore(now - max(0.0, (date - ended).total_seconds()) for ended in calls.ended)
        if calls.in_hand or calls.ended:
            self.budget.spend(now)
        refusals = [*_refusals(calls)]
        if not refusals:
            return
        last, verdict = calls.last[0], refusals[0]
        over = last.started_at.timestamp() + last.duration + verdict.waits[0] - date.timestamp()
        if verdict.whole_platform:
            self._rests.begin(self._platform, now + over)
        self._rest.restore(now + over, len(refusals))


def _refusals(calls: Calls) -> Iterator[RateLimited]:
    """Those in a row with which the calls have ended so far, the last one first."""
    for attempt in calls.last:
        if not isinstance(attempt.verdict, RateLimited):
            return
        yield attempt.verdict
