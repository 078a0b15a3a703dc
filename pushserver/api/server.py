"""The HTTP server: waitress on a given socket, with time limits that hold and a stop that ends.

Waitress closes a server by cutting everything off, and its loop ends only when its last connection has. Here
the loop is our own: it enforces the limits of :class:`Connection` between two polls, and it drains.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from pushserver.api.acceptor import Acceptor
from pushserver.api.limits import Limits
from pushserver.api.workers import Workers

_LAST_GRACE: Final = 0.5

_log = logging.getLogger(__name__)


class HttpServer:
    """Serves a WSGI application on ``sock`` with a loop thread and ``threads`` worker threads.

    The given socket stays the caller's and stays open: while one server has stopped and its successor has not
    yet started, connections wait in the backlog. A server is started once; ``clock`` is monotonic.
    """

    def __init__(
        self,
        app: Any,
        sock: socket.socket,
        *,
        threads: int = 8,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._threads = threads
        self._workers = Workers()
        self._acceptor = Acceptor(app, sock, self._workers, limits or Limits(), clock)
        self._loop = threading.Thread(target=self._run, name="http-loop", daemon=True)
        self._stop_by = 0.0
        self._cut_off = False

    @property
    def alive(self) -> bool:
        """Whether the loop runs: false before the start, after the stop, and should it ever crash."""
        return self._loop.is_alive()

    def start(self) -> None:
        """Begin to accept; connections that wait in the backlog come first."""
        self._acceptor.open()
        self._workers.set_thread_count(self._threads)
        self._loop.start()

    def stop(self, deadline: float = 10.0) -> bool:
        """Accept no more, let idle connections go, finish the busy ones; at the deadline cut off the rest.

        Returns true if nothing had to be cut off and all threads have ended. ``deadline`` is in seconds from
        now; a worker that is still busy then is left behind, a daemon thread without a connection.
        """
        self._stop_by = self._clock() + deadline
        if self.alive:
            self._acceptor.begin_draining()
            self._loop.join()
        self._acceptor.shut()
        ended = self._workers.end(max(self._stop_by - self._clock(), _LAST_GRACE))
        if ended:
            self._acceptor.release()
        return ended and not self._cut_off

    # The loop -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._drained():
                self._acceptor.poll()
                self._acceptor.enforce_limits()
        except Exception:  # noqa: BLE001 - whatever it is, `alive` says so and the supervisor acts
            self._cut_off = True
            _log.exception("HTTP服务循环异常终止", extra={"action": "http_loop_crashed"})
        finally:
            self._acceptor.shut()

    def _drained(self) -> bool:
        acceptor = self._acceptor
        if not acceptor.draining:
            return False
        if acceptor.accepting:
            # One more poll after this one: what was accepted last has its request in the kernel by now.
            acceptor.stop_accepting()
            return False
        acceptor.close_quiet_connections()
        self._cut_off = bool(acceptor.connections) and self._clock() >= self._stop_by
        return self._cut_off or not acceptor.connections
