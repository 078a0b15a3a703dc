"""A real Prometheus with our rules beside a service under load: it scrapes for a minute, in which every
question is answered all the time, and tells of what is killed then."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.monitoring.files import RULES, Panel, alerts, panels, selectors
from tests.monitoring.world import World, world
from tests.system.deadline import until
from tests.system.prometheus import Prometheus, scraping

PATIENCE = 45.0
"""Seconds for a busy machine; a few where it is not."""
MINUTE = 60
"""Seconds of scrapes under load before anything is asked."""
EVERY = 5
"""Seconds from one scrape to the next, and that one may take: a busy machine is no failure."""
SETTLING = 15
"""Seconds of the minute in which everything has to have happened once; two scrapes if nothing is slow."""
UP = 'up{job="pushserver"}'

ONLY_WHILE_IT_LASTS = {
    'pushserver_actor_state{state="stuck"}': "an actor has a series for its state, and for no other",
    'pushserver_actor_state{state="restarting"}': "the same",
}
"""Series that there are only while something is wrong: here it is enough that the others are there."""


CROWDED = {("PushServerMessagesHeldBack", "feishu")}
"""Comes and goes: of a robot that gets more than it may be sent, and sends digests."""
MAY_FOLLOW = {("PushServerPlatformFailing", "feishu")}
"""Of a robot that is killed: pushes that are not tried at it any more count as failures that pass."""


@dataclass(frozen=True)
class Watched:
    world: World
    prometheus: Prometheus


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    directory = tmp_path_factory.mktemp("monitoring")
    rules = directory / "rules.yml"
    rules.write_text(re.sub(r"for: \d+m", "for: 1s", RULES.read_text(encoding="utf-8")), encoding="utf-8")
    (directory / "service").mkdir()
    with (
        world(directory / "service") as beings,
        scraping(beings.server.port, directory / "prometheus", [rules], EVERY) as prometheus,
    ):
        yield Watched(beings, prometheus)


@pytest.fixture(scope="module")
def minute(watched: Watched) -> Prometheus:
    """It, once a minute under load has been scraped: it has to know now, and is not waited for."""
    prometheus = watched.prometheus
    then = f"{UP} offset {MINUTE}s"
    until(lambda: prometheus.values(then), "the first scrape is a minute old", MINUTE + PATIENCE)
    return prometheus


def seconds_without(prometheus: Prometheus, query: str) -> list[int]:
    """How many seconds ago the query had no answer, for each such second of the minute after the settling."""
    answered = prometheus.seconds_answered(query, MINUTE - SETTLING)
    return [ago for ago in range(MINUTE - SETTLING + 1) if ago not in answered]


def test_no_scrape_of_the_minute_is_missing_or_failed(minute: Prometheus) -> None:
    assert minute.values(f"count_over_time({UP}[1h]) >= {MINUTE // EVERY}")
    assert minute.value(f"min_over_time({UP}[1h])") == 1
    assert minute.values(f"increase(pushserver_pushes_accepted_total[{MINUTE}s]) > {MINUTE}"), "under load"


@pytest.mark.parametrize("panel", [*panels()], ids=str)
def test_every_query_of_a_panel_is_answered_all_the_time(panel: Panel, minute: Prometheus) -> None:
    for query in panel.queries:
        assert seconds_without(minute, query) == [], query


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_everything_that_an_alert_looks_at_is_there_all_the_time(
    alert: dict[str, str], minute: Prometheus
) -> None:
    for selector in selectors(alert["expr"]):
        asked = selector.partition("{")[0] if selector in ONLY_WHILE_IT_LASTS else selector
        assert seconds_without(minute, asked) == [], asked


def test_a_second_without_an_answer_would_be_noticed(minute: Prometheus) -> None:
    assert seconds_without(minute, "pushserver_no_such_series") == [*range(MINUTE - SETTLING + 1)]
    now = minute.value("vector(time())")
    long_ago = f"{UP} and on() vector(time()) < {now} - 20"
    assert seconds_without(minute, long_ago)[:20] == [*range(20)]


def test_what_need_not_be_there_is_asked_for_at_all() -> None:
    assert {*ONLY_WHILE_IT_LASTS} <= {one for alert in alerts() for one in selectors(alert["expr"])}


def test_prometheus_can_evaluate_every_rule(watched: Watched) -> None:
    until(lambda: {rule["health"] for rule in watched.prometheus.rules()} == {"ok"}, "all are evaluated")
    assert [rule.get("lastError") for rule in watched.prometheus.rules()] == [None] * len(alerts())


def test_what_is_killed_is_told_of_and_nothing_else(watched: Watched, minute: Prometheus) -> None:
    prometheus = minute
    guesses = {("PushServerRelayLoginsFail", "")}
    calm = "only the guessed passwords are told of"
    until(lambda: prometheus.firing() - CROWDED == guesses, calm, PATIENCE)
    watched.world.kill()
    told = guesses | {
        ("PushServerWebhookBroken", "feishu"),
        ("PushServerEndpointLeftAlone", "feishu"),
        ("PushServerEndpointLeftAlone", "dingtalk"),
        ("PushServerPlatformFailing", "dingtalk"),
        ("PushServerPlatformFailing", "system"),
        ("PushServerRateLimited", "wechat"),
        ("PushServerPushesFailed", ""),
        ("PushServerFallbackNoticesLost", ""),
        ("PushServerMailAccountRefused", "main"),
        ("PushServerMailAccountResting", "main"),
    }
    until(lambda: prometheus.firing() >= told, "all that was killed is told of", PATIENCE)
    assert prometheus.firing() - told <= MAY_FOLLOW | CROWDED
    watched.world.server.kill()
    until(lambda: ("PushServerDown", "") in prometheus.firing(), "the service is down", PATIENCE)
