"""The server over real sockets: what HTTP promises, and what waitress would answer in plain text."""

import json
import logging
import resource
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from waitress import wasyncore

from pushserver.api.connection import Connection
from tests.api.api_parts import Parts, push_body
from tests.api.conftest import Served
from tests.api.raw_http import Wire, chunked, get, has_ipv6, post, request
from tests.system.deadline import PATIENCE

PUSH = "/api/v1/push"
BODY = json.dumps(push_body()).encode()
Serve = Callable[..., Served]
IPV6_HOSTS = ["::1", "[::1]", "::"] if has_ipv6() else []


def test_a_push_is_answered_by_name_but_without_a_version(serve: Serve, parts: Parts) -> None:
    with serve().wire() as wire:
        wire.send(post(PUSH, BODY))
        answer = wire.answer()
    assert answer.envelope["message"] == "推送任务已提交"
    assert answer.headers["server"] == "PushServer"
    assert len(parts.tasks) == 1


def test_a_connection_takes_one_request_after_the_other(serve: Serve) -> None:
    with serve().wire() as wire:
        for _ in range(3):
            wire.send(get())
            assert wire.answer().status == 200


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    with serve().wire() as wire:
        wire.send(get() + post(PUSH, BODY) + get("/nowhere") + get())
        assert [wire.answer().status for _ in range(4)] == [200, 200, 404, 200]


def test_an_answer_goes_out_in_one_piece(serve: Serve) -> None:
    with serve().wire() as wire:
        wire.send(get())
        assert wire.socket.recv(65_536).endswith(b"}}")


def test_the_loop_waits_while_a_worker_sends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """It polled the socket over and over, since that is ready to be written to, and kept the worker up."""
    sending, others_are_served = threading.Event(), threading.Event()
    polls: list[float] = []
    send, poll = Connection.send, wasyncore.poll2

    def slow_send(connection: Connection, data: bytes, do_close: bool = True) -> int:
        if not sending.is_set():
            sending.set()
            assert others_are_served.wait(PATIENCE)
        return int(send(connection, data, do_close))

    def counted_poll(timeout: float, polled: dict[int, Any]) -> None:
        polls.append(timeout)
        poll(timeout, polled)

    served = serve()
    monkeypatch.setattr(Connection, "send", slow_send)
    with served.wire() as slow, served.wire() as quick:
        slow.send(get())
        assert sending.wait(PATIENCE)
        monkeypatch.setattr(wasyncore, "poll2", counted_poll)
        for _ in range(10):
            quick.send(get())
            assert quick.answer().status == 200
        others_are_served.set()
        assert slow.answer().status == 200
    assert len(polls) < 100


def test_connection_close_closes(serve: Serve) -> None:
    with serve().wire() as wire:
        wire.send(get("/health", "Connection: close"))
        assert wire.answer().headers["connection"] == "close"
        assert wire.ended()


def test_head_sends_headers_only_and_the_connection_goes_on(serve: Serve) -> None:
    with serve().wire() as wire:
        wire.send(request("HEAD", "/health") + get())
        head, whole = wire.answer(to_head=True), wire.answer()
    assert head.status == 200
    assert int(head.headers["content-length"]) == len(whole.body)


def test_a_chunked_body_without_a_length_is_read(serve: Serve, parts: Parts) -> None:
    with serve().wire() as wire:
        wire.send(chunked(PUSH, BODY[:7], BODY[7:]))
        assert wire.answer().status == 200
    assert len(parts.tasks) == 1


def test_a_client_that_says_no_more_still_gets_its_answer(serve: Serve) -> None:
    with serve().wire() as wire:
        wire.send(post(PUSH, BODY))
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.answer().status == 200
        assert wire.ended()


def test_a_client_that_waits_for_continue_is_told_to(serve: Serve) -> None:
    with serve().wire() as wire:
        wire.send(request("POST", PUSH, f"Content-Length: {len(BODY)}", "Expect: 100-continue"))
        assert wire.answer().status == 100
        wire.send(BODY)
        assert wire.answer().status == 200


def test_expecting_to_continue_with_no_body_is_answered_at_once(serve: Serve) -> None:
    with serve().wire() as wire:
        wire.send(get("/health", "Expect: 100-continue"))
        assert wire.answer().status == 200


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5 * 1024 * 1024])
def test_a_body_above_our_limit_is_413_chunked_or_not(serve: Serve, size: int) -> None:
    with serve().wire() as wire:
        wire.send(post(PUSH, BODY.ljust(size)) + chunked(PUSH, BODY.ljust(size)) + get())
        for _ in range(2):
            answer = wire.answer()
            assert answer.status == 413
            assert answer.envelope == {
                "code": 413,
                "message": "请求体过大",
                "error": "请求体不能超过 1048576 字节",
            }
        assert wire.answer().status == 200


@pytest.mark.parametrize(
    "data",
    [
        request("POST", PUSH, "Content-Length: 40000") + b"x" * 40_000,
        request("POST", PUSH, "Content-Length: 40000", "Expect: 100-continue"),
        chunked(PUSH, b"x" * 40_000),
    ],
)
def test_a_body_above_the_hard_limit_is_413_even_to_a_client_that_goes_on_sending(
    serve: Serve, data: bytes
) -> None:
    with serve(max_body_bytes=20_000).wire() as wire:
        wire.send(data)
        answer = wire.answer()
        assert answer.status == 413
        assert answer.envelope == {"code": 413, "message": "请求体过大"}
        assert wire.ended()


def test_a_huge_body_is_heard_out_so_that_the_client_can_read_why(serve: Serve) -> None:
    with serve().wire() as wire:
        wire.send(post(PUSH, b"x" * (20 * 1024 * 1024)))
        assert wire.answer().envelope == {"code": 413, "message": "请求体过大"}


def test_headers_above_the_limit_are_431(serve: Serve) -> None:
    with serve(max_header_bytes=2000).wire() as wire:
        wire.send(get("/health", "X-Long: " + "x" * 3000))
        assert wire.answer().envelope == {"code": 431, "message": "请求头过大"}
        assert wire.ended()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"get /health HTTP/1.1\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (request("POST", PUSH, "Content-Length: many"), 400),
        (request("POST", PUSH, "Content-Length: -1"), 400),
        (request("POST", PUSH, "Content-Length: " + "9" * 5000), 400),
        (request("POST", PUSH, "Content-Length: 5", "Content-Length: 6") + b"x" * 6, 400),
        (request("POST", PUSH, "Transfer-Encoding: chunked") + b"xyz\r\n", 400),
        (request("POST", PUSH, "Transfer-Encoding: gzip"), 501),
    ],
)
def test_what_is_no_http_is_refused_in_the_envelope(
    serve: Serve, data: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with serve().wire() as wire:
        wire.send(data)
        assert wire.answer().envelope["code"] == status
        assert wire.ended()
    assert caplog.records == []


def test_the_envelope_says_what_was_wrong_with_the_http(serve: Serve) -> None:
    with serve().wire() as wire:
        wire.send(b"nonsense\r\n\r\n")
        assert wire.answer().envelope == {
            "code": 400,
            "message": "请求参数错误",
            "error": "HTTP报文格式错误",
        }


def test_a_hundred_connections_are_served_at_once(serve: Serve, parts: Parts) -> None:
    served = serve(threads=4)
    wires = [served.wire() for _ in range(100)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda wire: wire.send(post(PUSH, BODY) * 5), wires))
        answers = list(pool.map(lambda wire: [wire.answer() for _ in range(5)], wires))
    assert {answer.status for of_wire in answers for answer in of_wire} == {200}
    assert len({answer.envelope["data"]["task_id"] for of_wire in answers for answer in of_wire}) == 500
    assert len(parts.tasks) == 500
    for wire in wires:
        wire.close()


def test_beyond_the_limit_of_connections_new_ones_wait_their_turn(serve: Serve) -> None:
    served = serve(max_connections=2)
    with served.wire() as first, served.wire() as second:
        for wire in (first, second):
            wire.send(get())
            assert wire.answer().status == 200
        with served.wire() as third:
            third.send(get())
            third.socket.settimeout(0.1)
            with pytest.raises(TimeoutError):
                third.socket.recv(1)
            third.socket.settimeout(10)
            first.close()
            assert third.socket.recv(12) == b"HTTP/1.1 200"


def test_requests_that_wait_for_a_thread_are_not_worth_a_warning(
    serve: Serve, slow: Any, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve(slow, threads=1)
    wires = [served.wire() for _ in range(5)]
    with caplog.at_level(logging.DEBUG):
        for wire in wires:
            wire.send(get())
        assert slow.has_begun()
        slow.finish.set()
        assert [wire.answer().body for wire in wires] == [b"done"] * 5
    assert [record.name for record in caplog.records] == []
    for wire in wires:
        wire.close()


def test_without_a_file_descriptor_left_it_waits_and_goes_on(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with served.wire() as before, socket.socket() as spare:
        spare.settimeout(10)
        before.send(get())
        assert before.answer().status == 200
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            spare.connect(served.address)
            spare.sendall(get())
            before.send(get())
            assert before.answer().status == 200
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert spare.recv(12) == b"HTTP/1.1 200"
    assert [record.__dict__["action"] for record in caplog.records] == ["http_accept_failed"]


@pytest.mark.parametrize("host", [*IPV6_HOSTS, "localhost", "127.0.0.1", "0.0.0.0"])
def test_ipv4_and_ipv6_addresses_and_names_are_served(serve: Serve, host: str) -> None:
    served = serve(host=host)
    with Wire(served.address) as wire:
        wire.send(get())
        assert wire.answer().status == 200


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_the_ipv6_wildcard_takes_ipv4_as_well(serve: Serve) -> None:
    served = serve(host="::")
    with Wire(("127.0.0.1", served.address[1])) as wire:
        wire.send(get())
        assert wire.answer().status == 200
