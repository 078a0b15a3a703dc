"""The two routes of ``/api/v1/smtp-relay``."""

import pytest
from falcon import testing

from pushserver.api import AccountFigures, RelayOverview, RelayStatus
from pushserver.api.relay import success_rate
from pushserver.domain import StoreUnavailable
from tests.api.api_parts import Parts

STATUS, STATISTICS = "/api/v1/smtp-relay/status", "/api/v1/smtp-relay/statistics"


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (RelayStatus.RUNNING, "运行中"),
        (RelayStatus.STOPPED, "已停止"),
        (RelayStatus.DISABLED, "未启用"),
        (RelayStatus.FAULTY, "异常"),
    ],
)
def test_the_status_is_shown_as_the_seed_shows_it(
    client: testing.TestClient, parts: Parts, status: RelayStatus, word: str
) -> None:
    parts.relay.shown = RelayOverview(
        enabled=True, status=status, port=2525, accounts_count=2, active_connections=3
    )
    assert client.simulate_get(STATUS).json == {
        "code": 200,
        "message": "获取SMTP中继状态成功",
        "data": {
            "enabled": True,
            "status": word,
            "port": 2525,
            "accounts_count": 2,
            "active_connections": 3,
        },
    }


def test_the_statistics_are_those_of_the_seeds_example(client: testing.TestClient, parts: Parts) -> None:
    parts.relay.figures = [
        AccountFigures("Gmail账户1", "smtp.gmail.com", 587, "noreply1@example.com", True, 150, 2)
    ]
    assert client.simulate_get(STATISTICS).json == {
        "code": 200,
        "message": "获取SMTP中继统计信息成功",
        "data": {
            "statistics": {
                "accounts": [
                    {
                        "name": "Gmail账户1",
                        "host": "smtp.gmail.com",
                        "port": 587,
                        "from": "noreply1@example.com",
                        "enabled": True,
                        "sent_count": 150,
                        "failed_count": 2,
                    }
                ],
                "total_sent": 150,
                "total_failed": 2,
                "success_rate": 98.7,
            }
        },
    }


def test_without_accounts_there_is_nothing_to_add_up(client: testing.TestClient) -> None:
    assert client.simulate_get(STATISTICS).json["data"]["statistics"] == {
        "accounts": [],
        "total_sent": 0,
        "total_failed": 0,
        "success_rate": 100.0,
    }


@pytest.mark.parametrize(
    ("sent", "failed", "rate"), [(0, 0, 100.0), (0, 1, 0.0), (1, 0, 100.0), (2, 1, 66.7), (150, 2, 98.7)]
)
def test_the_success_rate_is_percent_with_one_decimal(sent: int, failed: int, rate: float) -> None:
    assert success_rate(sent, failed) == rate


def test_figures_that_cannot_be_read_are_a_503(client: testing.TestClient, parts: Parts) -> None:
    parts.relay.trouble = StoreUnavailable("the disk is full")
    answer = client.simulate_get(STATISTICS)
    assert (answer.status_code, answer.json["message"]) == (503, "服务繁忙，请稍后重试")


@pytest.mark.parametrize("path", [STATUS, STATISTICS])
def test_other_methods_are_refused(client: testing.TestClient, path: str) -> None:
    assert client.simulate_head(path).status_code == 200
    answer = client.simulate_post(path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
