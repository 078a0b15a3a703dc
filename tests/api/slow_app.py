"""A WSGI application that takes as long as a test wants it to."""

import threading
from collections.abc import Callable, Iterable
from typing import Any


class SlowApp:
    """``begun`` counts the requests that have reached it; none is answered before ``finish`` is set."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.finish = threading.Event()
        self.body = b"done"

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.begun.release()
        self.finish.wait(30)
        start_response("200 OK", [("Content-Length", str(len(self.body)))])
        return [self.body]

    def has_begun(self) -> bool:
        return self.begun.acquire(timeout=10)
