"""Clients that mean harm, each as bad as it can be from one machine. They return once they are stopped."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from tests.relay.doors import LOGIN, Client
from tests.relay.relay_process import IDLE

MIB = 1024 * 1024
CHUNK = b"x" * MIB


class TurnedAway(Exception):  # noqa: N818 - what happened
    """The door has no room for this connection, or no longer."""


@contextmanager
def cut_off() -> Iterator[None]:
    """The door may end the connection in the middle of what is said."""
    with suppress(ConnectionResetError, BrokenPipeError):
        yield


def greeted(port: int, host: str = "127.0.0.1") -> Client:
    client = Client(port, host)
    with _closed_unless(client):
        _expect("220", client.reply())
        _expect("250", client.say("EHLO evil.example"))
    return client


def logged_in(port: int) -> Client:
    client = greeted(port)
    with _closed_unless(client):
        _expect("235", client.say(LOGIN))
    return client


def is_served(port: int) -> bool:
    """Is the mail of an honest client taken? False if it had to make room before it had logged in.

    Then it comes again, as every client does after a 421.
    """
    try:
        client = logged_in(port)
    except (ConnectionError, TurnedAway):
        return False
    with client:
        assert client.mail(b"Subject: honest\r\n\r\ntext\r\n").startswith("250 ")
    return True


def _expect(code: str, reply: str) -> None:
    """A 421 may be lost with the connection."""
    if not reply or reply.startswith("421 "):
        raise TurnedAway(reply)
    assert reply.startswith(code), reply


@contextmanager
def _closed_unless(client: Client) -> Iterator[None]:
    """All goes well."""
    try:
        yield
    except BaseException:
        client.close()
        raise


def command_without_end(port: int) -> None:
    """100 MiB of it."""
    with greeted(port) as client, cut_off():
        for _ in range(100):
            client.send(CHUNK)
        raise AssertionError("nobody cut it off")


def line_without_end(port: int) -> None:
    """100 MiB of a message in which no line ends."""
    with logged_in(port) as client:
        client.envelope()
        client.say("DATA")
        with cut_off():
            for _ in range(100):
                client.send(CHUNK)
            raise AssertionError("nobody cut it off")


def header_without_end(port: int) -> None:
    """20 MiB of one."""
    with logged_in(port) as client:
        client.envelope()
        client.say("DATA")
        for _ in range(20):
            client.send(b"X: " + CHUNK + b"\r\n")
        client.send(b"\r\n.\r\n")
        assert client.reply() == "552 5.3.4 Message header is too long"


def ten_thousand_recipients(port: int) -> None:
    """In one go; a hundred are taken."""
    with logged_in(port) as client:
        client.say("MAIL FROM:<a@evil.example>")
        replies = []
        for start in range(0, 10_000, 500):
            numbers = range(start, start + 500)
            client.send(b"".join(b"RCPT TO:<b%d@corp.example>\r\n" % number for number in numbers))
            replies += [client.reply()[:3] for _ in numbers]
        assert replies.count("250") == 100
        assert replies.count("452") == 9_900


def huge_logins(port: int) -> None:
    """Lines of AUTH as long as any that is read to its end, again and again, and one that is not."""
    with greeted(port) as client:
        for _ in range(10):
            client.send(b"AUTH PLAIN " + b"A" * (MIB // 2) + b"\r\n")
            assert client.reply().startswith("500 ")
        client.send(b"AUTH LOGIN\r\n")
        assert client.reply().startswith("334 ")
        with cut_off():
            for _ in range(50):
                client.send(CHUNK)
            raise AssertionError("nobody cut it off")


def slow_bytes(port: int) -> None:
    """One byte now and then is not a line: whoever goes on so is sent away when his time is over."""
    with ExitStack() as stack:
        clients = [stack.enter_context(greeted(port)) for _ in range(15)]
        client = clients[0]
        client.socket.settimeout(IDLE / 10)
        said = b""
        while not said:
            with suppress(TimeoutError):
                said = client.socket.recv(100)
                break
            for other in clients:
                with cut_off():
                    other.send(b"N")
        assert said.startswith(b"421 4.4.2 ")


def five_hundred_idle(port: int) -> None:
    """From 127.0.0.x, and they stay."""
    with ExitStack() as stack:
        for number in range(500):
            stack.enter_context(Client(port, f"127.0.0.{2 + number % 250}"))
        while not is_served(port):
            pass


def deaf(port: int) -> None:
    """Asks without end for what it does not read."""
    with greeted(port) as client:
        client.socket.settimeout(
            IDLE * 10
        )  # what has come before is answered first: seconds on a slow machine
        with cut_off():
            for _ in range(2_000):
                client.send(b"HELP\r\n" * 10_000)
            raise AssertionError("nobody cut it off")


def smuggler(port: int) -> None:
    """Ends a message in every way that is none."""
    with logged_in(port) as client:
        client.envelope()
        client.say("DATA")
        for trick in (b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n\0.\r\n"):
            client.send(b"text" + trick + b"MAIL FROM:<evil@evil.example>\r\n")
        client.send(b"end\r\n.\r\n")
        assert client.reply().startswith("250 ")
        client.socket.settimeout(0.05)
        with suppress(socket.timeout):
            raise AssertionError(client.socket.recv(100))


def large_mails_at_once(port: int) -> None:
    """Ten of 8 MiB, none of which ends before the others have come as far."""
    with ExitStack() as stack:
        clients = [stack.enter_context(logged_in(port)) for _ in range(10)]
        for client in clients:
            client.envelope()
            client.say("DATA")
            client.send(b"Subject: x\r\n\r\n")
        for _ in range(8):
            for client in clients:
                client.send(CHUNK)
        for client in clients:
            client.send(b"\r\n.\r\n")
            assert client.reply().startswith("250 ")
