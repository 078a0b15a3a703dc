"""The last line of defence when something dies or is slow: notices come again, entries are never doubled."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pushserver.sandbox import Robot, Sandbox
from tests.system.api_client import Client, push_body
from tests.system.deadline import until
from tests.system.server_process import PushServer
from tests.system.setups import INLINE, group, notices, setup, store_of
from tests.system.store_file import unfinished

Serve = Callable[..., PushServer]

MANY = 200


@pytest.fixture
def broken(sandbox: Sandbox) -> Robot:
    robot = sandbox.feishu("broken")
    robot.fail(19001, times=None)
    return robot


def settled(server: PushServer) -> None:
    until(lambda: unfinished(store_of(server.directory)) == 0, "everything has ended", 40)


def entries(client: Client) -> list[dict[str, Any]]:
    return list(client.ask("GET", "/api/v1/notifications?limit=1000").data["notifications"])


def fallback(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [item for item in task["results"] if item.get("fallback")]


@pytest.mark.kill
def test_a_service_killed_in_the_middle_of_its_alarms_makes_each_entry_once(
    broken: Robot, serve: Serve, tmp_path: Path
) -> None:
    processes = {"gateway": 1, "delivery": 2}
    recipients = {f"team-{number}": {"feishu": group(broken)} for number in range(4)}
    server = serve(setup(tmp_path, recipients, processes=processes))
    pushes = [json.loads(push_body(f"team-{number % 4}", f"<{number}>")) for number in range(MANY)]
    answer = server.client.ask("POST", "/api/v1/push/batch", json.dumps({"pushes": pushes}).encode())
    task_ids = [item["task_id"] for item in answer.data["results"]]
    until(lambda: entries(server.client), "the first entry is there")
    server.kill()
    server.start()
    settled(server)
    assert Counter(entry["task_id"] for entry in entries(server.client)) == dict.fromkeys(task_ids, 1)
    assert len({entry["id"] for entry in entries(server.client)}) == MANY


def test_a_notice_over_http_is_tried_again(
    sandbox: Sandbox, broken: Robot, serve: Serve, tmp_path: Path
) -> None:
    (sink := sandbox.notice("ill for a moment")).fail(503, times=2)
    system = notices({"type": "http", "name": "hook", "url": sink.url})
    queue = {"retry_count": 3, "retry_delay": 0.05, "timeout": 5}
    server = serve(
        setup(tmp_path, {"ops": {"feishu": group(broken)}}, processes=INLINE, system=system, queue=queue)
    )
    task_id = server.client.outcome("ops")["task_id"]
    settled(server)
    (notice,) = fallback(server.client.task(task_id))
    assert (notice["status"], notice["attempt"]) == ("success", 3)
    assert [arrival.payload["task_id"] for arrival in sink.messages] == [task_id]
    assert len(entries(server.client)) == 1


@pytest.mark.parametrize(("own", "status"), [(10, "success"), (0.2, "failed")])
def test_a_notice_over_http_has_its_own_time_out(
    sandbox: Sandbox, broken: Robot, serve: Serve, tmp_path: Path, *, own: float, status: str
) -> None:
    (sink := sandbox.notice(f"slow-{own}")).delay(1.5)
    system = notices({"type": "http", "name": "hook", "url": sink.url, "timeout": own})
    queue = {"retry_count": 0, "retry_delay": 0.05, "timeout": 0.8}
    server = serve(
        setup(tmp_path, {"ops": {"feishu": group(broken)}}, processes=INLINE, system=system, queue=queue)
    )
    task_id = server.client.outcome("ops")["task_id"]
    settled(server)
    (notice,) = fallback(server.client.task(task_id))
    assert notice["status"] == status
