"""Bursts through the running service: kills, what is seen of those who wait, and robots that always fail."""

import os
import random
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from statistics import median

import pytest

from pushserver.sandbox import Robot, Sandbox
from tests.system.burst import Burst
from tests.system.conftest import Serve
from tests.system.deadline import until
from tests.system.server_process import PushServer
from tests.system.setups import INLINE, Setup, group, setup, store_of
from tests.system.store_file import delivered_again, fates, unfinished

PUSHES = 250
KILLS = 3
FAILOVERS = 40
A_SECOND = 5
"""What Feishu takes, so that no more can be under way when a process is killed."""


def next_life(server: PushServer, victim: int) -> bool:
    return server.worker("delivery-0") != victim


def repeated(robot: Robot) -> int:
    """How many messages tell people what others had told them."""
    seen: set[str] = set()
    count = 0
    for message in robot.messages:
        markers = set(re.findall(r"<\d+\.\d+>", message.words))
        count += bool(markers & seen)
        seen |= markers
    return count


@pytest.mark.kill
def test_kills_in_a_burst_lose_nothing_and_no_robot_refuses_for_rate(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robot = sandbox.feishu("burst", rate=True)
    channel = group(robot, rate=["5/s", "90/min"])
    server = serve(setup(tmp_path, {"r": {"feishu": channel}}, processes={"gateway": 1, "delivery": 1}))
    moments = sorted(random.Random(7).sample(range(10, PUSHES), KILLS))
    with Burst(lambda: server.port, ("r",), PUSHES, threads=4) as burst:
        for moment in moments:
            burst.wait(moment)
            victim = server.worker("delivery-0")
            os.kill(victim, signal.SIGKILL)
            until(lambda: next_life(server, victim), "there is a next life")  # noqa: B023 - asked at once
        burst.wait(PUSHES)
    until(lambda: unfinished(store_of(tmp_path)) == 0, "everything has ended", 60.0)
    server.stop()
    ids = {push.task_id for push in burst.accepted}
    found = fates(store_of(tmp_path))
    assert {found[task_id] for task_id in ids} == {"completed"}
    assert [arrival.code for arrival in robot.arrivals if not arrival.accepted] == []
    assert delivered_again(store_of(tmp_path)) == 0
    assert repeated(robot) <= KILLS * A_SECOND
    words = "\n".join(message.words for message in robot.messages)
    assert [push for push in burst.accepted if push.marker not in words and push.task_id not in words] == []


def started(serve: Serve, directory: Path, platform: Setup, **sections: Setup) -> PushServer:
    return serve(setup(directory, {"ops": platform}, processes=INLINE, **sections))


def test_who_waits_is_seen_in_the_task_the_actors_and_the_metrics(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robot = sandbox.dingtalk("waits")
    channel = group(robot, rate="2/h", reserve="off")
    server = started(serve, tmp_path, {"dingtalk": channel}, digest={"enabled": False})
    ids = [server.client.push("ops", f"m{number}") for number in range(4)]
    server.client.ended(ids[1])
    waits = until(lambda: server.client.task(ids[3]).get("waiting_for"), "it waits")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", waits.pop("until"))
    assert waits == {"platform": "dingtalk", "target": "waits", "reason": "budget"}
    assert "waiting_for" not in server.client.task(ids[0])
    actors = server.client.ask("GET", "/api/v1/actors?kind=endpoint").data["actors"]
    (note,) = [actor["note"] for actor in actors if actor["address"].endswith("dingtalk/waits")]
    assert re.fullmatch(r"2 waiting, next in 3\d{3} s \(budget\); budget left: 0", note)
    metrics = server.client.ask("GET", "/metrics").body.decode()
    series = '{actor="recipients/ops/dingtalk/waits",platform="dingtalk",process="main-0"}'
    assert f"pushserver_endpoint_waiting_messages{series} 2.0" in metrics
    assert f"pushserver_endpoint_budget_left{series} 0.0" in metrics


def gaps(store: Path) -> list[float]:
    """Milliseconds from the attempt that was refused for an open breaker to the next one of its task."""
    query = (
        "SELECT after.started_at - before.started_at FROM attempts AS before "
        "JOIN attempts AS after ON after.task_id = before.task_id AND after.target = 'well' "
        "WHERE before.target = 'ill' AND before.detail LIKE 'not tried%'"
    )
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return [microseconds / 1000 for (microseconds,) in connection.execute(query)]


@pytest.mark.alone
def test_a_robot_that_always_fails_gets_probes_only_and_costs_the_others_nothing(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    ill, well = sandbox.dingtalk("ill"), sandbox.dingtalk("well")
    ill.answer("<html>", status=503, times=None)
    server = started(
        serve,
        tmp_path,
        {"dingtalk": group(ill, well)},
        breaker={"enabled": True, "failures": 5, "rest": 600},
    )
    for _ in range(FAILOVERS):
        task = server.client.outcome("ops", strategy="webhook_failover")
        assert task["status"] == "completed"
    assert (len(ill.arrivals), well.count) == (5, FAILOVERS)
    server.stop()
    found = gaps(store_of(tmp_path))
    assert len(found) == FAILOVERS - 5
    assert median(found) < 5.0
