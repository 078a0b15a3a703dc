"""How endpoints stand that may not be used as one likes: budgets, who waits for them, breakers."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pushserver.domain import PlatformName

_BUDGET: Final = (
    "Sends that an endpoint's rate still permits now, without a series for one without a rate; of several "
    "endpoints the fewest. At 0 for long: its robot takes less than comes in; give the channel more robots."
)
_WAITING: Final = (
    "Messages that wait for the budget of an endpoint, or for the end of a vendor's rest. Growing: the "
    "channel needs more robots, or digests."
)
_BREAKER: Final = (
    "1 while an endpoint is not tried because it failed again and again, else 0; of several, how many. At 1 "
    "for minutes: the list of actors has its last failure."
)


@dataclass(frozen=True, slots=True)
class EndpointFigures:
    """One endpoint at one moment; ``actor`` is its address within the process."""

    actor: str
    platform: PlatformName
    budget_left: int | None
    waiting: int
    breaker_open: bool


class BurstCollector(Collector):
    """Looks at the endpoints when it is scraped; without ``per_actor`` there is one series a platform."""

    def __init__(self, figures: Callable[[], Iterable[EndpointFigures]], *, per_actor: bool) -> None:
        self._figures = figures
        self._per_actor = per_actor

    def describe(self) -> Iterator[Metric]:
        """Nothing: the names are known without asking."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All of it, from one look."""
        labels = ("platform", "actor") if self._per_actor else ("platform",)
        budget = GaugeMetricFamily("pushserver_endpoint_budget_left", _BUDGET, labels=labels)
        waiting = GaugeMetricFamily("pushserver_endpoint_waiting_messages", _WAITING, labels=labels)
        breaker = GaugeMetricFamily("pushserver_endpoint_breaker_open", _BREAKER, labels=labels)
        for series, endpoints in self._grouped().items():
            left = [figures.budget_left for figures in endpoints if figures.budget_left is not None]
            if left:
                budget.add_metric(series, min(left))
            waiting.add_metric(series, sum(figures.waiting for figures in endpoints))
            breaker.add_metric(series, sum(figures.breaker_open for figures in endpoints))
        yield from (budget, waiting, breaker)

    def _grouped(self) -> dict[tuple[str, ...], Sequence[EndpointFigures]]:
        grouped: dict[tuple[str, ...], list[EndpointFigures]] = defaultdict(list)
        for figures in self._figures():
            platform = figures.platform.value
            grouped[(platform, figures.actor) if self._per_actor else (platform,)].append(figures)
        return {**grouped}
