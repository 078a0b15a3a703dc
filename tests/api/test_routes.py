"""What holds on every path: the envelope, methods, health and metrics."""

import logging

import pytest
from falcon import testing

from pushserver.api import Health
from pushserver.domain import StoreUnavailable
from tests.api.api_parts import Parts, push_body

GET_ROUTES = ["/health", "/metrics", "/api/v1/task/task_20240101_120000_000000000000"]


def test_a_healthy_service_says_so(client: testing.TestClient) -> None:
    result = client.simulate_get("/health")
    assert result.status_code == 200
    assert result.json == {"code": 200, "message": "服务运行正常", "data": {"status": "healthy"}}


def test_what_is_down_elsewhere_appears_in_the_checks_only(client: testing.TestClient, parts: Parts) -> None:
    parts.fitness = Health(healthy=True, checks={"smtp": "Gmail账户1 不可用"})
    result = client.simulate_get("/health")
    assert (result.status_code, result.json["message"]) == (200, "服务运行正常")
    assert result.json["data"] == {"status": "healthy", "checks": {"smtp": "Gmail账户1 不可用"}}


def test_a_fault_of_ours_is_503_with_its_reason(client: testing.TestClient, parts: Parts) -> None:
    parts.fitness = Health(healthy=False, reason="存储不可写", checks={"store": "read-only"})
    result = client.simulate_get("/health")
    assert result.status_code == 503
    assert result.json == {
        "code": 503,
        "message": "服务不可用",
        "data": {"status": "unhealthy", "checks": {"store": "read-only"}},
        "error": "存储不可写",
    }


def test_metrics_are_prometheus_text(client: testing.TestClient) -> None:
    result = client.simulate_get("/metrics")
    assert (result.status_code, result.content) == (200, b"up 1\n")
    assert result.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("path", GET_ROUTES)
def test_head_answers_like_get_without_the_body(client: testing.TestClient, path: str) -> None:
    client.simulate_post("/api/v1/push", json=push_body())
    same = {"X-Request-ID": "one"}
    get, head = client.simulate_get(path, headers=same), client.simulate_head(path, headers=same)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers
    assert int(head.headers["content-length"]) == len(get.content)


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v1/tasks", "/api/v1/task/a/b", "/健康", "/health/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_path_is_404_in_the_envelope(client: testing.TestClient, method: str, path: str) -> None:
    result = client.simulate_request(method, path)
    assert (result.status_code, result.json) == (404, {"code": 404, "message": "接口不存在"})


def test_a_slash_at_the_end_makes_no_difference(client: testing.TestClient) -> None:
    assert client.simulate_get("/health/").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("DELETE", "/metrics", "GET, HEAD, OPTIONS"),
        ("GET", "/api/v1/push", "POST, OPTIONS"),
        ("HEAD", "/api/v1/push/batch", "POST, OPTIONS"),
        ("PUT", "/api/v1/task/x", "GET, HEAD, OPTIONS"),
        ("BREW", "/api/v1/push", "POST, OPTIONS"),
        ("PROPFIND", "/health", "GET, HEAD, OPTIONS"),
    ],
)
@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")  # wsgiref's validator, about BREW
def test_a_wrong_method_is_405_with_the_right_ones(
    client: testing.TestClient, method: str, path: str, allowed: str
) -> None:
    result = client.simulate_request(method, path)
    assert (result.status_code, result.headers["allow"]) == (405, allowed)
    assert method == "HEAD" or result.json == {"code": 405, "message": "请求方法不支持"}


def test_a_handlers_fault_is_500_without_internals_and_logged_with_them(
    client: testing.TestClient, parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    parts.trouble = ValueError("hunter2")
    with caplog.at_level(logging.ERROR):
        result = client.simulate_post("/api/v1/push", json=push_body())
    assert result.status_code == 500
    assert result.json == {"code": 500, "message": "服务器内部错误"}
    [record] = caplog.records
    assert (record.__dict__["action"], record.__dict__["route"]) == ("http_request_failed", "/api/v1/push")
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError


def test_an_unknown_task_is_404_with_its_id(client: testing.TestClient) -> None:
    result = client.simulate_get("/api/v1/task/task_1")
    assert result.status_code == 404
    assert result.json == {"code": 404, "message": "任务不存在", "data": {"task_id": "task_1"}}


@pytest.mark.parametrize("task_id", ["%00", "a%20b", "任务", "x" * 101, "%ff", ".."])
def test_what_cannot_be_an_id_is_not_asked_of_the_store(
    client: testing.TestClient, parts: Parts, task_id: str
) -> None:
    parts.trouble = AssertionError("asked")
    result = client.simulate_get(f"/api/v1/task/{task_id}")
    assert (result.status_code, result.json["message"]) == (404, "任务不存在")


def test_a_store_that_is_out_does_not_make_a_task_unknown(client: testing.TestClient, parts: Parts) -> None:
    parts.trouble = StoreUnavailable()
    result = client.simulate_get("/api/v1/task/task_1")
    assert (result.status_code, result.json["message"]) == (503, "服务繁忙，请稍后重试")


def test_a_stored_task_is_shown(client: testing.TestClient) -> None:
    task_id = client.simulate_post("/api/v1/push", json=push_body()).json["data"]["task_id"]
    result = client.simulate_get(f"/api/v1/task/{task_id}")
    assert (result.status_code, result.json["message"]) == (200, "获取任务状态成功")
    assert result.json["data"]["status"] == "pending"
    assert result.json["data"]["progress"] == {"total": 1, "success": 0, "failed": 0, "pending": 1}
