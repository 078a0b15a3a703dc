import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from falcon import testing

from pushserver.api import HttpServer, Limits, create_app, open_socket
from tests.api.api_parts import Parts
from tests.api.raw_http import Wire
from tests.api.slow_app import SlowApp


@pytest.fixture
def parts() -> Parts:
    return Parts()


class LocalClient(testing.TestClient):
    """Stands at the machine itself, unless a request says where else."""

    def simulate_request(self, *args: Any, remote_addr: str = "127.0.0.1", **kwargs: Any) -> testing.Result:
        return super().simulate_request(*args, remote_addr=remote_addr, **kwargs)


@pytest.fixture
def client(parts: Parts) -> testing.TestClient:
    return LocalClient(create_app(parts.dependencies()))


@pytest.fixture
def local_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets the time zone of the process for one test."""

    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


@dataclass
class Served:
    """A server at work, and where it is."""

    server: HttpServer
    address: Any

    def wire(self, **options: Any) -> Wire:
        return Wire(self.address, **options)


@pytest.fixture
def serve(parts: Parts) -> Iterator[Callable[..., Served]]:
    """Starts servers on free ports; they are stopped after the test."""
    with ExitStack() as stack:

        def start(app: Any = None, host: str = "127.0.0.1", threads: int = 4, **limits: Any) -> Served:
            sock = stack.enter_context(open_socket(host, 0))
            app = app or create_app(parts.dependencies())
            server = HttpServer(app, sock, threads=threads, limits=Limits(**limits))
            stack.callback(server.stop, 5.0)
            server.start()
            return Served(server, sock.getsockname())

        yield start


@pytest.fixture
def slow() -> Iterator[SlowApp]:
    """An application whose answers the test holds back; all are let go at the end."""
    app = SlowApp()
    yield app
    app.finish.set()
