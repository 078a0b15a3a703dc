from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from pushserver.domain import PlatformName, Push, Strategy, Task
from pushserver.metrics import DoorMetrics, Refusal
from tests.metrics.series import count_series, samples


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def a_task(strategy: Strategy, platform: PlatformName | None = None) -> Task:
    return Task("task_1", "ops", strategy, platform, Push("T", "M"), datetime(2026, 1, 2, tzinfo=UTC))


def test_accepted_pushes_are_counted_by_strategy(registry: CollectorRegistry) -> None:
    door = DoorMetrics(registry)
    door.accepted([a_task(Strategy.ALL), a_task(Strategy.ALL)])
    door.accepted([a_task(Strategy.PLATFORM, PlatformName.EMAIL)])
    assert samples(registry) == {
        ("pushserver_pushes_accepted_total", ("all",)): 2,
        ("pushserver_pushes_accepted_total", ("platform",)): 1,
    }


def test_refused_pushes_are_counted_by_reason(registry: CollectorRegistry) -> None:
    door = DoorMetrics(registry)
    door.refused(Refusal.QUEUE_FULL, 7)
    door.refused(Refusal.RECIPIENT)
    assert samples(registry) == {
        ("pushserver_pushes_refused_total", ("queue_full",)): 7,
        ("pushserver_pushes_refused_total", ("recipient",)): 1,
    }


def test_every_series_is_there_before_its_first_event(registry: CollectorRegistry) -> None:
    DoorMetrics(registry)
    assert count_series(registry) == len(Strategy) + len(Refusal)
