"""``GET /api/v1/actors`` and ``POST /api/v1/actors/restart`` over WSGI: what is asked for, what is shown."""

import json
from dataclasses import replace
from typing import Any

import pytest
from falcon import testing

from actors import ActorNotFound, ActorStatus, Address, State
from pushserver.api import ActorPage, ActorQuery, ActorView, CannotRestart, NotRestarted
from tests.api.api_parts import Parts

ACTORS = "/api/v1/actors"
RESTART = "/api/v1/actors/restart"

STUCK = ActorStatus(
    address=Address("delivery-0", ("recipients", "ops_alert", "feishu", "主告警/机器人")),
    kind="endpoint",
    state=State.STUCK,
    mailbox=3,
    processed=120,
    failures=2,
    restarts=1,
    last_error="ActorFailed: busy with one message for more than 13 s",
    last_error_at=1_704_110_400.75,
    busy_for=13.123456,
    uptime=3600.0004,
    oldest=9.0,
    busy_seconds=40.0,
)
HEALTHY = replace(
    STUCK, state=State.RUNNING, failures=0, restarts=0, last_error="", last_error_at=None, busy_for=0.0
)


def get(client: testing.TestClient, query: str = "") -> Any:
    return client.simulate_get(ACTORS, query_string=query)


def test_an_actor_is_shown_with_every_field(client: testing.TestClient, parts: Parts) -> None:
    parts.actors.shown = ActorPage(7, (ActorView(STUCK, 4711),))
    result = get(client)
    assert result.status_code == 200
    assert result.json == {
        "code": 200,
        "message": "获取Actor状态成功",
        "data": {
            "actors": [
                {
                    "address": "/delivery-0/recipients/ops_alert/feishu/主告警%2F机器人",
                    "kind": "endpoint",
                    "state": "stuck",
                    "process": "delivery-0",
                    "pid": 4711,
                    "mailbox": 3,
                    "processed": 120,
                    "failures": 2,
                    "restarts": 1,
                    "last_error": "ActorFailed: busy with one message for more than 13 s",
                    "last_error_at": "2024-01-01T12:00:00Z",
                    "busy_for": 13.123,
                    "uptime": 3600.0,
                    "note": None,
                }
            ],
            "pagination": {"total": 7, "limit": 50, "offset": 0, "count": 1},
        },
    }


def test_what_there_is_not_is_null(client: testing.TestClient, parts: Parts) -> None:
    parts.actors.shown = ActorPage(1, (ActorView(HEALTHY, None),))
    (shown,) = get(client).json["data"]["actors"]
    assert (shown["pid"], shown["last_error"], shown["last_error_at"]) == (None, None, None)


def test_nobody_is_an_empty_list(client: testing.TestClient) -> None:
    assert get(client).json["data"] == {
        "actors": [],
        "pagination": {"total": 0, "limit": 50, "offset": 0, "count": 0},
    }


def test_processes_that_are_silent_and_lists_that_are_not_complete_are_reported(
    client: testing.TestClient, parts: Parts
) -> None:
    parts.actors.shown = ActorPage(9, (), silent={"delivery-1": "is not there"}, complete=False)
    data = get(client).json["data"]
    assert data["silent"] == {"delivery-1": "is not there"}
    assert data["pagination"] == {"total": 9, "limit": 50, "offset": 0, "count": 0, "complete": False}


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", ActorQuery()),
        ("state=&kind=&recipient=&address=&limit=&offset=", ActorQuery()),
        ("state=sleeping", ActorQuery(state=State.SLEEPING)),
        ("state=restarting&kind=endpoint", ActorQuery(state=State.RESTARTING, kind="endpoint")),
        ("recipient=ops%20alert", ActorQuery(recipient="ops alert")),
        ("address=%2Fdelivery-0%2Frecipients%2F%E4%B8%BB", ActorQuery(address="/delivery-0/recipients/主")),
        ("limit=1000&offset=0", ActorQuery(limit=1000)),
        ("limit=1&offset=123456789012345678", ActorQuery(limit=1, offset=123456789012345678)),
        ("colour=red", ActorQuery()),
    ],
)
def test_parameters_are_read(client: testing.TestClient, parts: Parts, query: str, asked: ActorQuery) -> None:
    assert get(client, query).status_code == 200
    assert parts.actors.queries == [asked]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "state=ill",
            "state 只支持 running, restarting, stuck, stopped, sleeping，收到的是 ill",
        ),
        ("state=Running", "state 只支持 running, restarting, stuck, stopped, sleeping，收到的是 Running"),
        ("limit=0", "limit 必须是1 到 1000 的整数，收到的是 0"),
        ("limit=1001", "limit 必须是1 到 1000 的整数，收到的是 1001"),
        ("limit=+5", "limit 必须是1 到 1000 的整数，收到的是  5"),
        ("limit=5.0", "limit 必须是1 到 1000 的整数，收到的是 5.0"),
        ("limit=%D9%A3", "limit 必须是1 到 1000 的整数，收到的是 ٣"),
        ("offset=-1", "offset 必须是不小于 0 的整数，收到的是 -1"),
        ("offset=1e3", "offset 必须是不小于 0 的整数，收到的是 1e3"),
        (f"offset={'9' * 70}", f"offset 必须是不小于 0 的整数，收到的是 {'9' * 64}…"),
        ("limit=1&limit=2", "limit 只能出现一次"),
        ("stat=stuck", "stat 是未知参数，是否想写 state？"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    client: testing.TestClient, parts: Parts, query: str, message: str
) -> None:
    result = get(client, query)
    assert (result.status_code, result.json) == (400, {"code": 400, "message": f"请求参数错误: {message}"})
    assert parts.actors.queries == []


def test_an_address_where_nobody_can_be_is_404_with_near_names(
    client: testing.TestClient, parts: Parts
) -> None:
    parts.actors.trouble = ActorNotFound("/delivery-0/recipients/ops_alrt", ["ops_alert"])
    for result in (
        get(client, "address=recipients/ops_alrt"),
        client.simulate_post(RESTART, json={"address": "recipients/ops_alrt"}),
    ):
        assert result.status_code == 404
        assert result.json == {
            "code": 404,
            "message": "Actor不存在",
            "data": {"address": "recipients/ops_alrt", "near": ["ops_alert"]},
        }


def test_without_near_names_none_are_shown(client: testing.TestClient, parts: Parts) -> None:
    parts.actors.trouble = ActorNotFound("/x")
    assert get(client, "address=/x").json["data"] == {"address": "/x"}


def test_a_restart_says_what_and_how_often(client: testing.TestClient, parts: Parts) -> None:
    parts.actors.restarts = 4
    result = client.simulate_post(RESTART, json={"address": "/delivery-0/recipients/ops_alert"})
    assert result.status_code == 200
    assert result.json == {
        "code": 200,
        "message": "Actor已重启",
        "data": {"address": "/delivery-0/recipients/ops_alert", "restarts": 4},
    }
    assert parts.actors.restarted == ["/delivery-0/recipients/ops_alert"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "请求参数错误: 请求体为空，需要JSON对象"),
        (b"{", "请求参数错误: 请求体不是有效的JSON"),
        (b"[]", '请求参数错误: 需要JSON对象，如 {"address": "/delivery-0/recipients/ops"}'),
        (b"{}", "请求参数错误: address 缺少必填字段"),
        (b'{"adress": "/x"}', "请求参数错误: address 缺少必填字段（收到了 adress，是否想写 address？）"),
        (b'{"address": ""}', "请求参数错误: address 必须是非空字符串"),
        (b'{"address": "  "}', "请求参数错误: address 必须是非空字符串"),
        (b'{"address": 5}', "请求参数错误: address 必须是非空字符串"),
        (b'{"address": null}', "请求参数错误: address 必须是非空字符串"),
    ],
)
def test_a_restart_of_nothing_is_refused(
    client: testing.TestClient, parts: Parts, body: bytes, message: str
) -> None:
    result = client.simulate_post(RESTART, body=body)
    assert result.status_code == 400
    assert result.json["message"].startswith(message)
    assert parts.actors.restarted == []


def test_the_whole_service_is_not_restarted_by_itself(client: testing.TestClient, parts: Parts) -> None:
    parts.actors.trouble = CannotRestart("/main-0 是整个服务")
    result = client.simulate_post(RESTART, json={"address": "/main-0"})
    assert (result.status_code, result.json["message"]) == (400, "请求参数错误: address /main-0 是整个服务")


def test_an_actor_that_does_not_come_back_in_time_is_503_with_the_reason(
    client: testing.TestClient, parts: Parts
) -> None:
    parts.actors.trouble = NotRestarted("delivery-0 is not there")
    result = client.simulate_post(RESTART, json={"address": "/delivery-0/store"})
    assert result.status_code == 503
    assert result.json == {"code": 503, "message": "Actor未能及时重启", "error": "delivery-0 is not there"}


def test_methods_are_those_of_the_contract(client: testing.TestClient) -> None:
    assert client.simulate_post(ACTORS).status_code == 405
    assert client.simulate_get(RESTART).status_code == 405
    assert client.simulate_head(ACTORS).status_code == 200


@pytest.mark.parametrize("address", ["\ud800", "\0", "/%00", "../..", "a" * 10_000])
def test_any_text_may_stand_for_an_address(client: testing.TestClient, parts: Parts, address: str) -> None:
    parts.actors.trouble = ActorNotFound(address)
    assert client.simulate_post(RESTART, body=json.dumps({"address": address})).status_code == 404
