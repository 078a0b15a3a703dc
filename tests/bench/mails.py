"""Hands mails to an SMTP server over kept connections, with as little CPU as possible."""

import socket
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self

LOGIN = ("relay_user", "relay_pass")
_LINE = b"x" * 78 + b"\r\n"
_HEADER = (
    b"From: Printer <printer@client.example>\r\nTo: ann@corp.example\r\nSubject: measured\r\n"
    b"Message-ID: <%d@client.example>\r\n\r\n"
)
_COMMANDS = b"MAIL FROM:<printer@client.example> SIZE=%d\r\nRCPT TO:<ann@corp.example>\r\nDATA\r\n"
_END = b".\r\n"
PIECE: Final = 64 * 1024
"""Bytes sent at once. Of a whole message the kernel takes megabytes in one go, with the CPU in hand; for a
client that plays another machine nobody should have to wait."""


def a_mail(number: int, size: int) -> bytes:
    """A message of about so many bytes."""
    return (_HEADER % number) + _LINE * (size // len(_LINE))


@dataclass(frozen=True, slots=True)
class Handed:
    """Mails that got their 250: how many, when it began, and the seconds until the last one."""

    count: int
    started: float
    seconds: float

    @property
    def rate(self) -> float:
        """Mails a second."""
        return self.count / self.seconds


class Client:
    """One connection, logged in where that is offered."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._replies = self._socket.makefile("rb")
        self._expect(b"220")
        self._socket.sendall(b"EHLO bench.example\r\n")
        if any(line[4:8] == b"AUTH" for line in self._expect(b"250")):
            self._socket.sendall(b"AUTH PLAIN %b\r\n" % b64encode("\0{}\0{}".format(*LOGIN).encode()))
            self._expect(b"235")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._replies.close()
        self._socket.close()

    def send(self, content: bytes) -> None:
        """Hand over one message, and wait for its 250; the commands in front go in one packet."""
        self._socket.sendall(_COMMANDS % len(content))
        for code in (b"250", b"250", b"354"):
            self._expect(code)
        message = memoryview(content + _END)
        for start in range(0, len(message), PIECE):
            self._socket.sendall(message[start : start + PIECE])
        self._expect(b"250")

    def _expect(self, code: bytes) -> list[bytes]:
        lines = [self._replies.readline()]
        while lines[-1][3:4] == b"-":
            lines.append(self._replies.readline())
        if lines[-1][:3] != code:
            raise RuntimeError(f"found the reply {lines[-1]!r}, expected {code.decode()}")
        return lines


def hand_over(port: int, count: int, size: int, connections: int = 10) -> Handed:
    """So many mails, shared out among ``connections``, each as soon as its last one is answered."""
    threads = [
        threading.Thread(target=_work, args=(port, range(index, count, connections), size))
        for index in range(connections)
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Handed(count, started, time.monotonic() - started)


def _work(port: int, numbers: range, size: int) -> None:
    with Client(port) as client:
        for number in numbers:
            client.send(a_mail(number, size))
