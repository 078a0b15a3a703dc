"""How often a client may come."""

from dataclasses import dataclass

import falcon
import pytest
from falcon import testing
from hypothesis import given
from hypothesis import strategies as st

from pushserver.api.rate_limit import MOST_CLIENTS, RateLimit, client_of
from pushserver.config import AuthSettings, Rate, ServerSettings
from tests.api.guarded import Guarded

ME = "192.0.2.1"


@dataclass
class Watch:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


class Gate:
    """A limit, and clients who knock."""

    def __init__(self, *rates: Rate) -> None:
        self.watch = Watch()
        self.limit = RateLimit(rates, self.watch)

    def refused(self, client: str = ME, path: str = "/api/v1/push") -> str | None:
        """``Retry-After``, or ``None`` where the client may pass."""
        request = testing.create_req(path=path, remote_addr=client)
        try:
            self.limit.process_request(request, falcon.Response())
        except falcon.HTTPTooManyRequests as refusal:
            return dict(refusal.headers or {})["Retry-After"]
        return None

    def passes(self, times: int, client: str = ME) -> list[bool]:
        return [self.refused(client) is None for _ in range(times)]


def test_a_client_may_come_that_often_at_once_and_then_at_an_even_pace() -> None:
    gate = Gate(Rate(3, 60.0))
    assert gate.passes(4) == [True, True, True, False]
    gate.watch.now += 19.9
    assert gate.refused() == "1"
    gate.watch.now += 0.1
    assert gate.passes(2) == [True, False]
    gate.watch.now += 60.0
    assert gate.passes(4) == [True, True, True, False]


def test_all_rates_hold_at_once() -> None:
    gate = Gate(Rate(2, 1.0), Rate(3, 60.0))
    assert gate.passes(3) == [True, True, False]
    gate.watch.now += 1.0
    assert gate.passes(2) == [True, False]
    assert gate.refused() == "19"


def test_a_refused_request_costs_nothing() -> None:
    gate = Gate(Rate(1, 10.0))
    assert gate.passes(50) == [True] + [False] * 49
    gate.watch.now += 10.0
    assert gate.refused() is None


def test_clients_have_a_share_each() -> None:
    gate = Gate(Rate(1, 10.0))
    assert gate.passes(2) == [True, False]
    assert gate.passes(2, "192.0.2.2") == [True, False]


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("no:address", "no:address"),
    ],
)
def test_of_ipv6_the_network_is_the_client(address: str, client: str) -> None:
    assert client_of(address) == client


def test_probes_of_the_health_are_free() -> None:
    gate = Gate(Rate(1, 10.0))
    assert [gate.refused(path="/health") for _ in range(5)] == [None] * 5


def test_those_who_were_quiet_longest_are_forgotten() -> None:
    gate = Gate(Rate(1, 3600.0))
    for number in range(MOST_CLIENTS + 1):
        gate.refused(f"client-{number}")
    assert gate.passes(1, f"client-{MOST_CLIENTS}") == [False]
    assert gate.passes(1, "client-0") == [True]


@given(st.lists(st.floats(0.0, 3.0), max_size=200))
def test_in_no_window_are_there_more_than_twice_the_count(pauses: list[float]) -> None:
    gate, passed = Gate(Rate(5, 10.0)), []
    for pause in pauses:
        gate.watch.now += pause
        if gate.refused() is None:
            passed.append(gate.watch.now)
    for begin in passed:
        assert sum(begin <= moment < begin + 10.0 for moment in passed) <= 10


def test_the_answer_is_429_in_the_envelope() -> None:
    api = Guarded(rate_limit="1/h")
    assert api("GET", "/api/v1/notifications").status_code == 200
    result = api("GET", "/nowhere")
    assert result.json == {
        "code": 429,
        "message": "请求过于频繁，请稍后重试",
        "error": "超过了每个客户端的请求频率（server.rate_limit）",
    }
    assert result.headers["retry-after"] == "3600"


def test_another_limit_comes_into_effect_while_the_door_is_open() -> None:
    api = Guarded(rate_limit="1/h")
    api("GET", "/nowhere")
    api.safeguards.apply(ServerSettings(rate_limit="2/h"), AuthSettings())
    statuses = [api("GET", "/nowhere").status_code for _ in range(3)]
    api.safeguards.apply(ServerSettings(), AuthSettings())
    assert [*statuses, api("GET", "/nowhere").status_code] == [404, 404, 429, 404]


def test_the_same_limit_again_forgives_nobody() -> None:
    api = Guarded(rate_limit="1/h")
    api("GET", "/nowhere")
    api.safeguards.apply(ServerSettings(rate_limit="1/h"), AuthSettings())
    assert api("GET", "/nowhere").status_code == 429
