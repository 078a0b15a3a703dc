"""A stand-in for the providers that costs as little as possible: it takes every mail and forgets it."""

import asyncio
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

from tests.bench.mails import PIECE

_GREETING: Final = b"220 sink ESMTP\r\n"
_EHLO: Final = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 52428800\r\n"
_OK: Final = b"250 2.0.0 Ok\r\n"
_GO_AHEAD: Final = b"354 Go ahead\r\n"
_BYE: Final = b"221 2.0.0 Bye\r\n"
_END: Final = b"\r\n.\r\n"


class _Count:
    """Mails so far, and when the last one came."""

    def __init__(self) -> None:
        self.mails = 0
        self.last = 0.0

    def took_one(self) -> None:
        self.mails += 1
        self.last = time.monotonic()


class _Smtp(asyncio.Protocol):
    """One client; a message is never kept, only its last four bytes, in which its end may begin."""

    def __init__(self, count: _Count) -> None:
        self._count = count
        self._buffer = b""
        self._in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.max_size = PIECE  # type: ignore[attr-defined] # asyncio's own is 256 KiB
        transport.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._message() if self._in_message else self._command():
            pass

    def _command(self) -> bool:
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return False
        self._buffer = rest
        verb = line[:4].upper()
        self._in_message = verb == b"DATA"
        self._transport.write({b"EHLO": _EHLO, b"DATA": _GO_AHEAD, b"QUIT": _BYE}.get(verb, _OK))
        if verb == b"QUIT":
            self._transport.close()
        return verb != b"QUIT"

    def _message(self) -> bool:
        end = self._buffer.find(_END)
        if end < 0:
            self._buffer = self._buffer[-len(_END) + 1 :]
            return False
        self._count.took_one()
        self._buffer, self._in_message = self._buffer[end + len(_END) :], False
        self._transport.write(_OK)
        return True


def run(pipe: Connection, settle: Callable[[int], object], cpu: int) -> None:
    """Serve until told to stop: sends the port first, then ``(mails, last)`` whenever asked.

    ``settle`` is told the CPU: :func:`~actors.cpu.pin`, say.
    """
    settle(cpu)
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    count = _Count()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Smtp(count), "127.0.0.1", 0, backlog=512)
    pipe.send(server.sockets[0].getsockname()[1])
    while await loop.run_in_executor(None, pipe.recv) == "count":
        pipe.send((count.mails, count.last))
    server.close()
