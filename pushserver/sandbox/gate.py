"""Something to wait behind without a thread: callbacks run when the gate opens."""

import threading
from collections.abc import Callable


class Gate:
    """Shut until :meth:`open` is called, from any thread; it never shuts again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened = False
        self._waiting: list[Callable[[], object]] = []

    def when_open(self, call: Callable[[], object]) -> None:
        """Run ``call`` when the gate opens, in the thread that opens it; at once if it stands open."""
        with self._lock:
            if not self._opened:
                self._waiting.append(call)
                return
        call()

    def open(self) -> None:
        """Let everybody through."""
        with self._lock:
            self._opened = True
            waiting, self._waiting = self._waiting, []
        for call in waiting:
            call()
