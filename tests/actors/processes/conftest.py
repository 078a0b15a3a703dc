"""Roots in a thread of the test, services as programs of their own; nothing of them outlives its test."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from actors.processes import Child, Network, ProcessSpec, Root
from tests.actors.cast import Stage, until
from tests.actors.processes.town import Town
from tests.actors.processes.workers import PATIENCE, Ear

REPOSITORY = Path(__file__).parents[3]


class Running:
    """A root that works in a thread; its exit status once it has ended."""

    def __init__(self, specs: Sequence[ProcessSpec], **options: Any) -> None:
        self.ready = threading.Event()
        self.root = Root(
            specs, on_ready=self.ready.set, preload=["tests.actors.processes.workers"], **options
        )
        self.status: int | None = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def child(self, name: str) -> Child:
        (found,) = (child for child in self.root.children if child.spec.name == name)
        return found

    def wait_until_ready(self) -> None:
        assert self.ready.wait(PATIENCE)

    def end(self) -> int | None:
        """Wait for the end."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the root does not end"
        return self.status

    def stop(self) -> int | None:
        self.root.request_stop()
        return self.end()

    def _run(self) -> None:
        try:
            self.status = self.root.run()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error


class Program:
    """A service that runs by itself, leader of a process group."""

    def __init__(self, ear: Ear, kind: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.actors.processes.service", ear.path, kind],
            cwd=REPOSITORY,
            start_new_session=True,
            stderr=subprocess.PIPE,
        )

    def family(self) -> list[int]:
        """All processes below it: workers, fork server, resource tracker."""
        return descendants(self.process.pid)

    def end(self) -> int:
        try:
            return self.process.wait(PATIENCE)
        finally:
            assert self.process.stderr is not None
            self.process.stderr.close()


def descendants(pid: int) -> list[int]:
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    return children + [below for child in children for below in descendants(child)]


def freeze(pid: int) -> None:
    """Stop a process; it may do a little more after the signal has been sent."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "T")


def wait_for_end(pid: int, seconds: float = PATIENCE) -> bool:
    """True once a process, not of our own children, has ended."""
    try:
        file = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        ready, _, _ = select.select([file], [], [], seconds)
        return bool(ready)
    finally:
        os.close(file)


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[Ear]:
    ear = Ear(tmp_path)
    yield ear
    ear.close()


Supervise = Callable[..., Running]


@pytest.fixture
def supervise(ear: Ear) -> Iterator[Supervise]:
    """Run a root over some specs; it is stopped at once, if it has not ended, after the test."""
    running: list[Running] = []

    def start(*specs: ProcessSpec, **options: Any) -> Running:
        running.append(Running(specs, **options))
        return running[-1]

    yield start
    for one in running:
        one.root.request_stop()
        one.root.request_stop()
        one.end()


RunProgram = Callable[[str], Program]


@pytest.fixture
def program(ear: Ear) -> Iterator[RunProgram]:
    """Run a service of its own; whatever is left of it after the test is killed."""
    programs: list[Program] = []

    def start(kind: str) -> Program:
        programs.append(Program(ear, kind))
        return programs[-1]

    yield start
    for one in programs:
        with suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGKILL)
        one.end()


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Network(str(tmp_path), b"a secret")


@pytest.fixture
def town(stage: Stage, network: Network) -> Iterator[Town]:
    """A place for systems that talk to one another; no thread is left when it is closed."""
    before = set(threading.enumerate())
    town = Town(stage, network)
    yield town
    town.close()
    left = set(threading.enumerate()) - before
    for thread in left:
        thread.join(PATIENCE)
    assert not [thread.name for thread in left if thread.is_alive()]
