"""What crashes on every message: parked where it concerns one name, else the end of the service."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from pushserver.cli import exit_codes
from pushserver.sandbox import Robot, Sandbox
from tests.system.actor_list import actors
from tests.system.api_client import push_body
from tests.system.burst import Burst
from tests.system.cpu_watch import CpuWatch
from tests.system.deadline import until
from tests.system.server_process import ROOT, PushServer
from tests.system.setups import INLINE, group, setup

pytestmark = [pytest.mark.kill, pytest.mark.alone]

Serve = Callable[..., PushServer]
Setup = dict[str, Any]

SEVERAL = {"gateway": 1, "delivery": 1, "shutdown_timeout": 1}
IDLE = 0.3
"""Of one CPU; what loops uses all of it."""
STARTING = 0.7
"""The same while workers start again and again."""


def _faulty(part: str) -> dict[str, str]:
    return {"PYTHONPATH": f"{Path(__file__).parent / 'with_faults'}:{ROOT}", "FAULTY": part}


def _rate(server: PushServer, robots: dict[str, Robot], pushes: int) -> float:
    """Messages a second that arrive at these robots."""
    due = sum(robot.count for robot in robots.values()) + pushes
    began = time.monotonic()
    with Burst(lambda: server.port, tuple(robots), pushes, threads=4) as burst:
        burst.wait(pushes)
        until(lambda: sum(robot.count for robot in robots.values()) >= due, "all have arrived")
    return pushes / (time.monotonic() - began)


def test_a_recipient_that_always_crashes_is_parked_and_all_others_keep_their_rate(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    others = {f"well-{number}": sandbox.feishu(f"well-{number}") for number in range(4)}
    robots = others | {"ill": sandbox.feishu("ill")}
    recipients = {alias: {"feishu": group(robot)} for alias, robot in robots.items()}
    fault = _faulty("/delivery-0/recipients/ill")
    server = serve(setup(tmp_path, recipients, processes=SEVERAL), fault)
    before = _rate(server, others, 1000)
    with Burst(lambda: server.port, ("ill",), 100_000, threads=1) as burst:
        burst.wait(20)
        beside = _rate(server, others, 1000)
    print(f"{before:.0f}/s alone, {beside:.0f}/s beside one that crashes")  # noqa: T201 - the report itself
    assert beside > 0.4 * before, "of which a part is what the ill one's callers take"

    def parked() -> dict[str, Any] | None:
        shown = actors(server, address="recipients/ill")
        return next((actor for actor in shown if actor["state"] == "restarting"), None)

    ill = until(parked, "it is parked")
    assert ill["failures"] < 20
    assert "injected" in ill["last_error"]
    with CpuWatch(server) as cpu:
        threading.Event().wait(3)  # what is measured is that nothing happens
    assert cpu.share < IDLE
    assert {server.client.outcome(alias)["status"] for alias in others} == {"completed"}
    assert server.client.healthy(), "it is one recipient's fault"


def _push_until_it_ends(server: PushServer, patience: float) -> CpuWatch:
    def ended() -> bool:
        with suppress(OSError, HTTPException, ValueError):
            server.client.ask("POST", "/api/v1/push", push_body("ops"))
        return not server.alive

    with CpuWatch(server) as cpu:
        until(ended, "the service has ended", patience)
    return cpu


@pytest.mark.parametrize(
    ("part", "processes"),
    [("/gateway-0/store", SEVERAL), ("/delivery-0/store", SEVERAL), ("/main-0/api", INLINE)],
    ids=["a gateway's store", "a deliverer's store", "the door"],
)
def test_what_a_process_cannot_do_without_ends_it_and_then_the_service_with_70(
    part: str, processes: Setup, sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    recipients = {"ops": {"feishu": group(sandbox.feishu("ops"))}}
    server = serve(setup(tmp_path, recipients, processes=processes), _faulty(part))
    began = time.monotonic()
    cpu = _push_until_it_ends(server, 60)
    print(f"{part}: ended after {time.monotonic() - began:.1f} s, {cpu.share:.2f} of a CPU")  # noqa: T201 - the report itself
    assert server.end() == exit_codes.SOFTWARE == 70
    assert "服务无法继续" in server.err
    assert server.pids == set()
    assert cpu.share < STARTING
    if processes is SEVERAL:
        assert (tmp_path / "log" / "app.log").read_text().count('"action":"worker_failed"') == 6, (
            "five restarts of the process, then the end"
        )


def test_a_process_that_cannot_be_reached_by_the_others_keeps_the_service_from_starting(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    recipients = {"ops": {"feishu": group(sandbox.feishu("ops"))}}
    server = PushServer(tmp_path, setup(tmp_path, recipients, processes=SEVERAL), _faulty("transport"))
    try:
        server.spawn()
        assert server.end(30) == exit_codes.SOFTWARE
        assert "服务启动失败" in server.err
        assert server.pids == set()
    finally:
        server.abandon()


def test_a_line_between_processes_that_loses_every_message_costs_time_and_no_message(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robot = sandbox.feishu("lossy")
    recipients = {"ops": {"feishu": group(robot)}}
    server = serve(setup(tmp_path, recipients, processes=SEVERAL), _faulty("messages"))
    with CpuWatch(server) as cpu:
        tasks = [server.client.push("ops") for _ in range(20)]
        robot.wait(20, 20)
    assert cpu.share < IDLE
    assert {server.client.ended(task)["status"] for task in tasks} == {"completed"}
    assert robot.count == 20
