"""What a service manager hears: the manager here is its socket."""

import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushserver.cli.service_manager import ServiceManager
from tests.cli.process import started


class Manager:
    def __init__(self, directory: Path) -> None:
        self.address = str(directory / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)

    def hears(self, word: str) -> str:
        """Wait for a message that begins so; those before it are let go."""
        self._socket.settimeout(20)
        while not (said := self._socket.recv(4096).decode()).startswith(word):
            pass
        return said

    def hears_nothing_for(self, seconds: float) -> bool:
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(4096)
        except TimeoutError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager() -> Iterator[Manager]:
    with tempfile.TemporaryDirectory() as directory:  # a socket's path must be short
        manager = Manager(Path(directory))
        yield manager
        manager.close()


def test_it_hears_that_the_service_is_ready_and_then_signs_of_life(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    with ServiceManager({"NOTIFY_SOCKET": manager.address}) as line:
        line.ready("服务已启动", lambda: True)
        assert manager.hears("READY") == "READY=1\n"
        assert manager.hears("STATUS") == "STATUS=服务已启动\n"
        assert [manager.hears("WATCHDOG") for _ in range(3)] == ["WATCHDOG=1\n"] * 3


def test_it_hears_nothing_of_a_service_that_hangs(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    with ServiceManager({"NOTIFY_SOCKET": manager.address}) as line:
        line.ready("服务已启动", lambda: False)
        manager.hears("STATUS")
        assert manager.hears_nothing_for(0.15)


def test_the_signs_end_with_the_service(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    with ServiceManager({"NOTIFY_SOCKET": manager.address}) as line:
        line.ready("服务已启动", lambda: True)
        manager.hears("WATCHDOG")
    while not manager.hears_nothing_for(0.05):
        pass
    assert manager.hears_nothing_for(0.1)


def test_workers_do_not_inherit_it(manager: Manager) -> None:
    environment = {"NOTIFY_SOCKET": manager.address}
    with ServiceManager(environment):
        assert environment == {}


def test_without_one_nothing_happens() -> None:
    with ServiceManager({}) as line:
        line.ready("服务已启动", lambda: True)
        line.say("正在停止")


def test_one_that_is_gone_is_no_reason_to_stop(manager: Manager) -> None:
    with ServiceManager({"NOTIFY_SOCKET": manager.address}) as line:
        Path(manager.address).unlink()
        line.ready("服务已启动", lambda: True)


def test_the_command_tells_the_manager_that_started_it(
    manager: Manager, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    with started("serve", "--config", str(config), cwd=config.parent) as process:
        assert manager.hears("READY") == "READY=1\n"
        assert manager.hears("STATUS").startswith("STATUS=服务已启动 http://127.0.0.1:")
        manager.hears("WATCHDOG")
        process.signal(signal.SIGTERM)
        assert process.end().code == 0
