"""A client that does to a server what no library would."""

import json
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

DEADLINE = 10.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def envelope(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/json; charset=utf-8"
        value = json.loads(self.body)
        assert value["code"] == self.status
        return dict(value)


class Wire:
    """One connection. Everything that waits, waits for the socket, ten seconds at most."""

    def __init__(self, address: Any, *, receive_buffer: int | None = None) -> None:
        family = socket.AF_INET6 if len(address) > 2 else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(address[:2])
        self._reader = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, *, to_head: bool = False) -> Answer:
        status_line = self._reader.readline()
        assert status_line.startswith(b"HTTP/1."), status_line
        headers = {}
        while (line := self._reader.readline().decode("latin-1").rstrip("\r\n")) != "":
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        length = 0 if to_head else int(headers.get("content-length", 0))
        return Answer(int(status_line.split()[1]), headers, self._reader.read(length))

    def at_hand(self) -> bytes:
        """Everything that has arrived so far."""
        taken = []
        self.socket.setblocking(False)
        try:
            while piece := self.socket.recv(1_000_000):
                taken.append(piece)
        except BlockingIOError:
            self.socket.settimeout(DEADLINE)
        return b"".join(taken)

    def rest(self) -> bytes:
        """Everything until the server closes the connection, in whatever manner."""
        taken = []
        try:
            while piece := self._reader.read1(65_536):
                taken.append(piece)
        except ConnectionResetError:
            pass
        return b"".join(taken)

    def ended(self) -> bool:
        """True once the server has closed the connection and sent nothing more."""
        try:
            return self._reader.read(1) == b""
        except ConnectionResetError:
            return True


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def get(path: str = "/health", *headers: str) -> bytes:
    return request("GET", path, *headers)


def post(path: str, body: bytes, *headers: str) -> bytes:
    return request("POST", path, f"Content-Length: {len(body)}", *headers) + body


def request(method: str, path: str, *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def chunked(path: str, *chunks: bytes) -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return request("POST", path, "Transfer-Encoding: chunked") + framed
