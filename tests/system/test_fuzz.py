"""Whatever a caller sends to the running service: an envelope, never a 500, and what is accepted arrives."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushserver.sandbox import Sandbox
from tests.system.api_client import JSON
from tests.system.deadline import until
from tests.system.raw_request import exchange
from tests.system.server_process import PushServer, serving
from tests.system.setups import group, mailboxes, setup, store_of
from tests.system.store_file import fates, unfinished

REFUSALS = {400, 404, 405, 408, 413, 414, 431, 501, 505}
ROUTES = (
    "/health",
    "/metrics",
    "/api/v1/push",
    "/api/v1/push/batch",
    "/api/v1/task/x",
    "/api/v1/notifications",
    "/api/v1/notifications/statistics",
    "/api/v1/notifications/read-all",
    "/api/v1/notifications/x/read",
    "/api/v1/smtp-relay/status",
    "/api/v1/smtp-relay/statistics",
    "/api/v1/actors",
    "/api/v1/actors/restart",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")

texts = st.text(st.characters(), max_size=30) | st.sampled_from(
    [
        "",
        " ",
        "\0",
        "\ud800",
        "a\r\nb: c",
        "<at id=all></at>",
        "@all",
        "${HOME}",
        "%s{}",
        "😀" * 3000,
        "x" * 9000,
    ]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
optional = {
    "type": st.sampled_from(["info", "warning", "error", "INFO", None]),
    "strategy": st.sampled_from(["all", "failover", "webhook_failover", "mixed", "platform", "", []]),
    "platform": st.sampled_from(["feishu", "dingtalk", "wechat", "email", "system", None, None, None]),
    "style": st.sampled_from(["text", "card", 0]),
    "priority": anything,
}
said = texts.map(lambda text: f"{text}·")
"""Never blank, so that it is accepted."""
contents = st.fixed_dictionaries({"title": said, "msg": said})
good = {"recipient_alias": st.just("everything"), "content": contents}
pushes = st.fixed_dictionaries(good, optional=optional)
odd = st.fixed_dictionaries({}, optional=good | optional | {"stratgy": anything, "content": anything})
batches = st.fixed_dictionaries({"pushes": st.lists(pushes | odd | anything, max_size=5)})
bodies = (pushes | pushes | odd | batches | anything).map(
    lambda value: json.dumps(value).encode()
) | st.binary(max_size=100)
pieces = (
    b"GET ",
    b"POST ",
    b"/health",
    b"/api/v1/push",
    b"http://[",
    b" HTTP/1.1\r\n",
    b" HTTP/1.0\r\n",
    b"Host: a\r\n",
    b"Content-Length: 2\r\n",
    b"Content-Length: -1\r\n",
    b"Expect: 100-continue\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"X: " + b"y" * 70_000 + b"\r\n",
    b"\r\n",
    b"\n",
    b"{}",
    b"0\r\n\r\n",
)
wire = st.lists(st.sampled_from(pieces) | st.binary(max_size=6), max_size=9).map(b"".join)

fuzzed = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), max_examples=400)


class Caller:
    """Keeps its connection as long as the server does."""

    def __init__(self, server: PushServer) -> None:
        self.server = server
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)

    def ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        self._connection.request(method, path, body)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status in {200, *REFUSALS}, content
        if method == "HEAD" or (method, content) == ("OPTIONS", b""):
            assert content == b""
            return {"code": answer.status}
        if answer.getheader("Content-Type") != JSON:
            assert (path.partition("?")[0], answer.status) == ("/metrics", 200)
            return {"code": 200}
        return _envelope(answer.status, content)

    def close(self) -> None:
        self._connection.close()


def _envelope(status: int, content: bytes) -> dict[str, Any]:
    envelope = json.loads(content.decode())
    assert envelope["code"] == status
    assert envelope["message"]
    assert envelope.keys() <= {"code", "message", "data", "error", "errors"}
    return dict(envelope)


@pytest.fixture(scope="module")
def caller(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    directory = tmp_path_factory.mktemp("fuzz")
    everything = {
        "feishu": group(sandbox.feishu("fuzz", secret="secret")),
        "dingtalk": group(sandbox.dingtalk("fuzz", secret="secret")),
        "wechat": group(sandbox.wechat("fuzz")),
        "email": mailboxes(sandbox.smtp(), "ann@corp.example"),
    }
    with serving(directory, setup(directory, {"everything": everything})) as server:
        caller = Caller(server)
        yield caller
        caller.close()


@fuzzed
@given(path=st.sampled_from(["/api/v1/push", "/api/v1/push/batch"]), body=bodies)
def test_any_body_is_answered(caller: Caller, path: str, body: bytes) -> None:
    assert caller.ask("POST", path, body)["code"] in {200, 400}


requests = st.tuples(st.sampled_from(METHODS), st.sampled_from(ROUTES), texts, texts)


@fuzzed
@given(asked=requests, body=anything)
def test_any_method_on_any_route_is_answered(
    caller: Caller, asked: tuple[str, str, str, str], body: object
) -> None:
    method, route, rest, query = asked
    path = (
        quote(f"{route}{rest[:20]}", errors="replace") + "?" + quote(query[:60], safe="=&", errors="replace")
    )
    caller.ask(method, path, json.dumps(body).encode() if method in {"POST", "PUT", "PATCH"} else None)


@fuzzed
@given(data=wire)
def test_any_bytes_are_answered_in_the_envelope_or_not_at_all(caller: Caller, data: bytes) -> None:
    answer = exchange(caller.server.port, data)
    for part in answer.split(b"HTTP/1.")[1:]:
        head, _, body = part.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        assert status in {100, 200, *REFUSALS}
        if body:
            _envelope(status, body)


def test_afterwards_it_is_healthy_and_everything_accepted_has_arrived(caller: Caller) -> None:
    """Comes last. The emulators are strict: what a vendor would refuse, they have refused."""
    assert caller.ask("GET", "/health")["code"] == 200
    store = store_of(caller.server.directory)
    until(lambda: unfinished(store) == 0, "every task has ended")
    caller.server.stop()
    assert len(fates(store)) > 50
    assert set(fates(store).values()) == {"completed"}
    assert "Traceback" not in caller.server.logs + caller.server.err
