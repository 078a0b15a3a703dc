"""Offers requests over kept-alive connections from one thread, and times each.

One thread that waits for all connections at once (64 threads cost more than the server they load), so that
the load takes as little as possible of the CPU that it shares.
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Offered:
    """What came of a load: seconds for all of it, and each request's seconds, sorted."""

    seconds: float
    latencies: tuple[float, ...]
    started: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    @property
    def p50(self) -> float:
        """Median latency, milliseconds."""
        return median(self.latencies) * 1000

    @property
    def p99(self) -> float:
        """99th percentile of the latency, milliseconds."""
        return self.latencies[int(len(self.latencies) * 0.99)] * 1000


def post(path: str, body: bytes) -> bytes:
    """The bytes of one request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def offer(port: int, requests: list[bytes], connections: int = 8) -> Offered:
    """Send the requests, each as soon as one of the connections is free; anything but 200 is an error."""
    return _drive(port, requests, connections, due=None)


def offer_paced(port: int, requests: list[bytes], rate: float, connections: int = 64) -> Offered:
    """Send the requests at ``rate`` a second, on a schedule that waits for nobody, as independent callers do.

    A request's time begins when it was due: a server that falls behind slows down nobody who comes, and what
    waits for a free connection counts.
    """
    started = time.monotonic() + 0.1
    return _drive(port, requests, connections, due=lambda index: started + index / rate)


def _drive(port: int, requests: list[bytes], connections: int, due: Callable[[int], float] | None) -> Offered:
    latencies: list[float] = []
    with _connected(port, connections) as (selector, free):
        started = now = time.monotonic()
        sent = 0
        while len(latencies) < len(requests):
            while free and sent < len(requests) and (due is None or due(sent) <= now):
                free.popleft().send(requests[sent], now if due is None else due(sent))
                sent += 1
            waits_for_time = free and due is not None and sent < len(requests)
            for key, _ in selector.select(max(0.0, due(sent) - now) if waits_for_time and due else None):
                connection: _Connection = key.data
                if connection.read():
                    latencies.append(time.monotonic() - connection.begun)
                    free.append(connection)
            now = time.monotonic()
    return Offered(now - started, tuple(sorted(latencies)), started)


@contextmanager
def _connected(port: int, count: int) -> "Iterator[tuple[selectors.BaseSelector, deque[_Connection]]]":
    """So many connections, registered for reading, all free."""
    sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
    with selectors.DefaultSelector() as selector:
        free = deque(_Connection(connected) for connected in sockets)
        for connection in free:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        yield selector, free
    for connected in sockets:
        connected.close()


class _Connection:
    """One request at a time."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connected
        self.begun = 0.0
        self._answer = b""

    def send(self, request: bytes, begun: float) -> None:
        """Requests are smaller than any socket buffer: this does not block."""
        self.begun = begun
        self._answer = b""
        self.socket.sendall(request)

    def read(self) -> bool:
        """Take what is there; true once the answer is whole."""
        data = self.socket.recv(65536)
        if not data:
            raise RuntimeError("the server closed the connection")
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return False
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"not accepted: {self._answer[:300]!r}")
        return len(body) >= int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
