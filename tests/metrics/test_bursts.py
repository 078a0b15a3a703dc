"""Budgets, who waits, and breakers, as a scrape shows them."""

from pushserver.domain import PlatformName
from pushserver.metrics import BurstCollector, EndpointFigures
from tests.metrics.series import samples

FEISHU, DINGTALK = PlatformName.FEISHU, PlatformName.DINGTALK
ENDPOINTS = (
    EndpointFigures("recipients/a/feishu/1", FEISHU, 3, 7, breaker_open=False),
    EndpointFigures("recipients/b/feishu/1", FEISHU, 5, 0, breaker_open=True),
    EndpointFigures("recipients/b/dingtalk/1", DINGTALK, None, 0, breaker_open=True),
)


def seen(*, per_actor: bool) -> dict[tuple[str, tuple[str, ...]], float]:
    return samples(BurstCollector(lambda: ENDPOINTS, per_actor=per_actor).collect())


def test_each_endpoint_has_its_series() -> None:
    assert seen(per_actor=True) == {
        ("pushserver_endpoint_budget_left", ("feishu", "recipients/a/feishu/1")): 3,
        ("pushserver_endpoint_budget_left", ("feishu", "recipients/b/feishu/1")): 5,
        ("pushserver_endpoint_waiting_messages", ("feishu", "recipients/a/feishu/1")): 7,
        ("pushserver_endpoint_breaker_open", ("feishu", "recipients/b/feishu/1")): 1,
        ("pushserver_endpoint_breaker_open", ("dingtalk", "recipients/b/dingtalk/1")): 1,
    }


def test_a_large_installation_has_one_a_platform() -> None:
    assert seen(per_actor=False) == {
        ("pushserver_endpoint_budget_left", ("feishu",)): 3,
        ("pushserver_endpoint_waiting_messages", ("feishu",)): 7,
        ("pushserver_endpoint_breaker_open", ("feishu",)): 1,
        ("pushserver_endpoint_breaker_open", ("dingtalk",)): 1,
    }


def test_an_endpoint_without_a_rate_has_no_budget() -> None:
    (budget, *_) = BurstCollector(lambda: ENDPOINTS, per_actor=True).collect()
    assert [sample.labels["platform"] for sample in budget.samples] == ["feishu", "feishu"]
