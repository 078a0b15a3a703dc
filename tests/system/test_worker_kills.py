"""One process of the service dies: the others live on, and what it had comes back."""

import os
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from pushserver.sandbox import Robot, Sandbox
from tests.system.burst import Accepted, Burst
from tests.system.deadline import until
from tests.system.server_process import PushServer, serving
from tests.system.setups import group, setup, store_of
from tests.system.store_file import unfinished

pytestmark = pytest.mark.kill

PUSHES = 600
WORKERS = {"gateway-0", "delivery-0", "delivery-1"}
ALIASES = ("r0", "r1", "r2", "r3")
"""Enough of them that both delivery processes have some."""


@pytest.fixture(scope="module")
def robots(sandbox: Sandbox) -> list[Robot]:
    return [sandbox.feishu(alias) for alias in ALIASES]


@pytest.fixture(scope="module")
def server(robots: list[Robot], tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServer]:
    directory = tmp_path_factory.mktemp("workers")
    recipients = {robot.token: {"feishu": group(robot)} for robot in robots}
    processes = {"gateway": 1, "delivery": 2}
    with serving(directory, setup(directory, recipients, processes=processes)) as server:
        yield server


def _burst(server: PushServer) -> Burst:
    return Burst(lambda: server.port, ALIASES, PUSHES, threads=4)


@pytest.fixture(autouse=True)
def _nothing_has_arrived(robots: list[Robot]) -> None:
    for robot in robots:
        robot.clear()


def _all_arrived(server: PushServer, robots: list[Robot], accepted: list[Accepted]) -> None:
    until(lambda: unfinished(store_of(server.directory)) == 0, "everything has ended")
    words = [entry.words for robot in robots for entry in robot.messages]
    markers = Counter(text.split()[1] for text in words)
    assert {push.marker for push in accepted} - markers.keys() == set()
    assert markers.total() - len(markers) <= 20, "only what was in hand is sent again"


@pytest.mark.parametrize("victim", ["delivery-0", "gateway-0"])
def test_a_worker_that_is_killed_comes_back_and_nobody_else_restarts(
    victim: str, server: PushServer, robots: list[Robot]
) -> None:
    before = {name: server.worker(name) for name in WORKERS}
    with _burst(server) as burst:
        burst.wait(PUSHES // 3)
        os.kill(before[victim], signal.SIGKILL)
        burst.wait(PUSHES)
    _all_arrived(server, robots, burst.accepted)
    assert burst.refused == 0, "connections wait in the backlog"
    after = {name: server.worker(name) for name in WORKERS}
    assert {name for name in WORKERS if before[name] != after[name]} == {victim}
    assert server.client.healthy()


@pytest.mark.parametrize("everything", [False, True], ids=["the root alone", "everything"])
def test_without_their_root_the_workers_end_and_the_next_start_finds_everything(
    everything: bool, server: PushServer, robots: list[Robot]
) -> None:
    with _burst(server) as burst:
        burst.wait(PUSHES // 3)
        if everything:
            server.kill()
        else:
            server.signal(signal.SIGKILL)
            assert server.end() == -signal.SIGKILL
        server.start()
        burst.wait(PUSHES)
    _all_arrived(server, robots, burst.accepted)
