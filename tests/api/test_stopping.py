"""Stopping: what is idle goes, what is busy finishes, what does not end is cut off, no thread stays."""

import json
import logging
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pushserver.api import HttpServer, create_app, open_socket
from tests.api.api_parts import Parts, push_body
from tests.api.conftest import Served
from tests.api.raw_http import Wire, get, post
from tests.api.slow_app import SlowApp

Serve = Callable[..., Served]
Threads = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def no_errors_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No traceback, whatever a test does."""
    with caplog.at_level(logging.DEBUG):
        yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture
def server_threads() -> Threads:
    """Those that the test has started; another file's server may still be there."""
    before = {*threading.enumerate()}
    return lambda: [
        thread.name
        for thread in threading.enumerate()
        if thread not in before and thread.name.startswith(("http-loop", "waitress"))
    ]


def test_a_server_without_connections_stops_at_once(serve: Serve, server_threads: Threads) -> None:
    server = serve().server
    assert server.stop(5) is True
    assert not server.alive
    assert server_threads() == []


def test_a_server_at_work_is_alive(serve: Serve) -> None:
    assert serve().server.alive


def test_idle_connections_are_let_go(serve: Serve) -> None:
    served = serve()
    with served.wire() as used, served.wire() as fresh:
        used.send(get())
        assert used.answer().status == 200
        assert served.server.stop(5) is True
        assert used.ended()
        assert fresh.ended()


def test_a_busy_connection_gets_its_answer_and_the_news_that_it_is_the_last(
    serve: Serve, slow: SlowApp
) -> None:
    served = serve(slow)
    with served.wire() as wire, served.wire() as idle, ThreadPoolExecutor(1) as pool:
        wire.send(get() + get())
        assert slow.has_begun()
        stopped = pool.submit(served.server.stop, 10)
        assert idle.ended()
        slow.finish.set()
        answer = wire.answer()
        assert (answer.body, answer.headers["connection"]) == (b"done", "close")
        assert wire.ended()
        assert stopped.result(10) is True
    assert not slow.begun.acquire(blocking=False)


def test_a_request_half_sent_may_be_finished(serve: Serve) -> None:
    served = serve()
    with served.wire() as wire, served.wire() as idle, ThreadPoolExecutor(1) as pool:
        wire.send(get() + b"GET /hea")
        assert wire.answer().status == 200
        stopped = pool.submit(served.server.stop, 10)
        assert idle.ended()
        wire.send(b"lth HTTP/1.1\r\n\r\n")
        assert wire.answer().headers["connection"] == "close"
        assert stopped.result(10) is True


def test_what_is_busy_at_the_deadline_is_cut_off_and_reported(serve: Serve, slow: SlowApp) -> None:
    served = serve(slow)
    with served.wire() as wire:
        wire.send(get())
        assert slow.has_begun()
        assert served.server.stop(0.2) is False
        assert wire.ended()
    assert not served.server.alive


def test_whoever_never_finishes_a_request_is_cut_off(serve: Serve, server_threads: Threads) -> None:
    served = serve()
    with served.wire() as wire, served.wire() as idle, ThreadPoolExecutor(1) as pool:
        wire.send(get() + b"GET /hea")
        assert wire.answer().status == 200
        stopped = pool.submit(served.server.stop, 0.3)
        assert idle.ended()
        assert wire.ended()
        assert stopped.result(10) is False
    assert server_threads() == []


def test_under_load_every_request_is_answered_or_was_never_begun(
    serve: Serve, server_threads: Threads, parts: Parts
) -> None:
    served = serve()
    body = json.dumps(push_body()).encode()
    enough = threading.Semaphore(0)

    def push_until_the_end() -> int:
        answered = 0
        with served.wire() as wire:
            while True:
                try:
                    wire.send(post("/api/v1/push", body))
                    assert wire.answer().status == 200
                except (OSError, AssertionError):
                    return answered
                answered += 1
                enough.release()

    with ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(push_until_the_end) for _ in range(8)]
        for _ in range(100):
            assert enough.acquire(timeout=10)
        assert served.server.stop(10) is True
        answered = sum(client.result(10) for client in clients)
    assert answered == len(parts.tasks)
    assert server_threads() == []


def test_a_request_that_came_with_the_last_connection_is_answered(parts: Parts) -> None:
    with open_socket("127.0.0.1", 0) as sock, Wire(sock.getsockname()) as wire:
        wire.send(get())
        server = HttpServer(create_app(parts.dependencies()), sock)
        server._workers.set_thread_count(1)
        server._acceptor.open()
        server._acceptor.poll()  # accepts, and has not read yet
        server._acceptor.begin_draining()
        server._stop_by = math.inf
        server._run()
        assert wire.answer().status == 200
        assert server.stop(5) is True


def test_connections_wait_for_the_successor_on_the_same_socket(parts: Parts) -> None:
    with open_socket("127.0.0.1", 0) as sock:
        app = create_app(parts.dependencies())
        first = HttpServer(app, sock)
        first.start()
        assert first.stop(5) is True
        with Wire(sock.getsockname()) as wire:
            wire.send(get())
            second = HttpServer(app, sock)
            second.start()
            assert wire.answer().status == 200
            assert second.stop(5) is True


def test_stopping_twice_or_before_the_start_does_nothing_worse(parts: Parts) -> None:
    with open_socket("127.0.0.1", 0) as sock:
        server = HttpServer(create_app(parts.dependencies()), sock)
        assert not server.alive
        assert server.stop(1) is True
        assert server.stop(1) is True


def test_a_loop_that_crashes_is_not_alive_and_says_so(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    served = serve()
    with served.wire() as wire:
        wire.send(get())
        assert wire.answer().status == 200
        monkeypatch.setattr(served.server._acceptor, "enforce_limits", lambda: 1 / 0)
        wire.send(get())
        assert wire.rest()[:12] in {b"HTTP/1.1 200", b""}
    assert served.server.stop(5) is False
    assert not served.server.alive
    ours = [record for record in caplog.records if record.name.startswith("pushserver")]
    assert [record.__dict__["action"] for record in ours] == ["http_loop_crashed"]
    caplog.clear()
