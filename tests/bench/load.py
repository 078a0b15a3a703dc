"""Offers POSTs over kept-alive connections, with as little CPU as possible, and times each."""

import socket
import threading
import time
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
    """Send the requests, shared out among ``connections``, each as soon as its last one is answered."""
    shares = [requests[index::connections] for index in range(connections)]
    latencies: list[list[float]] = [[] for _ in shares]
    threads = [
        threading.Thread(target=_work, args=(port, share, times))
        for share, times in zip(shares, latencies, strict=True)
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started
    return Offered(seconds, tuple(sorted(t for times in latencies for t in times)), started)


def _work(port: int, requests: list[bytes], times: list[float]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            begun = time.monotonic()
            connection.sendall(request)
            read_answer(connection)
            times.append(time.monotonic() - begun)


def read_answer(connection: socket.socket) -> None:
    """Read one answer to its end; anything but 200 is an error."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _receive(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"not accepted: {answer[:300]!r}")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += _receive(connection)


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data
