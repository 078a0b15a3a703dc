"""What the original got wrong around the pushes: starting, settings, limits; each by its name."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pushserver.sandbox import Sandbox
from tests.system.api_client import push_body
from tests.system.deadline import until
from tests.system.raw_request import exchange
from tests.system.server_process import PushServer
from tests.system.setups import INLINE, group, setup

Serve = Callable[..., PushServer]

MIB = 1024 * 1024


def test_a_bind_failure_leaves_no_live_process(sandbox: Sandbox, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        content = setup(tmp_path, {"ops": {"feishu": group(sandbox.feishu("bound"))}}, server={"port": port})
        server = PushServer(tmp_path, content)
        try:
            server.spawn()
            assert server.end() not in {0, None}
        finally:
            server.abandon()
    (line,) = server.err.splitlines()
    assert str(port) in line
    assert "端口已被占用" in line


def test_everything_but_the_recipients_may_be_missing(sandbox: Sandbox, serve: Serve, tmp_path: Path) -> None:
    """The original panicked without a ``task`` section."""
    recipients = {"ops": {"platforms": {"feishu": group(sandbox.feishu("bare"))}}}
    server = serve({"recipients": recipients}, {"SERVER_PORT": "0", "SERVER_HOST": "127.0.0.1"})
    assert server.client.outcome("ops")["status"] == "completed"
    assert {"data", "log", "config.yaml"} <= {path.name for path in tmp_path.iterdir()}
    server.stop()


def test_the_environment_overrides_the_file_and_the_longer_name_wins(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robot = sandbox.feishu("overridden")
    robot.hang()
    content = setup(
        tmp_path,
        {"ops": {"feishu": group(robot)}},
        server={"port": 1},
        log={"level": "error"},
        processes=INLINE,
    )
    environment = {
        "SERVER_PORT": "1",
        "PUSHSERVER_SERVER_PORT": "0",
        "LOG_LEVEL": "info",
        "QUEUE_BUFFER_SIZE": "1",
    }
    server = serve(content, environment)
    assert server.port > 1
    assert '"level":"info"' in server.logs
    task_id = server.client.push("ops")
    refused = server.client.ask("POST", "/api/v1/push", push_body("ops"))
    assert (refused.status, refused.envelope["message"]) == (503, "服务繁忙，请稍后重试")
    assert int(refused.headers["retry-after"]) > 0
    robot.release()
    assert server.client.ended(task_id)["status"] == "completed"
    assert server.client.outcome("ops")["status"] == "completed"


def test_what_kubernetes_puts_into_the_environment_is_ignored_with_a_warning(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    content = setup(tmp_path, {"ops": {"feishu": group(sandbox.feishu("kubernetes"))}}, processes=INLINE)
    server = serve(content, {"SERVER_PORT": "tcp://10.0.0.1:8080"})
    assert server.client.healthy()
    assert "SERVER_PORT" in server.err


def test_the_limit_of_a_platform_holds_over_all_tasks(sandbox: Sandbox, serve: Serve, tmp_path: Path) -> None:
    """The original counted it anew for every task."""
    robots = [sandbox.feishu(f"crowd-{number}") for number in range(5)]
    other = sandbox.wechat("other")
    recipients = {robot.token: {"feishu": group(robot)} for robot in robots} | {
        "other": {"wechat": group(other)}
    }
    queue = {"max_concurrent_per_platform": 2, "timeout": 20}
    server = serve(setup(tmp_path, recipients, queue=queue, processes=INLINE))
    for robot in robots:
        robot.hang()
    tasks = [server.client.push(robot.token) for robot in robots]
    until(lambda: sum(robot.count for robot in robots) == 2, "two are under way")
    assert server.client.outcome("other")["status"] == "completed"
    assert sum(robot.count for robot in robots) == 2
    for robot in robots:
        robot.release()
    assert {server.client.ended(task)["status"] for task in tasks} == {"completed"}


@pytest.fixture
def server(sandbox: Sandbox, serve: Serve, tmp_path: Path) -> PushServer:
    recipients = {"ops": {"feishu": group(sandbox.feishu("limits"))}}
    return serve(setup(tmp_path, recipients, server={"read_timeout": 1}, processes=INLINE))


@pytest.mark.alone
def test_requests_have_limits_of_time_and_size_and_no_origin_is_let_in(server: PushServer) -> None:
    _slow_requests_are_ended(server)
    _large_bodies_are_refused(server)
    _no_origin_is_let_in(server)
    assert server.client.healthy()


def _slow_requests_are_ended(server: PushServer) -> None:
    began = time.monotonic()
    answer = exchange(
        server.port, b"POST /api/v1/push HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{", finished=False
    )
    assert 0.5 < time.monotonic() - began < 6
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")


def _large_bodies_are_refused(server: PushServer) -> None:
    for path, most in (("/api/v1/push", MIB), ("/api/v1/push/batch", 8 * MIB)):
        answer = server.client.ask("POST", path, b" " * (most + 1))
        assert (answer.status, answer.envelope["message"]) == (413, "请求体过大")


def _no_origin_is_let_in(server: PushServer) -> None:
    foreign = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("GET", "OPTIONS"):
        answer = server.client.ask(method, "/health", headers=foreign)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
