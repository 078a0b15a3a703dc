"""What is computed when it is scraped: the queue and the process."""

import os
import time

from prometheus_client import CollectorRegistry, generate_latest

from pushserver.domain import StoreUnavailable
from pushserver.metrics import ProcessCollector, QueueCollector
from pushserver.metrics.process import resident_memory
from tests.metrics.series import samples

MIB = 1024 * 1024


def collector(cpu: int | None) -> ProcessCollector:
    return ProcessCollector(restarts=3, started_at=1_704_110_400.5, cpu=lambda: cpu)


def test_the_queue_is_read_anew_at_every_scrape() -> None:
    lengths = iter([4, 9])
    queue = QueueCollector(lambda: next(lengths), capacity=10_000)
    assert samples(queue.collect()) == {
        ("pushserver_queue_tasks", ()): 4,
        ("pushserver_queue_capacity_tasks", ()): 10_000,
    }
    assert samples(queue.collect())["pushserver_queue_tasks", ()] == 9


def test_a_store_that_cannot_say_makes_no_queue_of_0() -> None:
    def outage() -> int:
        raise StoreUnavailable("locked")

    registry = CollectorRegistry()
    registry.register(QueueCollector(outage, capacity=5))
    lines = generate_latest(registry).decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["pushserver_queue_capacity_tasks 5.0"]


def test_a_process_shows_what_it_was_told_and_what_it_uses() -> None:
    seen = samples(collector(cpu=1).collect())
    assert seen["pushserver_process_restarts_total", ()] == 3
    assert seen["pushserver_process_start_time_seconds", ()] == 1_704_110_400.5
    assert seen["pushserver_process_pinned_cpu", ()] == 1
    assert seen["pushserver_process_threads", ()] >= 1
    assert 0 < seen["pushserver_process_cpu_seconds_total", ()] <= time.process_time()


def test_a_process_that_is_not_pinned_says_minus_1() -> None:
    assert samples(collector(cpu=None).collect())["pushserver_process_pinned_cpu", ()] == -1


def test_resident_memory_grows_with_what_is_used() -> None:
    before = resident_memory()
    used = bytearray(os.urandom(1)) * (64 * MIB)
    assert resident_memory() - before > 32 * MIB
    assert len(used) == 64 * MIB
