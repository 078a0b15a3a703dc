"""Traffic through a real nginx with our files, TLS and all, to a running service."""

import http.client
import json
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from pushserver.api import HttpServer, TrustedProxies, behind, open_socket
from pushserver.sandbox import Robot, Sandbox
from tests.deploy.nginx import NAME, Nginx, check, prepared, running
from tests.system.api_client import push_body
from tests.system.deadline import PATIENCE, until
from tests.system.server_process import PushServer, serving
from tests.system.setups import INLINE, group, setup

NOBODY = 9
INSTANCES = ("172.30.83.11:8080", "172.30.83.12:8080")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def robot() -> Iterator[Robot]:
    with Sandbox() as sandbox:
        yield sandbox.feishu("robot")


@pytest.fixture(scope="module")
def server(robot: Robot, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServer]:
    directory = tmp_path_factory.mktemp("service")
    content = setup(
        directory,
        {"ops": {"feishu": group(robot)}},
        server={"trusted_proxies": ["127.0.0.1"]},
        processes=INLINE,
    )
    with serving(directory, content) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(
    server: PushServer, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nginx]:
    directory = tmp_path_factory.mktemp("site") / "nginx"
    nginx = prepared("pushserver.conf", directory, authority, {"127.0.0.1:8080": server.port})
    with running(nginx) as nginx:
        yield nginx


class Https:
    """Asks nginx, from an address of ours, and trusts only the test's authority."""

    def __init__(self, nginx: Nginx, authority: trustme.CA, source: str = "127.0.0.1") -> None:
        self._context = ssl.create_default_context()
        authority.configure_trust(self._context)
        self._port = nginx.https
        self._source = source

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            self._port,
            timeout=PATIENCE,
            context=self._context,
            source_address=(self._source, 0),
        )
        try:
            connection.request(method, path, body, {"Host": NAME, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@pytest.mark.parametrize(
    ("site", "upstreams"),
    [("pushserver.conf", ["127.0.0.1:8080"]), ("ha.conf", [*INSTANCES])],
)
def test_nginx_approves_of_the_file(
    site: str, upstreams: list[str], authority: trustme.CA, tmp_path: Path
) -> None:
    nginx = prepared(site, tmp_path / "nginx", authority, dict.fromkeys(upstreams, NOBODY))
    said = check(nginx)
    assert "test is successful" in said
    assert "warn" not in said


def test_a_push_goes_through(proxy: Nginx, authority: trustme.CA, robot: Robot) -> None:
    status, headers, body = Https(proxy, authority).ask("POST", "/api/v1/push", push_body("ops"))
    assert status == 200
    assert json.loads(body)["message"] == "推送任务已提交"
    assert headers["strict-transport-security"] == "max-age=31536000"
    robot.wait(1)


def test_a_batch_of_several_megabytes_goes_through(proxy: Nginx, authority: trustme.CA) -> None:
    push = {"recipient_alias": "ops", "content": {"title": "T", "msg": "长" * 100_000}}
    body = json.dumps({"pushes": [push] * 20}, ensure_ascii=False).encode()
    assert len(body) > 6_000_000
    status, _, answer = Https(proxy, authority).ask("POST", "/api/v1/push/batch", body)
    assert status == 200, answer
    assert len(json.loads(answer)["data"]["results"]) == 20


def test_clear_text_is_sent_to_https(proxy: Nginx) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.http, timeout=PATIENCE)
    connection.request("GET", "/api/v1/task/x", headers={"Host": NAME})
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Location")) == (301, f"https://{NAME}/api/v1/task/x")
    connection.close()


def test_health_leaves_no_line_in_the_log(proxy: Nginx, authority: trustme.CA) -> None:
    client = Https(proxy, authority)
    assert client.ask("GET", "/health")[0] == 200
    assert client.ask("GET", "/api/v1/notifications/statistics")[0] == 200
    until(lambda: "statistics" in proxy.access_log, "the other request is logged")
    assert "/health" not in proxy.access_log


def test_metrics_are_for_this_machine_only(proxy: Nginx, authority: trustme.CA) -> None:
    assert Https(proxy, authority).ask("GET", "/metrics")[0] == 200
    assert Https(proxy, authority, "127.0.0.2").ask("GET", "/metrics")[0] == 403


# Who the client is -----------------------------------------------------------------------------------


def who_calls(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["REMOTE_ADDR"].encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def ask(authority: trustme.CA, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Asks a server behind nginx, from an address, what address it sees."""
    with ExitStack() as stack:

        def ask(trusted: list[str], source: str, headers: Mapping[str, str] | None = None) -> str:
            sock = stack.enter_context(open_socket("127.0.0.1", 0))
            server = HttpServer(behind(TrustedProxies(trusted), who_calls), sock)
            stack.callback(server.stop, 5.0)
            server.start()
            upstreams = {"127.0.0.1:8080": sock.getsockname()[1]}
            nginx = prepared("pushserver.conf", tmp_path / "nginx", authority, upstreams)
            stack.enter_context(running(nginx))
            return Https(nginx, authority, source).ask("GET", "/", None, headers)[2].decode()

        yield ask


def test_a_trusted_proxy_says_who_the_client_is(ask: Callable[..., str]) -> None:
    assert ask(["127.0.0.1"], "127.0.0.7") == "127.0.0.7"


def test_what_the_client_claims_itself_does_not_count(ask: Callable[..., str]) -> None:
    assert ask(["127.0.0.1"], "127.0.0.7", {"X-Forwarded-For": "203.0.113.1"}) == "127.0.0.7"


def test_without_trust_it_is_the_proxy(ask: Callable[..., str]) -> None:
    assert ask([], "127.0.0.7") == "127.0.0.1"


# Two instances ---------------------------------------------------------------------------------------


def test_each_client_stays_with_one_of_two_instances(
    robot: Robot, authority: trustme.CA, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        ports = []
        for name in ("one", "two"):
            directory = tmp_path / name
            directory.mkdir()
            content = setup(directory, {"ops": {"feishu": group(robot)}}, processes=INLINE)
            ports.append(stack.enter_context(serving(directory, content)))
        upstreams = {address: server.port for address, server in zip(INSTANCES, ports, strict=True)}
        nginx = stack.enter_context(running(prepared("ha.conf", tmp_path / "nginx", authority, upstreams)))
        tasks = {}
        for last in range(1, 9):
            client = Https(nginx, authority, f"127.0.0.{last}")
            _, _, body = client.ask("POST", "/api/v1/push", push_body("ops"))
            tasks[last] = json.loads(body)["data"]["task_id"]
        for last, task in tasks.items():
            assert Https(nginx, authority, f"127.0.0.{last}").ask("GET", f"/api/v1/task/{task}")[0] == 200
        at_one = [
            task
            for task in tasks.values()
            if ports[0].client.ask("GET", f"/api/v1/task/{task}").status == 200
        ]
        assert 0 < len(at_one) < 8
        ports[0].kill()
        for last in tasks:
            client = Https(nginx, authority, f"127.0.0.{last}")
            assert client.ask("POST", "/api/v1/push", push_body("ops"))[0] == 200
