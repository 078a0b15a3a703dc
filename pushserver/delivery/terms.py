"""The terms on which an endpoint is used: how often, how long messages wait for that, and when it rests."""

from dataclasses import dataclass

from pushserver.config import Rate
from pushserver.domain.breaker import BreakerRules


@dataclass(frozen=True, slots=True)
class DigestRules:
    """Messages that wait for budget become one, after ``after`` seconds or when more than ``over`` wait."""

    after: float = 3.0
    over: int = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """Of one endpoint.

    Without ``rates`` it is used as often as there is something to send. ``reserve`` is the share (0..1) of
    each rate that only errors may use. A message waits for budget at most ``max_wait`` seconds. Without
    ``digest`` messages are never merged, without ``breaker`` an endpoint that fails is tried every time.
    """

    rates: tuple[Rate, ...] = ()
    reserve: float = 0.0
    max_wait: float = 3600.0
    digest: DigestRules | None = None
    breaker: BreakerRules | None = None
