"""The process itself: its restarts, its CPU, its memory."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

_RESTARTS = (
    "Lives of this process after the first since the service was started. Growing: look in the log for why "
    "it ended."
)
_STARTED = "When this life of the process began, in seconds since the epoch. Use time() minus it as uptime."
_CPU = "CPU time used. A rate near 1 is all that one process can use: run more of its kind."
_MEMORY = "Memory in use, of which processes share some. Growing without end: restart it, and report that."
_PINNED = "The CPU that it is pinned to, -1 for none. Two busy processes on one: run fewer."
_THREADS = "Threads. Near processes.max_awake: many actors are awake; they sleep when idle."


class ProcessCollector(Collector):
    """Looks when it is scraped.

    ``started_at`` is seconds since the epoch, ``cpu`` what it is pinned to, if anything.
    """

    def __init__(self, *, restarts: int, started_at: float, cpu: Callable[[], int | None]) -> None:
        self._restarts = restarts
        self._started_at = started_at
        self._cpu = cpu

    def describe(self) -> Iterator[Metric]:
        """Nothing: the names are known without asking."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All of it."""
        cpu = self._cpu()
        yield CounterMetricFamily("pushserver_process_restarts", _RESTARTS, self._restarts)
        yield GaugeMetricFamily("pushserver_process_start_time_seconds", _STARTED, self._started_at)
        yield CounterMetricFamily("pushserver_process_cpu_seconds", _CPU, time.process_time())
        yield GaugeMetricFamily("pushserver_process_resident_memory_bytes", _MEMORY, resident_memory())
        yield GaugeMetricFamily("pushserver_process_pinned_cpu", _PINNED, -1 if cpu is None else cpu)
        yield GaugeMetricFamily("pushserver_process_threads", _THREADS, threading.active_count())


def resident_memory() -> int:
    """Bytes of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
