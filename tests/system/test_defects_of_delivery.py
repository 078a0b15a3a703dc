"""What the original got wrong between a push and its targets, each by its name, in the whole service."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pushserver.sandbox import Robot, Sandbox, Stage
from tests.system.api_client import Client, results
from tests.system.deadline import until
from tests.system.odd_robots import OddRobot, listening
from tests.system.server_process import PushServer, serving
from tests.system.setups import Setup, group, mailboxes, notices, setup, store_of
from tests.system.store_file import unfinished

SECRET = "SECb90923e19e58b466481e9e7b7a5b4f108a4531abde590ad3967fb29f0eae5c68"


@dataclass
class World:
    """Recipients and their robots by name, and the service that knows them."""

    sandbox: Sandbox
    counting: OddRobot
    recipients: dict[str, Setup] = field(default_factory=dict)
    robots: dict[str, Robot] = field(default_factory=dict)
    server: PushServer | None = None

    def add(self, alias: str, **robots_of: list[str]) -> None:
        """A recipient with robots of these names, platform by platform in this order."""
        self.recipients[alias] = {
            platform: group(*(self._robot(platform, name) for name in names))
            for platform, names in robots_of.items()
        }

    def _robot(self, platform: str, name: str) -> Robot:
        make = {
            "feishu": lambda: self.sandbox.feishu(name, secret="feishu-secret"),
            "dingtalk": lambda: self.sandbox.dingtalk(name, secret=SECRET),
            "wechat": lambda: self.sandbox.wechat(name),
        }
        self.robots[name] = make[platform]()
        return self.robots[name]

    @property
    def client(self) -> Client:
        assert self.server
        return self.server.client

    @property
    def directory(self) -> Path:
        assert self.server
        return self.server.directory


@pytest.fixture(scope="module")
def world(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("defects")
    with listening(OddRobot()) as counting:
        world = World(sandbox, counting)
        _populate(world, directory)
        content = setup(
            directory,
            world.recipients,
            queue={"retry_count": 1, "timeout": 1},
            system=notices({"type": "http", "name": "hook", "url": sandbox.notice("last-line").url}),
        )
        with serving(directory, content) as world.server:
            yield world


def _populate(world: World, directory: Path) -> None:
    world.add("mixed", dingtalk=["mixed-1", "mixed-2"], wechat=["mixed-3", "mixed-4"], feishu=["mixed-5"])
    world.add("spare", feishu=["spare-1", "spare-2"])
    world.add("ordered", wechat=["ordered-1"], feishu=["ordered-2"], dingtalk=["ordered-3"])
    world.add("keywords", feishu=["keywords"])
    world.add("gateway", feishu=["gateway-1"], dingtalk=["gateway-2"], wechat=["gateway-3"])
    world.add("signed", dingtalk=["signed"])
    world.add("slow", feishu=["slow-1"], dingtalk=["slow-2"])
    world.add("retried", wechat=["retried"])
    world.add("dripping", feishu=["dripping"])
    world.add("Ops.Alert", feishu=["upper"])
    world.add("ops.alert", feishu=["lower"])
    world.add("lost", feishu=["lost"])
    stream = {
        "name": "counting",
        "url": f"{world.counting.base}/open-apis/bot/v2/hook/counting",
        "rate": "off",
    }
    world.recipients["stream"] = {"feishu": {"webhooks": [stream]}}
    files = {"type": "file", "name": "files", "path": str(directory / "notifications")}
    world.recipients["files"] = {"system": notices(files)}
    silent = world.sandbox.smtp("silent")
    silent.hang(Stage.GREETING)
    world.recipients["silent"] = {"email": mailboxes(silent, "ops@corp.example")}


def test_mixed_fails_over_to_the_next_channel_and_sends_to_all_of_it(world: World) -> None:
    for name in ("mixed-1", "mixed-2"):
        world.robots[name].fail(300005, times=None)
    task = world.client.outcome("mixed", strategy="mixed")
    assert task["status"] == "completed"
    assert sorted(results(task)) == [
        ("mixed-1", "failed"),
        ("mixed-2", "failed"),
        ("mixed-3", "success"),
        ("mixed-4", "success"),
    ]
    assert world.robots["mixed-5"].count == 0


def test_success_after_failover_is_success(world: World) -> None:
    world.robots["spare-1"].fail(19007, times=None)
    task = world.client.outcome("spare", strategy="failover")
    assert task["status"] == "completed"
    assert results(task) == [("spare-1", "failed"), ("spare-2", "success")]
    assert task["progress"] == {"total": 2, "success": 1, "failed": 1, "pending": 0}


def test_channels_are_tried_in_the_order_of_the_file(world: World) -> None:
    for name, code in (("ordered-1", 93000), ("ordered-2", 19001)):
        world.robots[name].fail(code, times=None)
    orders = [[target for target, _ in results(world.client.outcome("ordered"))] for _ in range(5)]
    assert orders == [["ordered-1", "ordered-2", "ordered-3"]] * 5


def test_a_feishu_code_under_http_200_is_no_delivery(world: World) -> None:
    world.robots["keywords"].fail(19024, times=None)
    task = world.client.outcome("keywords")
    assert task["status"] == "failed"
    (result,) = (item for item in task["results"] if not item.get("fallback"))
    assert (result["message"], result["code"]) == ("被该机器人拒绝 (关键词、IP或签名)", 19024)


@pytest.mark.parametrize("status", [500, 502, 302])
def test_a_zero_under_another_http_status_is_no_delivery(world: World, status: int) -> None:
    robots = [world.robots[f"gateway-{number}"] for number in (1, 2, 3)]
    for robot in robots:
        robot.answer({"code": 0, "errcode": 0, "errmsg": "ok"}, status=status, times=2)
    task = world.client.outcome("gateway", strategy="all")
    assert task["status"] == "failed"
    counted = [item for item in task["results"] if not item.get("fallback")]
    assert [(item["message"], item["code"]) for item in counted] == [("网络或平台暂时故障", status)] * 3


def test_dingtalks_signature_is_encoded_once(world: World) -> None:
    """Base64 has ``+``, ``/`` and ``=`` to encode wrongly; twenty signatures have them all."""
    tasks = [world.client.push("signed") for _ in range(20)]
    assert {world.client.ended(task)["status"] for task in tasks} == {"completed"}
    assert world.robots["signed"].count == 20


def test_a_slow_platform_does_not_delay_the_others(world: World) -> None:
    slow, fast = world.robots["slow-1"], world.robots["slow-2"]
    slow.hang()
    tasks = [world.client.push("slow", strategy="webhook_failover") for _ in range(3)]
    fast.wait(3)
    assert slow.count == 1, "the first is still under way"
    assert {world.client.task(task)["status"] for task in tasks} == {"processing"}
    slow.release()
    assert {world.client.ended(task)["status"] for task in tasks} == {"completed"}


def test_what_fails_for_a_passing_reason_is_tried_again(world: World) -> None:
    world.robots["retried"].fail(-1)
    task = world.client.outcome("retried")
    assert task["status"] == "completed"
    (result,) = task["results"]
    assert (result["status"], result["attempt"]) == ("success", 2)
    (earlier,) = result["attempts"]
    assert (earlier["message"], earlier["code"]) == ("网络或平台暂时故障", -1)


def test_a_dripping_answer_does_not_outlast_the_timeout(world: World) -> None:
    robot = world.robots["dripping"]
    robot.drip(0.3, times=1)
    task = world.client.outcome("dripping")
    (result,) = task["results"]
    assert (task["status"], result["attempt"]) == ("completed", 2)
    (lost,) = result["attempts"]
    assert lost["uncertain"] is True
    assert robot.count == 2, "better twice than never"


def test_aliases_keep_their_case_and_their_dots(world: World) -> None:
    assert world.client.outcome("Ops.Alert")["recipient"] == "Ops.Alert"
    assert (world.robots["upper"].count, world.robots["lower"].count) == (1, 0)
    assert world.client.outcome("ops.alert")["recipient"] == "ops.alert"
    assert (world.robots["upper"].count, world.robots["lower"].count) == (1, 1)


def test_notices_of_one_moment_do_not_overwrite_one_another(world: World) -> None:
    tasks = [world.client.push("files", title=f"通知{number}", platform="system") for number in range(10)]
    assert {world.client.ended(task)["status"] for task in tasks} == {"completed"}
    files = list((world.directory / "notifications").iterdir())
    assert all(re.fullmatch(r"system_notify_\d{8}_\d{6}(_\d+)?\.txt", file.name) for file in files)
    found = {title for file in files for title in re.findall(r"通知\d", file.read_text())}
    assert (len(files), found) == (10, {f"通知{number}" for number in range(10)})


def test_feishu_messages_share_a_connection(world: World) -> None:
    tasks = [world.client.push("stream") for _ in range(30)]
    assert {world.client.ended(task)["status"] for task in tasks} == {"completed"}
    assert (world.counting.messages, world.counting.connections) == (30, 1)


def test_a_silent_mail_server_is_given_up_after_the_timeout(world: World) -> None:
    task = world.client.outcome("silent")
    (result,) = (item for item in task["results"] if not item.get("fallback"))
    assert (task["status"], result["message"]) == ("failed", "网络或平台暂时故障")
    assert 900 < result["duration_ms"] < 2_500


def test_the_last_line_names_the_task(world: World) -> None:
    world.robots["lost"].fail(19001, times=None)
    task = world.client.outcome("lost", title="磁盘", msg="满了")
    notice = until(lambda: _notice_of(world, task["task_id"]), "the notice has come")
    assert notice["title"] == "🚨 推送系统故障通知 - failover策略所有渠道推送失败"
    assert all(
        word in notice["message"] for word in ("磁盘", "满了", "lost", task["task_id"], "webhook地址无效")
    )
    shown = until(lambda: _fallbacks(world, task["task_id"]), "its result is stored")
    assert shown == [("system", "hook", "success")]
    assert world.client.task(task["task_id"])["status"] == "failed"


def test_no_task_is_left_processing_and_no_actor_has_crashed(world: World) -> None:
    """Comes last: by now every kind of end has been there."""
    until(lambda: unfinished(store_of(world.directory)) == 0, "every task has ended")
    assert world.client.healthy()
    assert world.server
    assert "Traceback" not in world.server.logs + world.server.err


def _notice_of(world: World, task_id: str) -> dict[str, str] | None:
    payloads = (notice.payload for notice in world.sandbox.notice("last-line").messages)
    return next((payload for payload in payloads if payload["task_id"] == task_id), None)


def _fallbacks(world: World, task_id: str) -> list[tuple[str, str, str]]:
    items = world.client.task(task_id)["results"]
    return [(i["platform"], i["target"], i["status"]) for i in items if i.get("fallback")]
