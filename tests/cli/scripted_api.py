"""Something that answers HTTP with what it was given, a response a connection."""

import queue
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def answering(*responses: bytes) -> Iterator[tuple[str, "queue.SimpleQueue[bytes]"]]:
    """Its URL and the requests that it gets; after the last response it hangs up without one."""
    left = list(responses)
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            requests.put(_whole(self.request))
            self.request.sendall(left.pop(0) if left else b"")

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", requests
        finally:
            server.shutdown()
            thread.join()


def _whole(connection: socket.socket) -> bytes:
    """A request; its body may come in a packet of its own."""
    request = connection.recv(65536)
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    while length and len(body) < int(length[1]) and (more := connection.recv(65536)):
        request, body = request + more, body + more
    return request


def response(status: int, body: str, *headers: str) -> bytes:
    content = body.encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + content
