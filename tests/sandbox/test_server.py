import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from pushserver.sandbox import Robot, Sandbox
from tests.sandbox.calling import call

BODY = b'{"msg_type":"text","content":{"text":"hi"}}'
SUCCESS = b'{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}'


class Wire:
    """A connection on which the bytes are ours."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port or 0), 5.0)
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        return status, headers, self.file.read(int(headers.get("content-length", "0")))

    def ended(self) -> bool:
        return self.file.read(1) == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def robot(sandbox: Sandbox) -> Robot:
    return sandbox.feishu("t")


@pytest.fixture
def wire(robot: Robot) -> Iterator[Wire]:
    wire = Wire(robot.url)
    yield wire
    wire.close()


def request(
    body: bytes = BODY, *lines: str, version: str = "1.1", target: str = "/open-apis/bot/v2/hook/t"
) -> bytes:
    head = "\r\n".join((f"POST {target} HTTP/{version}", "Host: x", *lines, f"Content-Length: {len(body)}"))
    return head.encode() + b"\r\n\r\n" + body


def test_a_connection_serves_many_requests(wire: Wire, robot: Robot) -> None:
    for _ in range(50):
        wire.send(request())
        assert wire.answer()[::2] == (200, SUCCESS)
    assert robot.count == 50


def test_requests_sent_at_once_are_answered_in_order(wire: Wire, robot: Robot) -> None:
    robot.fail(19024)
    robot.delay(0.01)
    wire.send(request() * 3)
    assert [json.loads(wire.answer()[2])["code"] for _ in range(3)] == [19024, 0, 0]


def test_a_request_may_come_byte_by_byte(wire: Wire) -> None:
    for byte in request():
        wire.send(bytes([byte]))
    assert wire.answer()[::2] == (200, SUCCESS)


def test_a_body_may_come_in_chunks(wire: Wire, robot: Robot) -> None:
    head = b"POST /open-apis/bot/v2/hook/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x;note=1\r\n%s\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:]))
    wire.send((head + chunks + b"0\r\n\r\n") * 2)
    assert [wire.answer()[::2] for _ in range(2)] == [(200, SUCCESS)] * 2
    assert [arrival.size for arrival in robot.arrivals] == [len(BODY)] * 2


def test_a_client_that_asks_before_its_body_is_told_to_go_on(wire: Wire) -> None:
    whole = request(BODY, "Expect: 100-continue")
    wire.send(whole[: -len(BODY)])
    assert wire.answer()[0] == 100
    wire.send(BODY)
    assert wire.answer()[::2] == (200, SUCCESS)


@pytest.mark.parametrize(
    ("version", "connection", "closes"),
    [("1.1", "close", True), ("1.0", "x", True), ("1.0", "keep-alive", False), ("1.1", "x", False)],
)
def test_the_connection_is_kept_as_the_client_wishes(
    wire: Wire, version: str, connection: str, closes: bool
) -> None:
    wire.send(request(BODY, f"Connection: {connection}", version=version))
    _, headers, body = wire.answer()
    assert body == SUCCESS
    assert headers.get("connection") == ("close" if closes else None)
    if closes:
        assert wire.ended()
    else:
        wire.send(request())
        assert wire.answer()[0] == 200


def test_a_target_may_be_a_whole_url_as_through_a_proxy(wire: Wire) -> None:
    wire.send(request(target="http://open.feishu.cn/open-apis/bot/v2/hook/t"))
    assert wire.answer()[::2] == (200, SUCCESS)


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET * HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nbroken\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd",
        b"x" * 70_000,
    ],
)
def test_what_is_not_http_is_answered_400_and_closed(wire: Wire, data: bytes) -> None:
    wire.send(data)
    status, _, body = wire.answer()
    assert status == 400
    assert body.startswith(b"The sandbox speaks HTTP/1.1 and found ")


def test_an_unknown_path_is_not_found(sandbox: Sandbox) -> None:
    assert call("POST", sandbox.url + "/open-apis/bot/hook/t", {}).status == 404
    assert call("GET", sandbox.url + "/favicon.ico").status == 404


def test_a_lone_surrogate_in_a_message_harms_nobody(wire: Wire, robot: Robot, sandbox: Sandbox) -> None:
    wire.send(request(b'{"msg_type":"text","content":{"text":"\\ud83d"}}'))
    assert wire.answer()[::2] == (200, SUCCESS)
    assert call("GET", sandbox.url + "/sandbox/journal").json["arrivals"][0]["payload"]["content"] == {
        "text": "\ud83d"
    }


def test_json_nested_too_deep_is_no_json(wire: Wire) -> None:
    wire.send(request(b"[" * 20_000))
    assert wire.answer()[0] == 400
