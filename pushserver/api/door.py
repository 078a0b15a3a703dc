"""The HTTP door as an actor: supervised, restartable, and noticed when its loop ends by itself."""

from collections.abc import Callable
from dataclasses import dataclass

from actors import Actor, Context, receives
from pushserver.api.server import HttpServer

CHECK_INTERVAL = 1.0
"""Seconds between two looks at the server's loop."""


@dataclass(frozen=True, slots=True)
class _Check:
    """The door's reminder."""


class HttpDoor(Actor):
    """Runs an HTTP server; the listening socket is somebody else's and survives it."""

    def __init__(self, context: Context, *, server: Callable[[], HttpServer], drain: float) -> None:
        super().__init__(context)
        self._server = server()
        self._drain = drain

    def on_start(self) -> None:
        """Accept connections, those that waited in the backlog first."""
        self._server.start()
        self.after(CHECK_INTERVAL, _Check())

    def on_stop(self) -> None:
        """Finish what is under way, up to ``drain`` seconds."""
        self._server.stop(self._drain)

    @receives(_Check)
    def check(self, _: _Check) -> None:
        """Crash if the server has: the supervisor opens the door anew."""
        if not self._server.alive:
            raise RuntimeError("the HTTP server's loop has ended")
        self.after(CHECK_INTERVAL, _Check())
