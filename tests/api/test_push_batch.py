"""``POST /api/v1/push/batch``: one commit, results in order."""

import json

import pytest
from falcon import testing

from pushserver.domain import QueueFull
from tests.api.api_parts import Parts, push_body

BATCH = "/api/v1/push/batch"


def test_the_good_ones_go_in_one_commit_and_the_bad_ones_get_their_errors(
    client: testing.TestClient, parts: Parts
) -> None:
    pushes = [push_body(), push_body(recipient_alias="ghost"), 7, push_body(platform="feishu")]
    result = client.simulate_post(BATCH, json={"pushes": pushes})
    assert result.status_code == 200
    assert result.json == {
        "code": 200,
        "message": "推送任务已提交",
        "data": {
            "results": [
                {"task_id": "task_20240101_120000_000000000000"},
                {
                    "error": "接收者不存在: ghost",
                    "code": 400,
                    "errors": [{"field": "recipient_alias", "reason": "接收者不存在"}],
                },
                {"error": "请求参数错误: 需要JSON对象，收到的是数字", "code": 400},
                {"task_id": "task_20240101_120000_000000000001"},
            ]
        },
    }
    assert [[task.id for task in tasks] for tasks in parts.commits] == [
        ["task_20240101_120000_000000000000", "task_20240101_120000_000000000001"]
    ]


def test_room_for_only_some_refuses_all(client: testing.TestClient, parts: Parts) -> None:
    parts.trouble = QueueFull()
    result = client.simulate_post(BATCH, json={"pushes": [push_body()] * 3})
    assert result.status_code == 503
    assert result.json == {"code": 503, "message": "服务繁忙，请稍后重试"}
    assert parts.tasks == {}


@pytest.mark.parametrize("pushes", [[], [{}, {}]])
def test_with_nothing_to_store_the_store_is_left_alone(
    client: testing.TestClient, parts: Parts, pushes: list[object]
) -> None:
    parts.trouble = QueueFull()
    result = client.simulate_post(BATCH, json={"pushes": pushes})
    assert result.status_code == 200
    assert len(result.json["data"]["results"]) == len(pushes)


def test_a_thousand_are_taken_and_one_more_is_not(client: testing.TestClient, parts: Parts) -> None:
    result = client.simulate_post(BATCH, json={"pushes": [push_body()] * 1000})
    assert len(result.json["data"]["results"]) == 1000
    assert [len(tasks) for tasks in parts.commits] == [1000]
    result = client.simulate_post(BATCH, json={"pushes": [push_body()] * 1001})
    assert result.status_code == 400
    assert result.json == {
        "code": 400,
        "message": "请求参数错误: pushes 最多 1000 条，收到了 1001 条",
        "errors": [{"field": "pushes", "reason": "最多 1000 条，收到了 1001 条"}],
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "请求参数错误: pushes 缺少必填字段"),
        ({"pushes": None}, "请求参数错误: pushes 必须是数组，收到的是null"),
        ({"pushes": push_body()}, "请求参数错误: pushes 必须是数组，收到的是对象"),
        ([push_body()], "请求参数错误: 需要JSON对象，收到的是数组"),
    ],
)
def test_what_is_no_batch_is_refused(client: testing.TestClient, body: object, message: str) -> None:
    result = client.simulate_post(BATCH, json=body)
    assert (result.status_code, result.json["message"]) == (400, message)


def test_a_batch_may_have_eight_mebibytes_and_no_more(client: testing.TestClient) -> None:
    body = json.dumps({"pushes": [push_body()]}).encode()
    assert client.simulate_post(BATCH, body=body.ljust(8 * 1024 * 1024)).status_code == 200
    result = client.simulate_post(BATCH, body=body.ljust(8 * 1024 * 1024 + 1))
    assert (result.status_code, result.json["error"]) == (413, "请求体不能超过 8388608 字节")
