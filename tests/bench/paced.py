"""Offers POSTs on a schedule that waits for nobody, as independent callers do."""

import socket
import threading
import time

from tests.bench.load import Offered, read_answer


def offer_paced(port: int, requests: list[bytes], rate: float, connections: int = 64) -> Offered:
    """Send the requests at ``rate`` a second, each on the next of ``connections``.

    A request's time begins when it was due: a server that falls behind slows down nobody who comes, and what
    waits for its turn counts.
    """
    started = time.monotonic() + 0.1
    moments = [started + index / rate for index in range(len(requests))]
    latencies: list[list[float]] = [[] for _ in range(connections)]
    threads = [
        threading.Thread(
            target=_work, args=(port, requests[index::connections], moments[index::connections], times)
        )
        for index, times in enumerate(latencies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - started
    return Offered(seconds, tuple(sorted(t for times in latencies for t in times)), started)


def _work(port: int, requests: list[bytes], moments: list[float], times: list[float]) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request, due in zip(requests, moments, strict=True):
            time.sleep(max(0.0, due - time.monotonic()))
            connection.sendall(request)
            read_answer(connection)
            times.append(time.monotonic() - due)
