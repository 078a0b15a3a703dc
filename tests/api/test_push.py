"""``POST /api/v1/push`` over WSGI: what is stored, what is answered."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from falcon import testing

from pushserver.api import create_app
from pushserver.domain import (
    Level,
    PlatformName,
    Push,
    QueueFull,
    StoreUnavailable,
    Strategy,
    Style,
    Task,
    new_task_id,
)
from tests.api.api_parts import NOON, Parts, push_body

PUSH = "/api/v1/push"


def test_an_accepted_push_is_stored_before_its_id_is_answered(
    client: testing.TestClient, parts: Parts
) -> None:
    result = client.simulate_post(PUSH, json=push_body())
    assert result.status_code == 200
    assert result.json == {
        "code": 200,
        "message": "推送任务已提交",
        "data": {"task_id": "task_20240101_120000_000000000000"},
    }
    assert parts.commits == [
        (
            Task(
                id="task_20240101_120000_000000000000",
                recipient="ops_alert",
                strategy=Strategy.ALL,
                platform=None,
                push=Push("标题", "内容", Level.ERROR, Style.CARD),
                created_at=NOON,
            ),
        )
    ]


def test_a_push_by_platform_is_stored_as_such(client: testing.TestClient, parts: Parts) -> None:
    client.simulate_post(PUSH, json=push_body(platform="feishu"))
    [[task]] = parts.commits
    assert (task.strategy, task.platform) == (Strategy.PLATFORM, PlatformName.FEISHU)


def test_answers_are_real_utf_8(client: testing.TestClient) -> None:
    result = client.simulate_post(PUSH, json=push_body())
    assert result.headers["content-type"] == "application/json; charset=utf-8"
    assert "推送任务已提交".encode() in result.content


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""]
)
def test_the_content_type_is_not_looked_at(client: testing.TestClient, kind: str) -> None:
    body = json.dumps(push_body()).encode()
    assert client.simulate_post(PUSH, body=body, headers={"Content-Type": kind}).status_code == 200


def test_a_byte_order_mark_does_no_harm(client: testing.TestClient) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(push_body()).encode()
    assert client.simulate_post(PUSH, body=body).status_code == 200


def test_a_refusal_names_every_field_and_stores_nothing(client: testing.TestClient, parts: Parts) -> None:
    result = client.simulate_post(PUSH, json=push_body(type="fatal", recipient_alias="ghost"))
    assert result.status_code == 400
    assert result.json == {
        "code": 400,
        "message": "无效的消息类型: fatal，只支持 info, warning, error",
        "errors": [
            {"field": "type", "reason": "收到 fatal，只支持 info, warning, error"},
            {"field": "recipient_alias", "reason": "接收者不存在"},
        ],
    }
    assert parts.commits == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "请求参数错误: 请求体为空，需要JSON对象"),
        (b"{", "请求参数错误: 请求体不是有效的JSON（第 1 行第 2 列: "),
        (b"recipient_alias=ops", "请求参数错误: 请求体不是有效的JSON（第 1 行第 1 列: "),
        (b'{"a": "\xff"}', "请求参数错误: 请求体不是UTF-8编码（第 8 字节）"),
        ("{}".encode("utf-16"), "请求参数错误: 请求体不是UTF-8编码（第 1 字节）"),
        (b"[" * 200_000, "请求参数错误: 请求体嵌套过深"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "请求参数错误: 请求体嵌套过深"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "请求参数错误: 请求体中的数字过长"),
        (b"[]", "请求参数错误: 需要JSON对象，收到的是数组"),
        (b"NaN", "请求参数错误: 需要JSON对象，收到的是数字"),
    ],
)
def test_what_is_not_json_is_refused_with_the_reason(
    client: testing.TestClient, body: bytes, message: str
) -> None:
    result = client.simulate_post(PUSH, body=body)
    assert result.status_code == 400
    assert result.json["message"].startswith(message)


def test_a_lone_surrogate_comes_back_as_it_was_sent(client: testing.TestClient) -> None:
    result = client.simulate_post(PUSH, body=json.dumps(push_body(recipient_alias="x\ud83d")).encode())
    assert result.status_code == 400
    assert json.loads(result.content)["message"] == "接收者不存在: x\ud83d"


@pytest.mark.parametrize("trouble", [QueueFull(), StoreUnavailable()])
def test_without_room_or_store_the_caller_is_told_when_to_come_again(
    client: testing.TestClient, parts: Parts, trouble: Exception
) -> None:
    parts.trouble = trouble
    result = client.simulate_post(PUSH, json=push_body())
    assert (result.status_code, result.headers["retry-after"]) == (503, "5")
    assert result.json == {"code": 503, "message": "服务繁忙，请稍后重试"}


def test_a_push_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(client: testing.TestClient) -> None:
    body = json.dumps(push_body()).encode()
    assert client.simulate_post(PUSH, body=body.ljust(1024 * 1024)).status_code == 200
    result = client.simulate_post(PUSH, body=body.ljust(1024 * 1024 + 1))
    assert result.status_code == 413
    assert result.json == {"code": 413, "message": "请求体过大", "error": "请求体不能超过 1048576 字节"}


def test_the_id_says_the_local_time_of_the_moment_that_is_stored(
    parts: Parts, local_zone: Callable[[str], None]
) -> None:
    local_zone("CST-8")
    client = testing.TestClient(create_app(replace(parts.dependencies(), new_task_id=new_task_id)))
    task_id = client.simulate_post(PUSH, json=push_body()).json["data"]["task_id"]
    assert task_id.startswith("task_20240101_200000_")
    assert parts.tasks[task_id].task.created_at == NOON
