"""One client's connection: waitress' channel, with the time limits and the manners that it lacks.

Everything but :meth:`Connection.service` and the tasks runs on the server's loop thread.
"""

import socket
from collections.abc import Callable
from threading import Lock
from typing import Any, Final, Protocol

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest, Error

from pushserver.api.envelope import CONTENT_TYPE, encode
from pushserver.api.limits import Limits
from pushserver.api.refusals import message_for

_LINGER: Final = 2.0
_DISCARD: Final = 65536


class Door(Protocol):
    """What a connection wants to know of the server that it came in through."""

    limits: Limits
    clock: Callable[[], float]
    draining: bool


class RequestTimeout(Error):  # noqa: N818 - HTTP's term, and waitress' Error is no exception
    """The request was not complete in time, in the way in which waitress notes errors."""

    code = 408
    reason = "Request Timeout"


class Parser(HTTPRequestParser):
    """Waitress' parser, with two of its faults mended."""

    def received(self, data: bytes) -> int:
        """Take as much of ``data`` as belongs to this request; the number of bytes taken."""
        taken = super().received(data)
        if self.completed:
            # Waitress says "100 Continue" even to a request that is complete or refused, and waits for more.
            self.expect_continue = False
        return taken

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the first line and the headers."""
        try:
            super().parse_header(header_plus)
        except ValueError:
            # "GET http://[", or a Content-Length of 5,000 digits: waitress logs a traceback and just closes.
            raise ParsingError("target or Content-Length invalid") from None


class EnvelopeErrorTask(ErrorTask):
    """Answers what waitress refuses itself (400, 408, 413, 431, 501): in the envelope, then closes."""

    def execute(self) -> None:
        """Write the answer."""
        error: Error = self.request.error  # type: ignore[attr-defined] # the stub takes the parser for the error
        detail = "HTTP报文格式错误" if error.code == BadRequest.code else ""
        body = encode(error.code, message_for(error.code), error=detail)
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [("Content-Type", CONTENT_TYPE)]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class AnswerTask(WSGITask):
    """Has the application answer; once the server drains, with the news that the connection ends here."""

    def write(self, data: bytes) -> None:
        """Send a part of the answer; one that is whole goes out with its headers, in one segment."""
        if self.wrote_header or not data or self.content_length != len(data) or not self.has_body:
            super().write(data)
            return
        self.channel.write_soon(self.build_response_header() + data)
        self.wrote_header = True
        self.content_bytes_written = len(data)

    def build_response_header(self) -> bytes:
        """The status line and the headers."""
        if self.channel.server.draining:  # type: ignore[attr-defined] # a Door
            self.request.headers["CONNECTION"] = "close"  # type: ignore[attr-defined] # a parser, unlike the stub
        return super().build_response_header()


class Connection(HTTPChannel):
    """A connection that is closed, or told off, when its client takes longer than :class:`Limits` allows."""

    parser_class = Parser
    task_class = AnswerTask
    error_task_class = EnvelopeErrorTask
    requests: list[HTTPRequestParser]
    requests_lock: Lock

    def __init__(self, server: Any, sock: socket.socket, addr: Any, adj: Any, map: Any = None) -> None:  # noqa: A002 - waitress' name
        self._door: Door = server
        now: float = server.clock()
        self._began_at = self._active_at = self._stalled_since = now
        self._unsent = 0
        self._linger_until: float | None = None
        self._refused = False
        super().__init__(server, sock, addr, adj, map=map)

    @property
    def quiet(self) -> bool:
        """Nothing is being received, worked on or sent."""
        return self.request is None and not self.requests and not self.total_outbufs_len

    def enforce_limits(self, now: float) -> None:
        """Close the connection, or refuse its request, if the client is over a limit at ``now``."""
        if not self.quiet:
            self._active_at = now
        if self._has_lingered(now) or self._leaves_answer_lying(now) or self._is_idle(now):
            self.handle_close()
        elif self._request_is_late(now):
            self._refuse_late_request()

    # Receiving ----------------------------------------------------------------------------------------

    def received(self, data: bytes) -> bool:
        """Take bytes from the client; notes when a request begins."""
        under_way = self.request
        self._active_at = self._door.clock()
        taken = super().received(data)
        if self.request is not under_way:
            self._began_at = self._active_at
        return taken

    def _request_is_late(self, now: float) -> bool:
        if self.request is None:
            return False
        if self.requests or self.total_outbufs_len:
            # The one before it is still being answered: nobody reads, so the client is not to blame.
            self._began_at = now
        return now > self._began_at + self._door.limits.read_timeout

    def _refuse_late_request(self) -> None:
        with self.requests_lock:
            if self.request is None or self.will_close or self.close_when_flushed:
                return
            self.request.error = RequestTimeout("")
            self.request.completed = True
            self.requests.append(self.request)
            self.request = None
        self.server.add_task(self)  # type: ignore[arg-type] # the stub wants a Task; waitress queues channels

    def _is_idle(self, now: float) -> bool:
        return now - self._active_at > self._door.limits.idle_timeout

    # Answering ----------------------------------------------------------------------------------------

    def service(self) -> None:
        """Answer one request, on a worker thread."""
        self._refused = self.requests[0].error is not None
        super().service()

    def _leaves_answer_lying(self, now: float) -> bool:
        if not self.total_outbufs_len or self.total_outbufs_len != self._unsent:
            self._unsent, self._stalled_since = self.total_outbufs_len, now
        return now - self._stalled_since > self._door.limits.write_timeout

    # Closing ------------------------------------------------------------------------------------------

    def handle_write(self) -> None:
        """Send what is to be sent, then close if that was asked for."""
        if not (self.close_when_flushed and self._refused):
            super().handle_write()
            return
        # Whoever is refused may still be sending. Closing now would answer those bytes with a reset, and the
        # client would never read why: say that we are done, and hear the rest out for a moment.
        self.close_when_flushed = False
        super().handle_write()
        if self.total_outbufs_len:
            self.close_when_flushed = True
        elif self.connected:
            self._linger()

    def _linger(self) -> None:
        self._linger_until = self._door.clock() + _LINGER
        try:
            self.socket.shutdown(socket.SHUT_WR)  # type: ignore[union-attr] # connected: there is one
        except OSError:
            self.handle_close()

    def _has_lingered(self, now: float) -> bool:
        return self._linger_until is not None and now > self._linger_until

    def readable(self) -> bool:
        """Whether there is anything to wait for from the client."""
        return self._linger_until is not None or super().readable()

    def writable(self) -> bool:
        """Whether there is anything to send, or to close, and nobody is at it."""
        return self._linger_until is None and bool(super().writable()) and not self._is_being_sent()

    def _is_being_sent(self) -> bool:
        """A worker sends the answer: all that the loop could do is ask again and again whether it is done.

        It would, without a pause, and with the interpreter lock that the worker needs back to finish. What a
        worker waits for the loop to do stays the loop's: to send what is above the watermark, and to close.
        """
        if self.will_close or self.close_when_flushed:
            return False
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            return False
        if not self.outbuf_lock.acquire(blocking=False):
            return True
        self.outbuf_lock.release()
        return False

    def write_soon(self, data: Any) -> int:
        """Send this, or as much as the client takes now; the rest is the loop's."""
        count = super().write_soon(data)
        if self.total_outbufs_len:
            self.server.pull_trigger()  # waitress does so while it holds the lock, and the loop looks away
        return count

    def handle_read(self) -> None:
        """Receive, or while lingering discard."""
        if self._linger_until is None:
            super().handle_read()
            return
        try:
            self.recv(_DISCARD)
        except OSError:
            self.handle_close()
