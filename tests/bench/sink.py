"""A stand-in for the vendors that costs as little as possible: it answers every POST with success."""

import asyncio
import time
from multiprocessing.connection import Connection
from typing import Final

from actors.cpu import pin

_BODY: Final = b'{"code":0,"errcode":0,"msg":"ok"}'
_REPLY: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(_BODY),
    _BODY,
)


class _Count:
    """Requests so far, and when the last one came."""

    def __init__(self) -> None:
        self.requests = 0
        self.last = 0.0


class _Http(asyncio.Protocol):
    def __init__(self, count: _Count) -> None:
        self._count = count
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _content_length(self._buffer[:end])
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._count.requests += 1
            self._count.last = time.monotonic()
            self._transport.write(_REPLY)


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def run(pipe: Connection, cpu: int) -> None:
    """Serve until told to stop: sends the port first, then ``(requests, last)`` whenever asked."""
    pin(cpu)
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    count = _Count()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Http(count), "127.0.0.1", 0, backlog=512)
    pipe.send(server.sockets[0].getsockname()[1])
    while await loop.run_in_executor(None, pipe.recv) == "count":
        pipe.send((count.requests, count.last))
    server.close()
