"""The SMTP door as an actor: supervised, restartable by itself, and noticed when its loop ends or hangs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from actors import Actor, Context, receives
from pushserver.relay.server import SmtpServer

CHECK_INTERVAL: Final = 1.0
"""Seconds between two looks at the server's loop."""
LONGEST_SILENCE: Final = 15.0
"""Seconds after which a loop that gives nobody a turn is given up."""


@dataclass(frozen=True, slots=True)
class _Check:
    """The door's reminder."""


class SmtpDoor(Actor):
    """Runs an SMTP server; the listening socket is somebody else's and survives it.

    Started means that a client has been greeted.
    """

    def __init__(self, context: Context, *, server: Callable[[], SmtpServer], drain: float) -> None:
        super().__init__(context)
        self._make_server = server
        self._server: SmtpServer | None = None
        self._drain = drain

    def on_start(self) -> None:
        """Accept connections, those that waited in the backlog first."""
        self._server = self._make_server()
        self._server.start()
        self.after(CHECK_INTERVAL, _Check())

    def on_stop(self) -> None:
        """Finish what is under way, up to ``drain`` seconds."""
        self._close(self._drain)

    def on_failure(self, *_: object) -> None:
        """Cut everything off: my successor is about to serve on the same socket."""
        self._close(0.0)

    def can_sleep(self) -> bool:
        """Never: clients come unannounced."""
        return False

    @receives(_Check)
    def check(self, _: _Check) -> None:
        """Crash if the server has: the supervisor opens the door anew."""
        assert self._server is not None  # noqa: S101 - nothing is handled before on_start
        if not self._server.alive:
            raise RuntimeError("the SMTP server's loop has ended")
        if self._server.silent_for > LONGEST_SILENCE:
            raise RuntimeError(f"the SMTP server's loop has given nobody a turn for {LONGEST_SILENCE:g} s")
        self.after(CHECK_INTERVAL, _Check())

    def _close(self, drain: float) -> None:
        if self._server is not None:
            self._server.stop(drain)
