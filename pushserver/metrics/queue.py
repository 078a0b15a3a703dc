"""The queue: accepted pushes whose fate is not decided."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from pushserver.domain import PushServerError


class QueueCollector(Collector):
    """Reads the queue when it is scraped; it is one for all processes, so that one of them shows it.

    ``unfinished`` counts it; while the store cannot say, there is no sample rather than a wrong one.
    """

    def __init__(self, unfinished: Callable[[], int], capacity: int) -> None:
        self._unfinished = unfinished
        self._capacity = capacity

    def describe(self) -> Iterator[Metric]:
        """Nothing: the names are known without asking."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """How many there are, and how many there may be."""
        tasks = GaugeMetricFamily(
            "pushserver_queue_tasks",
            "Accepted pushes whose fate is not decided. Growing: attempts fail or are slow; at capacity "
            "pushes are refused with 503.",
        )
        with suppress(PushServerError):  # refusals and /health tell of the outage
            tasks.add_metric((), self._unfinished())
        yield tasks
        yield GaugeMetricFamily(
            "pushserver_queue_capacity_tasks",
            "queue.buffer_size. Raise it if the queue fills up and everything else is well.",
            self._capacity,
        )
