"""A small HTTP/1.1 server: keep-alive, one write an answer, and manners that no polite server has.

It stands on an event loop rather than on threads, so that an answer that is held back, delayed or dripping
costs no thread, and a bench on one core is not about the interpreter's lock.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable
from functools import partial
from typing import Protocol

from pushserver.sandbox.answer import PLAIN, Answer, Reply
from pushserver.sandbox.request import Head, MalformedRequest, Request, RequestParser

_log = logging.getLogger(__name__)

_BACKLOG = 1024
_RESET = struct.pack("ii", 1, 0)

Handler = Callable[[Request], Reply]


class Application(Protocol):
    """What the server serves."""

    def open(self, head: Head) -> Handler | None:
        """Who answers this request, decided before its body is read; ``None`` resets the connection."""


class HttpServer:
    """Serves ``application`` on a listening socket, on the loop that runs it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self, sock: socket.socket) -> None:
        """Accept connections on ``sock``, which is bound already."""
        loop = asyncio.get_running_loop()
        build = partial(Connection, self._application, self._connections, loop)
        self._server = await loop.create_server(build, sock=sock, backlog=_BACKLOG)

    async def stop(self) -> None:
        """Close the socket and every connection, whatever it waits for."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.sleep(0)


class Connection(asyncio.Protocol):
    """One client: reads a request, has it answered, then reads the next."""

    def __init__(
        self, application: Application, everybody: "set[Connection]", loop: asyncio.AbstractEventLoop
    ) -> None:
        self._application = application
        self._everybody = everybody
        self._loop = loop
        self._transport: asyncio.Transport
        self._parser: RequestParser
        self._head: Head | None = None
        self._handler: Handler | None = None
        self._answering = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start reading."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows asyncio's wider type
        self._transport = transport
        # There is no peer name when the client is gone before its connection was taken from the backlog.
        self._parser = RequestParser((transport.get_extra_info("peername") or ("",))[0])
        self._everybody.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the client and what was still to be said to it."""
        self._everybody.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete, in order."""
        self._parser.feed(data)
        self._advance()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _advance(self) -> None:
        try:
            while not self._answering and not self._transport.is_closing() and self._step():
                pass
        except MalformedRequest as fault:
            text = f"The sandbox speaks HTTP/1.1 and found {fault}.\n"
            self._transport.write(Answer(400, text.encode(), PLAIN).wire(keep_alive=False))
            self._transport.close()

    def _step(self) -> bool:
        """Take one head or one body from the parser; whether there was one."""
        if self._head is None:
            return self._begin()
        body = self._parser.body()
        if body is None:
            return False
        self._answer(Request(self._head, body))
        return True

    def _begin(self) -> bool:
        head = self._parser.head()
        if head is None:
            return False
        self._handler = self._application.open(head)
        if self._handler is None:
            self._reset()
        else:
            self._head = head
            if head.headers.get("expect", "").lower() == "100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _answer(self, request: Request) -> None:
        self._answering = True
        try:
            reply = self._handler(request) if self._handler else Reply(None)
        except Exception:  # noqa: BLE001 - whoever waits for an answer gets one
            _log.exception("a sandbox handler failed")
            reply = Reply(Answer(500, b"The sandbox itself failed; its log says why.\n", PLAIN))
        if reply.gate is None:
            self._after_gate(reply)
        else:
            reply.gate.when_open(partial(self._loop.call_soon_threadsafe, self._passed_gate, reply))

    def _passed_gate(self, reply: Reply) -> None:
        self._after_gate(reply)
        self._advance()

    def _after_gate(self, reply: Reply) -> None:
        if reply.delay:
            self._timer = self._loop.call_later(reply.delay, self._passed_delay, reply)
        else:
            self._after_delay(reply)

    def _passed_delay(self, reply: Reply) -> None:
        self._after_delay(reply)
        self._advance()

    def _after_delay(self, reply: Reply) -> None:
        head = self._head
        if head is None or reply.answer is None or self._transport.is_closing():
            self._transport.close()
            return
        wire = reply.answer.wire(keep_alive=head.keep_alive, with_body=head.method != "HEAD")
        if reply.drip:
            self._drip(wire, reply.drip)
        else:
            self._transport.write(wire)
            self._finish(head)

    def _drip(self, rest: bytes, interval: float) -> None:
        self._transport.write(rest[:1])
        if len(rest) > 1:
            self._timer = self._loop.call_later(interval, self._drip, rest[1:], interval)
        elif self._head is not None:
            self._finish(self._head)
            self._advance()

    def _finish(self, head: Head) -> None:
        self._head, self._answering = None, False
        if not head.keep_alive:
            self._transport.close()

    def _reset(self) -> None:
        """Close with a RST, as a machine that fell over would."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()
