from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import MailBacklog, MailError, MailErrorKind, MailReceipt, MailRefusal
from pushserver.metrics import RelayCollector, RelayMetrics
from tests.metrics.series import count_series, samples

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ANN = "ann@corp.example"


@dataclass
class SomeTally:
    connections: int = 3
    connected: int = 40
    turned_away: int = 2
    auth_failures: int = 5
    accepted: int = 30
    duplicates: int = 1
    refused: int = 4


def collector(backlog: MailBacklog | Exception) -> RelayCollector:
    def look() -> MailBacklog:
        if isinstance(backlog, Exception):
            raise backlog
        return backlog

    return RelayCollector(
        tally=SomeTally(), backlog=look, resting=lambda: {"a": True, "b": False}, now=lambda: NOON
    )


@pytest.mark.parametrize(
    ("receipt", "result"),
    [
        (MailReceipt("a", accepted=(ANN,)), "delivered"),
        (MailReceipt("a", accepted=(ANN,), refused={"bob@x.example": MailRefusal(550, "no")}), "delivered"),
        (MailReceipt("a", refused={ANN: MailRefusal(550, "no")}), "refused"),
        (MailReceipt("a", error=MailError(MailErrorKind.UNREACHABLE)), "unreachable"),
        (MailReceipt("a", error=MailError(MailErrorKind.UNCERTAIN)), "uncertain"),
    ],
)
def test_submissions_are_counted_by_account_and_result(receipt: MailReceipt, result: str) -> None:
    registry = CollectorRegistry()
    RelayMetrics(["a", "b"], registry).submitted(receipt, 0.2)
    counted = {key: value for key, value in samples(registry).items() if not key[0].endswith("_bucket")}
    assert counted == {
        ("pushserver_relay_submissions_total", ("a", result)): 1,
        ("pushserver_relay_submission_seconds_count", ("a",)): 1,
        ("pushserver_relay_submission_seconds_sum", ("a",)): 0.2,
    }


def test_every_series_of_every_account_is_there_from_the_start() -> None:
    registry = CollectorRegistry()
    RelayMetrics(["a", "b"], registry)
    assert count_series(registry) == 2 * (9 + 12 + 2)


def test_an_account_that_is_new_is_counted_and_the_others_keep_their_counts() -> None:
    registry = CollectorRegistry()
    metrics = RelayMetrics(["a"], registry)
    metrics.submitted(MailReceipt("a", accepted=(ANN,)), 0.2)
    metrics.know(["a", "b"])
    for account in ("a", "b"):
        metrics.submitted(MailReceipt(account, accepted=(ANN,)), 0.2)
    counted = samples(registry)
    assert counted["pushserver_relay_submissions_total", ("a", "delivered")] == 2
    assert counted["pushserver_relay_submissions_total", ("b", "delivered")] == 1


def test_door_queue_and_accounts_are_read_when_they_are_scraped() -> None:
    families = collector(MailBacklog(7, NOON - timedelta(minutes=2), NOON)).collect()
    assert samples(families) == {
        ("pushserver_relay_connections", ()): 3,
        ("pushserver_relay_connections_accepted_total", ()): 40,
        ("pushserver_relay_connections_turned_away_total", ()): 2,
        ("pushserver_relay_auth_failures_total", ()): 5,
        ("pushserver_relay_mails_accepted_total", ()): 30,
        ("pushserver_relay_mails_repeated_total", ()): 1,
        ("pushserver_relay_mails_refused_total", ()): 4,
        ("pushserver_relay_queue_mails", ()): 7,
        ("pushserver_relay_queue_oldest_seconds", ()): 120,
        ("pushserver_relay_account_resting", ("a",)): 1,
    }


def test_an_empty_queue_has_an_age_of_0() -> None:
    (oldest,) = (
        family
        for family in collector(MailBacklog(0)).collect()
        if family.name == "pushserver_relay_queue_oldest_seconds"
    )
    assert [sample.value for sample in oldest.samples] == [0.0]


def test_a_store_that_cannot_say_leaves_no_sample_of_the_queue_and_harms_no_other() -> None:
    families = {family.name: family.samples for family in collector(StoreUnavailable("locked")).collect()}
    assert families["pushserver_relay_queue_mails"] == []
    assert families["pushserver_relay_queue_oldest_seconds"] == []
    assert families["pushserver_relay_connections"] != []
