"""SIGUSR1 at a real service of several processes."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.deadline import until
from tests.system.server_process import PushServer, serving
from tests.system.setups import setup

RECIPIENTS = {"ops": {"system": {"notifications": [{"type": "console"}]}}}
PROCESSES = {"gateway": 1, "delivery": 1, "shutdown_timeout": 10}
EVERYBODY = 3
"""The root, a gateway and a deliverer."""

pytestmark = pytest.mark.kill


class Log:
    """What the service has logged since this was made."""

    def __init__(self, server: PushServer) -> None:
        self._path = server.directory / "log" / "app.log"
        self._seen = len(self._lines())

    def _lines(self) -> list[str]:
        return self._path.read_text(encoding="utf-8").splitlines()

    @property
    def switches(self) -> list[str]:
        """The levels that processes have switched to, in order."""
        lines = [json.loads(line) for line in self._lines()[self._seen :]]
        return [line["to"] for line in lines if line.get("action") == "log_level_changed"]

    def wait_for(self, to: str, times: int = EVERYBODY) -> None:
        until(lambda: Counter(self.switches)[to] >= times, f"{times} processes have switched to {to}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServer]:
    directory = tmp_path_factory.mktemp("service")
    with serving(directory, setup(directory, RECIPIENTS, processes=PROCESSES)) as server:
        yield server
        server.stop()


@pytest.fixture
def log(server: PushServer) -> Iterator[Log]:
    """Every test begins and ends at info."""
    yield Log(server)
    ending = Log(server)
    os.kill(root_of(server), signal.SIGUSR1)
    ending.wait_for("info")


def root_of(server: PushServer) -> int:
    return server._running.pid


def test_a_signal_to_the_root_switches_all_processes_and_another_one_back(
    server: PushServer, log: Log
) -> None:
    for level in ("debug", "info", "debug"):
        before = Log(server)
        os.kill(root_of(server), signal.SIGUSR1)
        before.wait_for(level)
    assert Counter(log.switches) == {"debug": 2 * EVERYBODY, "info": EVERYBODY}


def test_a_signal_to_every_process_of_the_service_does_the_same_and_ends_none(
    server: PushServer, log: Log
) -> None:
    """What ``systemctl kill --signal=SIGUSR1`` does by default; the fork server is among them."""
    os.killpg(root_of(server), signal.SIGUSR1)
    log.wait_for("debug")
    assert server.client.healthy()
    assert Counter(log.switches) == {"debug": EVERYBODY}


def test_a_worker_that_comes_back_has_the_level_that_the_others_have(server: PushServer, log: Log) -> None:
    os.kill(root_of(server), signal.SIGUSR1)
    log.wait_for("debug")
    os.kill(_pid_of("pushserver: delivery-0", root_of(server)), signal.SIGKILL)
    log.wait_for("debug", EVERYBODY + 1)
    assert log.switches == ["debug"] * (EVERYBODY + 1)


def _pid_of(title: str, session: int) -> int:
    """The process of this title in the session of the service."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is(entry, title) and os.getsid(int(entry.name)) == session:
            return int(entry.name)
    raise AssertionError(f"there is no {title}")


def _is(entry: Path, title: str) -> bool:
    try:
        return (entry / "cmdline").read_bytes().rstrip(b"\0 ").decode() == title
    except (OSError, UnicodeDecodeError):
        return False
