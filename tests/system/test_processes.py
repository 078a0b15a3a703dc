"""Processes die, change their number and are stopped, all under load: nothing is lost, no other notices."""

import http.client
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from pushserver.sandbox import Robot, Sandbox
from pushserver.service import Layout
from tests.system.actor_list import Lives, actors, begun_anew, lives
from tests.system.burst import Accepted, Burst
from tests.system.deadline import until
from tests.system.server_process import PushServer
from tests.system.setups import group, setup, store_of
from tests.system.store_file import delivered_again, delivered_so_far, fates, unfinished

pytestmark = pytest.mark.kill

Serve = Callable[..., PushServer]

PUSHES = 10_000
KILLS = 10
"""Half of them for each of two processes of a kind: a sixth within a minute would end the service."""
SLOWEST_RECOVERY = 5.0
"""Seconds; on an idle machine well under one, plus a pause of up to one before the fifth successor."""
IN_HAND = 5
"""Sends of one endpoint that may be made again: under way, or on their way to the store, at a kill."""
ALIASES = ("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7")


def _robots(sandbox: Sandbox, name: str) -> dict[str, Robot]:
    return {alias: sandbox.feishu(f"{name}-{alias}") for alias in ALIASES}


def _recipients(robots: Mapping[str, Robot]) -> dict[str, Any]:
    return {alias: {"feishu": group(robot)} for alias, robot in robots.items()}


def _markers(robot: Robot, after: int = 0) -> list[str]:
    """The titles that have arrived after arrival number ``after``."""
    return [entry.words.split()[1] for entry in robot.journal.after(after) if entry.accepted]


# Killed ----------------------------------------------------------------------------------------------


@dataclass
class Deaths:
    """Kills workers, and keeps what there is to say about it.

    ``settled`` has, for each kill, the last arrival and what the store knew as delivered before it.
    """

    server: PushServer
    sandbox: Sandbox
    robots: Mapping[str, Robot]
    layout: Layout
    recoveries: list[float] = field(default_factory=list)
    settled: list[tuple[int, set[tuple[str, str]]]] = field(default_factory=list)
    disturbed: set[str] = field(default_factory=set)

    def kill(self, victim: str) -> None:
        before = until(self._lives, "all processes answer")
        pid = self.server.worker(victim)
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        known = delivered_so_far(store_of(self.server.directory))
        self.settled.append((self.sandbox.arrivals(limit=1)[-1].number, known))
        until(lambda: self.server.worker(victim) != pid, f"{victim} has a successor")
        self._wait_for_work_of(victim, pid)
        self.recoveries.append(time.monotonic() - began)
        others = {address: life for address, life in before.items() if not _is_of(address, victim)}
        after = until(lambda: self._lives(others), "the others answer")
        self.disturbed |= begun_anew(others, after)

    def _wait_for_work_of(self, victim: str, pid: int) -> None:
        if victim.startswith("gateway"):
            until(lambda: self._door_is_open(victim, pid), f"{victim} answers again")
        else:
            its = [robot for alias, robot in self.robots.items() if self.layout.owner(alias) == victim]
            count = sum(robot.journal.count for robot in its)
            until(lambda: sum(robot.journal.count for robot in its) > count, f"{victim} delivers again")

    def _door_is_open(self, gateway: str, dead: int) -> bool:
        with suppress(OSError, http.client.HTTPException):  # it was in the hands of the one that died
            shown = actors(self.server, address=f"/{gateway}", kind="door", state="running")
            return any(door["pid"] != dead for door in shown)
        return False

    def _lives(self, wanted: Lives | None = None) -> Lives | None:
        """Of all who are awake, once all that are wanted answer."""
        with suppress(OSError, http.client.HTTPException):
            found = lives(self.server)
            expected = [*wanted] if wanted else [f"/{process}" for process in self.layout.processes]
            return found if all(found.get(address, _NOBODY)[0] for address in expected) else None
        return None


_NOBODY = (None, 0.0)


def _is_of(address: str, process: str) -> bool:
    return address == f"/{process}" or address.startswith(f"/{process}/")


def _killed_under_load(deaths: Deaths, kind: str) -> Burst:
    chance = random.Random(20_241_203)
    victims = [f"{kind}-{number % 2}" for number in range(KILLS)]
    chance.shuffle(victims)
    moments = sorted(chance.sample(range(300, PUSHES * 6 // 10), KILLS))
    server = deaths.server
    with Burst(lambda: server.port, ALIASES, PUSHES) as burst:
        for moment, victim in zip(moments, victims, strict=True):
            burst.wait(moment)
            deaths.kill(victim)
            assert len(burst.accepted) < PUSHES, "the load has ended too early"
        burst.wait(PUSHES, 60)
    return burst


@pytest.mark.parametrize(
    ("kind", "layout", "repetitions"),
    [
        ("delivery", Layout(gateways=1, deliverers=2), KILLS * len(ALIASES) * IN_HAND),
        ("gateway", Layout(gateways=2, deliverers=1), 0),
    ],
    ids=["delivery", "gateway"],
)
def test_a_kind_of_process_is_killed_ten_times_and_nothing_is_lost_repeated_or_refused(
    kind: str, layout: Layout, *, repetitions: int, sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    sandbox.clear()
    robots = _robots(sandbox, f"ten-{kind}")
    processes = {"gateway": layout.gateways, "delivery": layout.deliverers}
    server = serve(setup(tmp_path, _recipients(robots), processes=processes))
    for alias in ALIASES:
        server.client.outcome(alias, title="warm-up")
    deaths = Deaths(server, sandbox, robots, layout)
    burst = _killed_under_load(deaths, kind)
    until(lambda: unfinished(store_of(tmp_path)) == 0, "everything has ended", 40)
    server.stop()

    shown = " ".join(f"{1000 * seconds:.0f}" for seconds in deaths.recoveries)
    print(f"{kind}: back after {shown} ms")  # noqa: T201 - the report itself
    assert burst.refused == 0, "connections wait in the backlog"
    assert deaths.disturbed == set(), "the others live on"
    assert max(deaths.recoveries) < SLOWEST_RECOVERY
    _nothing_lost(store_of(tmp_path), robots, burst.accepted)
    assert _repeated(deaths) == set()
    assert delivered_again(store_of(tmp_path)) == 0
    arrivals = Counter(marker for robot in robots.values() for marker in _markers(robot))
    del arrivals["warm-up"]
    assert arrivals.total() - len(arrivals) <= repetitions


def _nothing_lost(store: Path, robots: Mapping[str, Robot], accepted: Sequence[Accepted]) -> None:
    stored = fates(store)
    assert {stored.get(push.task_id) for push in accepted} == {"completed"}
    arrived = {alias: set(_markers(robot)) for alias, robot in robots.items()}
    assert [push for push in accepted if push.marker not in arrived[push.recipient]] == []


def _repeated(deaths: Deaths) -> set[tuple[str, str]]:
    """What has arrived although the store had its verdict."""
    return {
        (marker, robot.token)
        for number, known in deaths.settled
        for robot in deaths.robots.values()
        for marker in _markers(robot, number)
        if (marker, robot.token) in known
    }


# Changed in number -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after", "killed"), [(1, 3, False), (3, 1, True)])
def test_another_number_of_delivery_processes_loses_nothing_that_waits(
    before: int, after: int, *, killed: bool, sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    owners = [[Layout(1, number).owner(alias) for alias in ALIASES] for number in (before, after)]
    assert sum(old != new for old, new in zip(*owners, strict=True)) >= 3, "tasks change their process"
    robots = _robots(sandbox, f"from-{before}-to-{after}")
    content = setup(tmp_path, _recipients(robots), processes={"delivery": before, "shutdown_timeout": 1})
    server = serve(content)
    for robot in robots.values():
        robot.hang()
    titles = [f"<{number}>" for number in range(6)]
    tasks = [server.client.push(alias, title) for title in titles for alias in ALIASES]
    for robot in robots.values():
        robot.wait(1)
    if killed:
        server.kill()
    else:
        server.stop()
    assert unfinished(store_of(tmp_path)) == len(tasks)

    for robot in robots.values():
        robot.release()
    content["processes"]["delivery"] = after
    server.config.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    server.start()
    assert {server.client.ended(task)["status"] for task in tasks} == {"completed"}
    for robot in robots.values():
        assert Counter(_markers(robot)).keys() == set(titles)
        assert robot.count <= len(titles) + 1, "only what was in hand is sent again"


# Stopped and orphaned --------------------------------------------------------------------------------


@pytest.mark.alone
def test_a_full_house_stops_under_load_with_status_0_within_its_time_and_leaves_nobody(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robots = _robots(sandbox, "full-house")
    processes = {"gateway": 2, "delivery": 2, "shutdown_timeout": 5}
    server = serve(setup(tmp_path, _recipients(robots), processes=processes))
    with Burst(lambda: server.port, ALIASES, PUSHES) as burst:
        burst.wait(500)
        robots["r0"].hang()
        robots["r1"].hang()
        burst.wait(600)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.end() == 0
        assert time.monotonic() - began < 4 * 5, "each in turn may take its time, and does not"
        burst.end()
    assert server.pids == set()
    for robot in robots.values():
        robot.release()
    server.start()
    until(lambda: unfinished(store_of(tmp_path)) == 0, "the rest has gone out")
    server.stop()
    _nothing_lost(store_of(tmp_path), robots, burst.accepted)


@pytest.mark.alone
def test_workers_that_hang_in_sends_end_soon_when_the_root_is_killed(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robots = _robots(sandbox, "orphans")
    processes = {"gateway": 2, "delivery": 2, "shutdown_timeout": 1}
    server = serve(setup(tmp_path, _recipients(robots), queue={"timeout": 60}, processes=processes))
    for alias, robot in robots.items():
        robot.hang()
        server.client.push(alias)
        robot.wait(1)
    server.signal(signal.SIGKILL)
    began = time.monotonic()
    assert server.end() == -signal.SIGKILL
    until(lambda: not server.pids, "nobody is left")
    assert time.monotonic() - began < 10
