"""What tells a door that works from a port that is only open."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pushserver.relay import NoGreeting, SmtpServer, Tally
from pushserver.relay.greeting import greets
from tests.relay.doors import TIMEOUT, Vault, plan


@contextmanager
def says(words: bytes, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A port on which one client is told these words."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                client.sendall(words)
                client.recv(100)  # until it goes

        server = threading.Thread(target=serve)
        server.start()
        yield listening
        server.join(TIMEOUT)


@pytest.mark.parametrize("words", [b"220 relay.example ESMTP\r\n", b"421 4.7.0 Too many connections\r\n"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_door_with_and_without_room_greets(words: bytes, host: str) -> None:
    with says(words, host) as listening:
        assert greets(listening, TIMEOUT)


@pytest.mark.parametrize("words", [b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-OpenSSH\r\n", b"220", b""])
def test_whoever_says_something_else_does_not_greet(words: bytes) -> None:
    with says(words) as listening:
        assert not greets(listening, 0.05)


def test_a_port_where_nobody_answers_does_not_greet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert not greets(listening, 0.05)


def test_a_server_that_does_not_greet_has_not_started_and_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pushserver.relay.server.greets", lambda *_: False)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = SmtpServer(plan(Vault(), tmp_path, Tally(), None), listening)

        with pytest.raises(NoGreeting, match="没有应答问候"):
            server.start()

    assert not server.alive
