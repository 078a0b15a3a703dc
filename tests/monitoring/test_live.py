"""A real Prometheus with our rules beside a service under load: every question gets an answer, and what is
killed is told of."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from tests.monitoring.files import RULES, Panel, alerts, panels, selectors
from tests.monitoring.world import World, world
from tests.system.deadline import until
from tests.system.prometheus import Prometheus, scraping

PATIENCE = 45.0
"""Seconds for a busy machine; a few where it is not."""

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
        scraping(beings.server.port, directory / "prometheus", [rules]) as prometheus,
    ):
        yield Watched(beings, prometheus)


def finite(prometheus: Prometheus, query: str) -> bool:
    return any(map(math.isfinite, prometheus.values(query)))


@pytest.mark.parametrize("panel", [*panels()], ids=str)
def test_every_query_of_a_panel_is_answered(panel: Panel, watched: Watched) -> None:
    for query in panel.queries:
        until(partial(finite, watched.prometheus, query), f"{panel} shows {query}", PATIENCE)


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_everything_that_an_alert_looks_at_is_there(alert: dict[str, str], watched: Watched) -> None:
    for selector in selectors(alert["expr"]):
        asked = selector.partition("{")[0] if selector in ONLY_WHILE_IT_LASTS else selector
        until(partial(finite, watched.prometheus, asked), f"there is {asked}", PATIENCE)


def test_what_need_not_be_there_is_asked_for_at_all() -> None:
    assert {*ONLY_WHILE_IT_LASTS} <= {one for alert in alerts() for one in selectors(alert["expr"])}


def test_prometheus_can_evaluate_every_rule(watched: Watched) -> None:
    until(lambda: {rule["health"] for rule in watched.prometheus.rules()} == {"ok"}, "all are evaluated")
    assert [rule.get("lastError") for rule in watched.prometheus.rules()] == [None] * len(alerts())


def test_what_is_killed_is_told_of_and_nothing_else(watched: Watched) -> None:
    prometheus = watched.prometheus
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
