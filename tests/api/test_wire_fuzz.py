"""Whatever bytes come in, what goes out is an envelope or nothing, and the server lives."""

import json
import logging
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pushserver.api import HttpServer, Limits, create_app, open_socket
from tests.api.api_parts import Parts
from tests.api.raw_http import Wire, get

TOKENS = st.sampled_from(
    [
        b"GET ",
        b"POST ",
        b"BREW ",
        b"/health",
        b"/api/v1/push",
        b"http://[",
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
        b" HTTP/9.9\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: keep-alive\r\n",
        b"\r\n",
        b"\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"{}",
    ]
)
BYTES = st.lists(TOKENS | st.binary(max_size=8), max_size=10).map(b"".join)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[HttpServer, tuple[str, int]]]:
    with open_socket("127.0.0.1", 0) as sock:
        limits = Limits(max_header_bytes=500, max_body_bytes=2000)
        server = HttpServer(create_app(Parts().dependencies()), sock, threads=2, limits=limits)
        server.start()
        yield server, sock.getsockname()
        assert server.stop(5) is True


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=BYTES)
@example(data=b"GET http://[ HTTP/1.1\r\n\r\n")
@example(data=b"OPTIONS * HTTP/1.1\r\n\r\n")
@example(data=b"GET /%ff%00 HTTP/1.1\r\n\r\n")
@example(data=b"GET /?" + b"a=%ff&" * 50 + b" HTTP/1.1\r\n\r\n")
@example(
    data=b"POST /api/v1/push HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + b"x" * 3000
)
def test_any_bytes_are_answered_in_the_envelope_or_not_at_all(
    server: tuple[HttpServer, tuple[str, int]], data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), Wire(server[1]) as wire:
        wire.send(data)
        wire.socket.shutdown(socket.SHUT_WR)
        answer = wire.rest()
    for part in answer.split(b"HTTP/1.")[1:]:
        head, _, body = part.partition(b"\r\n\r\n")
        if not head.startswith((b"1 100 ", b"0 100 ")) and body:
            assert json.loads(body)["code"] == int(head[2:5])
    assert caplog.records == []
    assert server[0].alive


def test_and_it_serves_on_afterwards(server: tuple[HttpServer, tuple[str, int]]) -> None:
    with Wire(server[1]) as wire:
        wire.send(get())
        assert wire.answer().status == 200
