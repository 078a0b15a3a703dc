"""A worker that is stopped is as good as dead: it is noticed, killed and replaced, whatever it holds."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pushserver.sandbox import Robot, Sandbox
from tests.system.burst import Accepted, Burst
from tests.system.deadline import until
from tests.system.server_process import PushServer
from tests.system.setups import group, setup, store_of
from tests.system.store_file import locked, slow_inserts, unfinished

pytestmark = pytest.mark.kill

Serve = Callable[..., PushServer]

WORKERS = {"gateway-0", "delivery-0", "delivery-1"}
ALIASES = ("r0", "r1", "r2", "r3")
PUSHES = 100_000
"""More than there is time for."""
NOTICED_WITHIN = 15.0
"""Seconds; the root's patience is five."""
TRIES = 500


@pytest.fixture
def robots(sandbox: Sandbox) -> Iterator[list[Robot]]:
    robots = [sandbox.feishu(f"frozen-{alias}") for alias in ALIASES]
    yield robots
    for robot in robots:
        sandbox.remove(robot)


@pytest.fixture
def server(robots: list[Robot], serve: Serve, tmp_path: Path) -> PushServer:
    recipients = {alias: {"feishu": group(robot)} for alias, robot in zip(ALIASES, robots, strict=True)}
    return serve(setup(tmp_path, recipients, processes={"gateway": 1, "delivery": 2}))


def _stop_in_a_transaction(server: PushServer, pid: int, burst: Burst) -> None:
    """Stop a process again and again, at random moments, until it holds the store's write lock."""
    chance = random.Random(7)
    store = store_of(server.directory)
    for _ in range(TRIES):
        burst.wait(len(burst.accepted) + 1)
        threading.Event().wait(chance.uniform(0.001, 0.03))  # not right after a commit of the gateway's
        os.kill(pid, signal.SIGSTOP)
        if locked(store, 0.03) and locked(store):
            return
        os.kill(pid, signal.SIGCONT)
    raise AssertionError(f"it was never caught in {TRIES} tries")


def _wait_for_successors(server: PushServer, before: dict[str, int], victims: set[str]) -> None:
    for victim in victims:
        until(
            lambda victim=victim: server.worker(victim) != before[victim],  # type: ignore[misc] # its default
            f"{victim} is replaced",
            NOTICED_WITHIN,
        )


def _all_arrived(server: PushServer, robots: list[Robot], accepted: Sequence[Accepted]) -> None:
    until(lambda: unfinished(store_of(server.directory)) == 0, "everything has ended", 40)
    markers = {entry.words.split()[1] for robot in robots for entry in robot.messages}
    assert {push.marker for push in accepted} - markers == set()


@pytest.mark.parametrize(("victim", "writes"), [("delivery-0", "attempts"), ("gateway-0", "tasks")])
def test_one_stopped_inside_a_write_transaction_is_killed_and_the_store_is_free(
    victim: str, writes: str, server: PushServer, robots: list[Robot]
) -> None:
    before = {name: server.worker(name) for name in WORKERS}
    with Burst(lambda: server.port, ALIASES, PUSHES, threads=4) as burst:
        with slow_inserts(store_of(server.directory), writes):
            _stop_in_a_transaction(server, before[victim], burst)
            began = time.monotonic()
            _wait_for_successors(server, before, {victim})
            print(f"{victim} was replaced after {time.monotonic() - began:.1f} s")  # noqa: T201 - the report itself
            until(lambda: not locked(store_of(server.directory)), "the store is free")
        burst.wait(len(burst.accepted) + 100)
        burst.end()
    assert "no heartbeat" in server.logs
    after = {name: server.worker(name) for name in WORKERS}
    assert {name for name in WORKERS if before[name] != after[name]} == {victim}
    _all_arrived(server, robots, burst.accepted)
    until(server.client.healthy, "all is well")


def test_several_that_are_stopped_are_replaced_and_their_tasks_are_taken_up(
    server: PushServer, robots: list[Robot]
) -> None:
    before = {name: server.worker(name) for name in WORKERS}
    victims = {"delivery-0", "delivery-1"}
    for robot in robots:
        robot.hang()
    tasks = [server.client.push(alias) for alias in ALIASES for _ in range(3)]
    for robot in robots:
        robot.wait(1)
    for victim in victims:
        os.kill(before[victim], signal.SIGSTOP)
    tasks += [server.client.push(alias) for alias in ALIASES]
    _wait_for_successors(server, before, victims)
    for robot in robots:
        robot.release()
    assert {server.client.ended(task)["status"] for task in tasks} == {"completed"}
    assert server.worker("gateway-0") == before["gateway-0"]
    until(server.client.healthy, "all is well")
