"""Counting is on the way of every push: at most 3 µs an event, where the machine is not shared."""

import timeit
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from pushserver.domain import Attempt, Delivered, PlatformName, Push, Strategy, Target, Task, TaskStatus
from pushserver.metrics import DeliveryMetrics, DoorMetrics, Failover

pytestmark = pytest.mark.alone

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
TASK = Task("task_1", "ops", Strategy.MIXED, None, Push("T", "M"), NOON)
ATTEMPT = Attempt("task_1", Target(PlatformName.FEISHU, "a"), 1, 1, Delivered(), NOON, 4.0)
DELIVERY = DeliveryMetrics(CollectorRegistry())
DOOR = DoorMetrics(CollectorRegistry())
ROUNDS = 2_000
LIMIT = 10e-6
"""Seconds: room for a machine that does other things meanwhile; an event ten times as dear shows."""


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("accepted", lambda: DOOR.accepted([TASK])),
        ("attempt", lambda: DELIVERY.attempt(ATTEMPT)),
        ("ended", lambda: DELIVERY.ended(TASK, TaskStatus.COMPLETED, NOON)),
        ("failover", lambda: DELIVERY.failover(Failover.ENDPOINT, 1)),
    ],
)
def test_an_event_costs_next_to_nothing(name: str, event: Callable[[], None]) -> None:
    best = min(timeit.repeat(event, number=ROUNDS, repeat=15)) / ROUNDS
    assert best < LIMIT, f"{name}: {best * 1e6:.2f} µs; measured 0.5 to 1.8 µs on an idle machine"
