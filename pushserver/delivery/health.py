"""Whether an endpoint is worth trying: a breaker that hears verdicts. Times are monotonic seconds."""

from pushserver.domain import EndpointBroken, RateLimited, Transient, Uncertain, Verdict
from pushserver.domain.breaker import Breaker, BreakerRules

_FAILURES = Transient | Uncertain | EndpointBroken


class Health:
    """Of one endpoint; without ``rules`` it is always worth trying.

    A refusal of the message is the answer of an endpoint that is well; one for rate says nothing.
    """

    def __init__(self, rules: BreakerRules | None) -> None:
        self._breaker = Breaker(rules) if rules is not None else None
        self.last_failure = ""

    @property
    def is_watched(self) -> bool:
        """Is there a breaker?"""
        return self._breaker is not None

    @property
    def is_ill(self) -> bool:
        """Resting, or its next message is the probe."""
        return self._breaker is not None and self._breaker.is_open

    @property
    def is_well(self) -> bool:
        """Worth trying as far as is known."""
        return not self.is_ill

    def rests(self, now: float) -> float:
        """Seconds in which it is not to be tried."""
        return self._breaker.remaining(now) if self._breaker is not None else 0.0

    def refusal(self, now: float) -> Transient | None:
        """What a message is answered that comes while it is not to be tried."""
        seconds = self.rests(now)
        return self.excuse(f"for {seconds:.0f} s more") if seconds > 0 else None

    def excuse(self, when: str) -> Transient:
        """The verdict on a message that is not tried because of those before it."""
        return Transient(detail=f"not tried, breaker open {when}: {self.last_failure}")

    def begin_probe(self, now: float) -> None:
        """What is sent next decides whether it is well again."""
        if self._breaker is not None and self._breaker.is_open:
            self._breaker.admits(now)

    def note(self, verdict: Verdict, now: float) -> None:
        """What has come of a call."""
        if self._breaker is None:
            return
        if isinstance(verdict, _FAILURES):
            self.last_failure = verdict.detail or verdict.kind
            self._breaker.failed(now, fatal=isinstance(verdict, EndpointBroken))
        elif isinstance(verdict, RateLimited):
            self._breaker.unproven()
        else:
            self._breaker.succeeded()
