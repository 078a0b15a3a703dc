"""The metrics of all processes as one page: each family once, every sample with its ``process``."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from actors.operator import CollectMetrics
from pushserver.service.census import Census, Silence

Families = Iterable[Metric]


class Scrape(Collector):
    """Asks every process when it is asked; one that does not answer shows as not up."""

    def __init__(self, census: Census) -> None:
        self._census = census

    def page(self) -> bytes:
        """In Prometheus' text format 0.0.4."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def describe(self) -> Iterator[Metric]:
        """Nothing: the names are known without asking."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families of all processes."""
        answers: Mapping[str, Families | Silence] = self._census.ask_all(CollectMetrics())
        yield _up(answers)
        joined: dict[str, Metric] = {}
        for process, families in answers.items():
            for family in () if isinstance(families, Silence) else families:
                _add(joined, process, family)
        yield from joined.values()


def _up(answers: Mapping[str, Families | Silence]) -> Metric:
    up = GaugeMetricFamily(
        "pushserver_process_up",
        "1 if the process answered within a second, else 0. At 0 for minutes: look at its restarts and log.",
        labels=("process",),
    )
    for process, answer in answers.items():
        up.add_metric((process,), 0 if isinstance(answer, Silence) else 1)
    return up


def _add(joined: dict[str, Metric], process: str, family: Metric) -> None:
    """Without the times at which series were made: the process's start says as much, with half the series."""
    target = joined.setdefault(family.name, Metric(family.name, family.documentation, family.type))
    for sample in family.samples:
        if not sample.name.endswith("_created"):
            target.samples.append(sample._replace(labels={"process": process, **sample.labels}))
