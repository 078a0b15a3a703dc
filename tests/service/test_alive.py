"""Whether a service looks after itself, for the manager that restarts it otherwise."""

import threading
from pathlib import Path

import pytest

from pushserver.config import load
from pushserver.sandbox import Sandbox
from pushserver.service import Service
from tests.cli.configurations import configuration, written
from tests.system.deadline import until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Sandbox() as sandbox:
        return written(tmp_path / "config.yaml", configuration(tmp_path, sandbox.feishu("any")))


def test_one_process_is_alive_while_its_scheduler_turns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pushserver.service.service._SILENCE", 1.5)
    release = threading.Event()
    with Service(load(path, {}).settings) as service:
        assert service.alive
        service.crew.system.scheduler.soon(lambda: release.wait(20))  # type: ignore[attr-defined] # the crew of one process
        until(lambda: not service.alive, "the silence is noticed")
        release.set()
        until(lambda: service.alive, "it lives again")


def test_several_processes_are_alive_while_their_root_is(path: Path) -> None:
    settings = load(path, {}).settings
    several = settings.model_copy(
        update={"processes": settings.processes.model_copy(update={"inline": False, "delivery": 1})}
    )
    service = Service(several)
    service.start()
    try:
        assert service.alive
    finally:
        service.stop()
    assert not service.alive
