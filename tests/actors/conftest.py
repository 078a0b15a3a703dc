"""A stage for each test; when the test is over, every actor's thread has to be over as well."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from actors import ActorSystem, ChildSpec, ManualClock
from tests.actors.cast import PATIENCE, Player, Stage, Troupe, Understudy

Run = Callable[..., ActorSystem]


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.curtain.set()


@pytest.fixture(params=[Player, Understudy], ids=["own_threads", "lent_turns"])
def troupe(stage: Stage, request: pytest.FixtureRequest) -> Troupe:
    """All that an actor may rely on holds on its own thread and on others'."""
    return Troupe(stage, request.param)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def run(troupe: Troupe, stage: Stage) -> Iterator[Run]:
    """Start a system of the given children; end it, and look for threads left over, after the test."""
    before = set(threading.enumerate())
    running: list[ActorSystem] = []

    def start(children: Mapping[str, ChildSpec], **options: Any) -> ActorSystem:
        system = troupe.system(children, **options)
        running.append(system)
        system.start()
        return system

    yield start
    stage.curtain.set()
    for system in running:
        system.stop(grace=1.0)
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert not left, f"threads left over: {left}"
