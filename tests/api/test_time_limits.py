"""Clients that take their time: the server's limits are small here, and the tests wait for the socket."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.api.conftest import Served
from tests.api.raw_http import Wire, get, post, request
from tests.api.slow_app import SlowApp
from tests.api.stepped_server import SteppedServer

Serve = Callable[..., Served]
LATE = {"code": 408, "message": "请求超时"}


@pytest.mark.parametrize(
    "beginning",
    [
        b"G",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n",
        request("POST", "/api/v1/push", "Content-Length: 100") + b'{"recipient_alias"',
        request("POST", "/api/v1/push", "Transfer-Encoding: chunked") + b"5\r\nab",
    ],
)
def test_a_request_that_is_not_finished_in_time_is_408_and_the_end(serve: Serve, beginning: bytes) -> None:
    with serve(read_timeout=0.2).wire() as wire:
        wire.send(beginning)
        assert wire.answer().envelope == LATE
        assert wire.ended()


@pytest.mark.alone
@pytest.mark.parametrize(
    "beginning", [b"GET /health HTTP/1.1\r\nX: ", request("POST", "/x", "Content-Length: 9999")]
)
def test_dripping_bytes_wins_no_time(serve: Serve, beginning: bytes) -> None:
    with serve(read_timeout=0.2).wire() as wire:
        began = time.monotonic()
        wire.send(beginning)
        _drip_until_answered(wire)
        assert 0.2 <= time.monotonic() - began < 2
        assert wire.answer().envelope == LATE


def _drip_until_answered(wire: Wire) -> None:
    wire.socket.settimeout(0.01)
    for _ in range(1000):
        wire.send(b"x")
        try:
            wire.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            continue
        wire.socket.settimeout(10)
        return
    pytest.fail("the server let the client drip for ever")


def test_every_request_of_a_connection_gets_the_full_time(serve: Serve) -> None:
    with serve(read_timeout=0.3).wire() as wire:
        began = time.monotonic()
        while time.monotonic() - began < 0.7:
            wire.send(get())
            assert wire.answer().status == 200


def test_the_time_of_the_request_before_is_not_counted(serve: Serve, slow: SlowApp) -> None:
    served = serve(slow, read_timeout=0.2)
    with served.wire() as wire, served.wire() as other:
        wire.send(get() + b"GET /second")
        assert slow.has_begun()
        other.send(b"GET /late")
        assert other.answer().envelope == LATE
        slow.finish.set()
        assert wire.answer().body == b"done"
        wire.send(b" HTTP/1.1\r\n\r\n")
        assert wire.answer().body == b"done"


def test_an_idle_connection_is_let_go_and_a_busy_one_is_not(serve: Serve, slow: SlowApp) -> None:
    served = serve(slow, idle_timeout=0.2)
    with served.wire() as busy, served.wire() as idle, served.wire() as after_use:
        busy.send(get())
        assert slow.has_begun()
        assert idle.ended()
        slow.finish.set()
        assert busy.answer().body == b"done"
        after_use.close()
        assert busy.ended()


def test_an_answer_that_nobody_reads_is_given_up(serve: Serve, slow: SlowApp) -> None:
    slow.body = b"x" * 8_000_000
    slow.finish.set()
    served = serve(slow, write_timeout=0.2, idle_timeout=0.6)
    with served.wire(receive_buffer=4096) as wire:
        wire.send(get())
        assert slow.has_begun()
        with served.wire() as idle:
            assert idle.ended()  # by now the server has waited far longer than write_timeout
        assert len(wire.rest()) < len(slow.body)


@pytest.fixture
def stepped(slow: SlowApp) -> Iterator[SteppedServer]:
    """A server whose clock stands still, at the default limits."""
    slow.body = b"x" * 8_000_000
    slow.finish.set()
    with SteppedServer(slow) as server:
        yield server


def _connect(server: SteppedServer) -> None:
    while not server.acceptor.connections:
        server.turn()


def _ask_for_much(server: SteppedServer, wire: Wire) -> None:
    _connect(server)
    wire.send(get())
    while not server.acceptor.connections[0].total_outbufs_len:
        server.turn()


def test_a_reader_who_takes_something_now_and_then_gets_it_all(stepped: SteppedServer) -> None:
    with stepped.wire() as wire:
        _ask_for_much(stepped, wire)
        got = b""
        while len(got) < 8_000_000:
            stepped.pass_time(29)
            assert len(stepped.acceptor.connections) == 1
            got += wire.at_hand()
            stepped.turn()
    assert len(got.partition(b"\r\n\r\n")[2]) == 8_000_000


def test_a_reader_who_stops_is_given_up_just_after_the_limit(stepped: SteppedServer) -> None:
    with stepped.wire(receive_buffer=4096) as wire:
        _ask_for_much(stepped, wire)
        stepped.pass_time(1)
        stepped.pass_time(29.9)
        assert len(stepped.acceptor.connections) == 1
        stepped.pass_time(0.2)
        assert stepped.acceptor.connections == []


def test_an_idle_connection_is_let_go_just_after_the_limit(stepped: SteppedServer) -> None:
    with stepped.wire() as wire:
        _connect(stepped)
        stepped.pass_time(119.9)
        assert len(stepped.acceptor.connections) == 1
        stepped.pass_time(0.2)
        assert wire.ended()


def test_the_time_of_a_request_begins_with_its_first_byte_however_old_the_connection(
    stepped: SteppedServer,
) -> None:
    with stepped.wire() as wire:
        _connect(stepped)
        stepped.pass_time(100)
        wire.send(b"GET /hea")
        while stepped.acceptor.connections[0].quiet:
            stepped.turn()
        stepped.pass_time(29)
        wire.send(b"l")
        stepped.turn()
        assert wire.at_hand() == b""
        stepped.pass_time(1.1)
        stepped.turn()
        assert wire.answer().envelope == LATE


def test_a_refused_client_is_heard_out_for_two_seconds_and_no_longer(stepped: SteppedServer) -> None:
    with stepped.wire() as wire:
        _connect(stepped)
        wire.send(b"nonsense\r\n\r\n")
        while not wire.at_hand():
            stepped.turn()
        wire.send(b"more")
        stepped.turn()
        stepped.pass_time(1.9)
        assert len(stepped.acceptor.connections) == 1
        stepped.pass_time(0.2)
        assert stepped.acceptor.connections == []


def test_a_post_that_arrives_in_pieces_but_in_time_is_taken(serve: Serve) -> None:
    data = post("/api/v1/push", b"{}")
    with serve(read_timeout=5).wire() as wire:
        for index in range(len(data)):
            wire.send(data[index : index + 1])
        assert wire.answer().status == 400
