from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from pushserver.domain import (
    VERDICTS,
    Attempt,
    Delivered,
    EndpointBroken,
    PlatformName,
    Push,
    Strategy,
    Target,
    Task,
    TaskStatus,
    Verdict,
)
from pushserver.metrics import DeliveryMetrics, Failover
from tests.metrics.series import count_series, samples

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
TASK = Task("task_1", "ops", Strategy.MIXED, None, Push("T", "M"), NOON)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> DeliveryMetrics:
    return DeliveryMetrics(registry)


def attempt(verdict: Verdict, duration: float, *, fallback: bool = False) -> Attempt:
    platform = PlatformName.SYSTEM if fallback else PlatformName.FEISHU
    return Attempt("task_1", Target(platform, "a"), 1, 1, verdict, NOON, duration, fallback)


def test_an_attempt_is_counted_and_timed(registry: CollectorRegistry, metrics: DeliveryMetrics) -> None:
    metrics.attempt(attempt(Delivered(), 0.3))
    metrics.attempt(attempt(EndpointBroken(), 7.0))
    seen = samples(registry)
    assert seen["pushserver_attempts_total", ("feishu", "delivered")] == 1
    assert seen["pushserver_attempts_total", ("feishu", "endpoint_broken")] == 1
    assert seen["pushserver_attempt_seconds_count", ("feishu",)] == 2
    assert seen["pushserver_attempt_seconds_sum", ("feishu",)] == pytest.approx(7.3)
    assert ("pushserver_attempt_seconds_bucket", ("feishu", "0.2")) not in seen
    assert seen["pushserver_attempt_seconds_bucket", ("feishu", "0.4")] == 1
    assert seen["pushserver_attempt_seconds_bucket", ("feishu", "10.0")] == 2


def test_an_attempt_that_reached_nobody_has_no_latency(
    registry: CollectorRegistry, metrics: DeliveryMetrics
) -> None:
    metrics.attempt(attempt(EndpointBroken(), 0.0))
    assert samples(registry) == {("pushserver_attempts_total", ("feishu", "endpoint_broken")): 1}


def test_the_last_line_of_defence_is_counted_apart(
    registry: CollectorRegistry, metrics: DeliveryMetrics
) -> None:
    metrics.attempt(attempt(Delivered(), 0.3, fallback=True))
    assert samples(registry) == {("pushserver_fallback_notices_total", ("delivered",)): 1}


def test_an_end_is_counted_and_timed_from_the_acceptance(
    registry: CollectorRegistry, metrics: DeliveryMetrics
) -> None:
    metrics.ended(TASK, TaskStatus.FAILED, NOON + timedelta(seconds=40))
    seen = samples(registry)
    assert seen["pushserver_tasks_ended_total", ("mixed", "failed")] == 1
    assert seen["pushserver_task_seconds_sum", ("mixed",)] == 40
    assert seen["pushserver_task_seconds_bucket", ("mixed", "60.0")] == 1


def test_a_clock_that_was_set_back_takes_nothing_off_the_sum(
    registry: CollectorRegistry, metrics: DeliveryMetrics
) -> None:
    metrics.ended(TASK, TaskStatus.COMPLETED, NOON - timedelta(hours=1))
    assert ("pushserver_task_seconds_sum", ("mixed",)) not in samples(registry)


def test_failovers_and_rounds_are_counted(registry: CollectorRegistry, metrics: DeliveryMetrics) -> None:
    metrics.failover(Failover.ENDPOINT, 2)
    metrics.failover(Failover.CHANNEL, 1)
    metrics.failover(Failover.CHANNEL, 0)
    metrics.round(Strategy.ALL)
    assert samples(registry) == {
        ("pushserver_failovers_total", ("endpoint",)): 2,
        ("pushserver_failovers_total", ("channel",)): 1,
        ("pushserver_retry_rounds_total", ("all",)): 1,
    }


def test_every_verdict_and_end_has_its_series_from_the_start(
    registry: CollectorRegistry, metrics: DeliveryMetrics
) -> None:
    for kind in VERDICTS:
        verdict = Delivered() if kind == "delivered" else EndpointBroken()
        metrics.attempt(attempt(verdict, 0.0))
    assert count_series(registry) == (
        5 * 7  # attempts
        + 5 * (11 + 1 + 2)  # their seconds: buckets, infinity, sum and count
        + 5 * 2  # ends
        + 5 * (12 + 1 + 2)  # their seconds
        + 2  # failovers
        + 5  # rounds
        + 7  # notices
        + 2 * 5  # digests, and their messages
    )
