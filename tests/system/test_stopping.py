"""Being asked to stop in the middle of everything."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushserver.sandbox import Robot, Sandbox
from tests.system.burst import Burst
from tests.system.deadline import until
from tests.system.server_process import PushServer
from tests.system.setups import INLINE, group, setup, store_of
from tests.system.store_file import fates, unfinished

pytestmark = pytest.mark.kill

Serve = Callable[..., PushServer]


def _titles(robot: Robot) -> Counter[str]:
    """How often each title has arrived."""
    return Counter(line for entry in robot.messages for line in entry.words.split() if line[0] == "<")


@pytest.mark.alone
@pytest.mark.parametrize(
    ("ending", "processes"), [(signal.SIGTERM, {"gateway": 1, "delivery": 1}), (signal.SIGINT, INLINE)]
)
def test_a_burst_is_interrupted_in_order_and_goes_on_at_the_next_start(
    ending: signal.Signals, processes: dict[str, Any], sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robot = sandbox.feishu(f"burst-{ending.name}")
    robot.delay(0.005)
    server = serve(setup(tmp_path, {"ops": {"feishu": group(robot)}}, processes=processes))
    store = store_of(tmp_path)
    with Burst(lambda: server.port, ("ops",), 10_000, threads=4) as burst:
        burst.wait(300)
        server.signal(ending)
        began = time.monotonic()
        assert server.end() == 0
        assert time.monotonic() - began < 10
        burst.end()
    assert unfinished(store) > 0, "it was not interrupted in the middle of anything"
    assert sum(_titles(robot).values()) == robot.count

    robot.recover()
    server.start()
    until(lambda: unfinished(store) == 0, "the rest has gone out")
    server.stop()
    arrivals = _titles(robot)
    assert {accepted.marker for accepted in burst.accepted} - arrivals.keys() == set()
    assert max(arrivals.values()) == 1, "an orderly end repeats nothing"
    assert set(fates(store).values()) == {"completed"}


@pytest.mark.alone
def test_a_send_that_outlasts_the_patience_does_not_hold_up_the_end_and_goes_out_again(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robot = sandbox.feishu("endless")
    robot.hang()
    processes = INLINE | {"shutdown_timeout": 1}
    server = serve(
        setup(tmp_path, {"ops": {"feishu": group(robot)}}, queue={"timeout": 60}, processes=processes)
    )
    task_id = server.client.push("ops")
    robot.wait(1)
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.end() == 0
    assert time.monotonic() - began < 5
    robot.release()
    server.start()
    assert server.client.ended(task_id)["status"] == "completed"
    assert robot.count == 2


@pytest.mark.alone
def test_a_second_signal_ends_it_at_once_and_loses_nothing(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robot = sandbox.feishu("impatient")
    robot.hang()
    server = serve(setup(tmp_path, {"ops": {"feishu": group(robot)}}))
    task_id = server.client.push("ops")
    robot.wait(1)
    server.signal(signal.SIGTERM)
    server.says("正在停止")
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    assert server.end() == 128 + signal.SIGTERM
    assert time.monotonic() - began < 2
    robot.release()
    server.start()
    assert server.client.ended(task_id)["status"] == "completed"
