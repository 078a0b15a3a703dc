"""A server that does nothing by itself: a test turns its loop and its clock by hand."""

from collections import deque
from types import TracebackType
from typing import Any, Self

from waitress.channel import HTTPChannel

from pushserver.api import Limits, open_socket
from pushserver.api.acceptor import Acceptor
from pushserver.api.workers import Workers
from tests.api.raw_http import Wire


class _Inline(Workers):
    """Requests are answered when asked to, on the test's own thread."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: deque[Any] = deque()

    def add_task(self, task: Any) -> None:
        self.waiting.append(task)

    def work(self) -> None:
        while self.waiting:
            channel: HTTPChannel = self.waiting.popleft()
            channel.service()


class SteppedServer:
    def __init__(self, app: Any, **limits: Any) -> None:
        self.now = 1000.0
        self._workers = _Inline()
        self._socket = open_socket("127.0.0.1", 0)
        self.acceptor = Acceptor(app, self._socket, self._workers, Limits(**limits), lambda: self.now)
        self.acceptor._tick = 0.01
        self.acceptor.open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.acceptor.shut()
        self.acceptor.release()
        self._socket.close()

    def wire(self, **options: Any) -> Wire:
        return Wire(self._socket.getsockname(), **options)

    def turn(self) -> None:
        """One turn of the loop: wait for an event, let it happen, answer what has come in."""
        self.acceptor.poll()
        self._workers.work()

    def pass_time(self, seconds: float) -> None:
        """Move the clock on and have the connections look at it."""
        self.now += seconds
        self.acceptor.enforce_limits()
