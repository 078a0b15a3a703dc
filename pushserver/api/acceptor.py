"""Accepts connections and knows those that are open: waitress' server object, polled by whoever owns it."""

import logging
import socket
from collections.abc import Callable
from typing import Any, Final

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from pushserver.api.connection import Connection
from pushserver.api.limits import Limits
from pushserver.api.listening import BACKLOG

IDENT: Final = "PushServer"
"""The ``Server`` header; it does not help anybody to look up a version's weaknesses."""

_LONGEST_WAIT: Final = 0.5
_DRAINING_WAIT: Final = 0.05
_ACCEPT_PAUSE: Final = 0.5
_RECV_BYTES: Final = 65536

_log = logging.getLogger(__name__)


class Acceptor(TcpWSGIServer):
    """Accepts on a copy of ``sock``, holds connections to :class:`Limits`, lets go of them in order."""

    channel_class = Connection

    def __init__(
        self,
        app: Any,
        sock: socket.socket,
        workers: ThreadedTaskDispatcher,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.draining = False
        self._enforced_at = self._accept_again_at = clock()
        self._tick = (
            min(limits.read_timeout, limits.write_timeout, limits.idle_timeout, 4 * _LONGEST_WAIT) / 4
        )
        self._polled: dict[int, Any] = {}
        own = sock.dup()
        super().__init__(
            app,
            map=self._polled,
            _start=False,
            _sock=own,
            dispatcher=workers,
            adj=_adjustments(limits),
            sockinfo=(own.family, own.type, own.proto, own.getsockname()),
            bind_socket=False,
        )

    @property
    def connections(self) -> list[Connection]:
        """The connections that are open."""
        return list(self.active_channels.values())  # type: ignore[attr-defined] # a dict, unlike the stub

    def open(self) -> None:
        """Listen; connections are accepted from the next poll on."""
        self.accept_connections()

    def poll(self) -> None:
        """Wait for something to happen, a tick at most, and let it happen."""
        wasyncore.poll2(_DRAINING_WAIT if self.draining else self._tick, self._polled)

    def enforce_limits(self) -> None:
        """Have every connection look at the clock, once a tick."""
        now = self.clock()
        if now - self._enforced_at < self._tick:
            return
        self._enforced_at = now
        for connection in self.connections:
            connection.enforce_limits(now)

    def maintenance(self, now: float) -> None:
        """Waitress' own closing of idle connections: :meth:`enforce_limits` does that."""

    def readable(self) -> bool:
        """Whether to accept: not above the limit of connections, nor just after a failure."""
        return self.clock() >= self._accept_again_at and super().readable()

    def accept(self) -> Any:
        """Accept a connection, or ``None``; without a file descriptor left, not again for a moment."""
        try:
            return super().accept()
        except OSError as error:
            # The connection stays in the backlog, the socket readable: without a pause the loop would spin.
            self._accept_again_at = self.clock() + _ACCEPT_PAUSE
            reason = error.strerror
            _log.warning("暂时无法接受新的HTTP连接", extra={"action": "http_accept_failed", "error": reason})
            return None

    # Stopping, in this order --------------------------------------------------------------------------

    def begin_draining(self) -> None:
        """From any thread: have the loop drain."""
        self.draining = True
        self.pull_trigger()

    def stop_accepting(self) -> None:
        """Close the own copy of the listening socket."""
        wasyncore.dispatcher.close(self)

    def close_quiet_connections(self) -> None:
        """Close the connections on which nothing is under way."""
        for connection in self.connections:
            if connection.quiet:
                connection.handle_close()

    def shut(self) -> None:
        """Close every socket that is still open."""
        self.stop_accepting()
        for connection in self.connections:
            connection.handle_close()

    def release(self) -> None:
        """Close the pipe that workers wake the loop with.

        Only once they have ended: a late one would write its call to whatever has that number by then.
        """
        self.trigger.close()  # type: ignore[attr-defined] # a trigger object, unlike the stub


def _adjustments(limits: Limits) -> Adjustments:
    return Adjustments(
        ident=IDENT,
        backlog=BACKLOG,
        recv_bytes=_RECV_BYTES,
        # Waitress counts its own two files, the listening socket and the pipe, as well.
        connection_limit=limits.max_connections + 2,
        max_request_header_size=limits.max_header_bytes,
        max_request_body_size=limits.max_body_bytes,
        # A client that goes away is no news, and behind a proxy header stands nothing that we would believe.
        log_socket_errors=False,
        clear_untrusted_proxy_headers=False,
    )
