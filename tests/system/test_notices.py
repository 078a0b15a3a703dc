"""The last line of defence: a push that has reached nobody is heard of, once, on every way there is."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pushserver.sandbox import Sandbox, Stage
from tests.system.api_client import Client, push_body
from tests.system.deadline import until
from tests.system.notice_ways import WAYS, Raised, every_way
from tests.system.server_process import PushServer, serving
from tests.system.setups import INLINE, Setup, group, mailboxes, notices, setup, store_of
from tests.system.store_file import unfinished

Serve = Callable[..., PushServer]

Failure = tuple[str, str, str, int]
"""Platform, target, message and code."""
CHANNELS: Sequence[Failure] = (
    ("feishu", "robot-1", "webhook地址无效", 19001),
    ("feishu", "robot-2", "webhook地址无效", 19001),
    ("dingtalk", "robot-3", "webhook地址无效", 300005),
    ("email", "email", "邮箱账户不可用", 550),
)
"""Each target of the recipient whose channels are broken, and what it fails with."""
MANY = 200

Failed = Mapping[str, dict[str, Any]]
"""A task of each strategy."""


@pytest.fixture(scope="module")
def broken(sandbox: Sandbox) -> Setup:
    """Every real channel fails for good."""
    feishu = [sandbox.feishu("robot-1"), sandbox.feishu("robot-2")]
    dingtalk = sandbox.dingtalk("robot-3")
    for robot in feishu:
        robot.fail(19001, times=None)
    dingtalk.fail(300005, times=None)
    mail = sandbox.smtp("broken")
    mail.reply(Stage.MAIL, "550 5.7.1 sender refused", times=None)
    return {
        "feishu": group(*feishu),
        "dingtalk": group(dingtalk),
        "email": mailboxes(mail, "ops@corp.example"),
    }


@pytest.fixture(scope="module")
def raised(sandbox: Sandbox, broken: Setup, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raised]:
    directory = tmp_path_factory.mktemp("notices")
    recipients = dict.fromkeys(("ops", "night", "第三"), broken)
    sink = sandbox.notice("sink")
    processes = {"gateway": 1, "delivery": 2}
    content = setup(directory, recipients, processes=processes, system=every_way(sink))
    with serving(directory, content) as server:
        yield Raised(server, sink)


def settled(server: PushServer) -> None:
    """Wait until every task has ended and its last line of defence has been raised."""
    until(lambda: unfinished(store_of(server.directory)) == 0, "everything has ended", 40)


def entries(client: Client, **query: str | int) -> list[dict[str, Any]]:
    answer = client.ask("GET", f"/api/v1/notifications?{urlencode({'limit': 1000, **query})}")
    assert (answer.status, answer.envelope["message"]) == (200, "获取系统通知成功")
    return list(answer.data["notifications"])


def failed_push(server: PushServer, **fields: str) -> dict[str, Any]:
    """A push that reaches nobody: the task once the last line of defence is over."""
    task = server.client.outcome("ops", title="磁盘将满", msg="只剩 <3%>", **fields)
    settled(server)
    return server.client.task(task["task_id"])


def split(task: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The results that count, and what became of the notices behind them, by name."""
    flags = [item.get("fallback", False) for item in task["results"]]
    assert flags == sorted(flags), "the last line of defence stands behind all others"
    counted = [item for item in task["results"] if not item.get("fallback")]
    fallback = [item for item in task["results"] if item.get("fallback")]
    assert {item["platform"] for item in fallback} <= {"system"}
    return counted, {item["target"]: item["status"] for item in fallback}


# Each strategy ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failing:
    """A way to push that fails, the reason for it, and the targets that it is tried at."""

    push: Mapping[str, str]
    reason: str
    tried: Sequence[Failure] = CHANNELS


FAILING = {
    "all": Failing({"strategy": "all"}, "all策略所有渠道推送失败"),
    "failover": Failing({"strategy": "failover"}, "failover策略所有渠道推送失败"),
    "webhook_failover": Failing({"strategy": "webhook_failover"}, "webhook_failover策略所有渠道推送失败"),
    "mixed": Failing({"strategy": "mixed"}, "mixed策略所有渠道推送失败"),
    "platform": Failing({"platform": "feishu"}, "指定平台 feishu 推送失败", CHANNELS[:2]),
}
EACH = pytest.mark.parametrize("strategy", FAILING)


@pytest.fixture(scope="module")
def failed(raised: Raised) -> Failed:
    """One task of each strategy, once everything is over."""
    return {
        strategy: failed_push(raised.server, type="info", **failing.push)
        for strategy, failing in FAILING.items()
    }


def entry_of(server: PushServer, task_id: str) -> dict[str, Any]:
    (entry,) = [entry for entry in entries(server.client) if entry["task_id"] == task_id]
    return entry


@EACH
def test_the_task_has_failed_and_shows_the_notices_behind_what_counts(strategy: str, failed: Failed) -> None:
    task, tried = failed[strategy], FAILING[strategy].tried
    counted, fallback = split(task)
    assert task["status"] == "failed"
    assert task["progress"] == {"total": len(tried), "success": 0, "failed": len(tried), "pending": 0}
    shown = [(item["platform"], item["target"], item["message"], item["code"]) for item in counted]
    assert sorted(shown) == sorted(tried)
    assert fallback == dict.fromkeys(WAYS, "success")


@EACH
def test_the_store_has_one_entry_with_every_field(strategy: str, failed: Failed, raised: Raised) -> None:
    entry = entry_of(raised.server, failed[strategy]["task_id"])
    assert re.fullmatch(r"notify_\d{14}_[0-9a-z]{6,}", entry.pop("id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry.pop("created_at"))
    assert entry.pop("message")
    assert entry == {
        "title": f"🚨 推送系统故障通知 - {FAILING[strategy].reason}",
        "type": "error",
        "strategy": strategy,
        "style": "text",
        "source": "PushServer-SystemNotification",
        "task_id": failed[strategy]["task_id"],
        "reason": FAILING[strategy].reason,
        "status": "unread",
    }


@EACH
def test_the_text_says_what_has_failed_where_and_why(strategy: str, failed: Failed, raised: Raised) -> None:
    task_id = failed[strategy]["task_id"]
    lines = entry_of(raised.server, task_id)["message"].splitlines()
    (when,) = [line for line in lines if line.startswith("时间: ")]
    assert re.fullmatch(r"时间: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", when)
    start = lines.index("失败目标:")
    assert [line for line in lines[:start] if line != when] == [
        "原始标题: 磁盘将满",
        "原始内容: 只剩 <3%>",
        "接收者: ops",
        f"失败原因: {FAILING[strategy].reason}",
        f"任务ID: {task_id}",
    ]
    named = [line.partition(" [")[0] for line in lines[start + 1 :]]
    assert sorted(named) == sorted(f"- {p}/{t}: {message}" for p, t, message, _ in FAILING[strategy].tried)


@EACH
def test_every_way_has_said_so_once(strategy: str, failed: Failed, raised: Raised) -> None:
    task_id = failed[strategy]["task_id"]
    text = entry_of(raised.server, task_id)["message"]
    said = raised.texts(task_id)
    assert {way: len(texts) for way, texts in said.items()} == dict.fromkeys(WAYS, 1)
    assert text in said["file"][0]
    assert text in said["console"][0]
    assert said["http"] == [text]
    assert said["syslog"][0].startswith(f"系统通知: 🚨 推送系统故障通知 - {FAILING[strategy].reason}: ")


# Each way --------------------------------------------------------------------------------------------


def test_a_notice_over_http_has_every_field_and_the_configured_headers(
    raised: Raised, failed: Failed
) -> None:
    task = failed["mixed"]
    (arrival,) = [a for a in raised.sink.messages if a.payload["task_id"] == task["task_id"]]
    notice = dict(arrival.payload)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", notice.pop("timestamp"))
    assert "磁盘将满" in notice.pop("message")
    assert notice == {
        "title": "🚨 推送系统故障通知 - mixed策略所有渠道推送失败",
        "type": "error",
        "strategy": "mixed",
        "style": "text",
        "source": "PushServer-SystemNotification",
        "task_id": task["task_id"],
    }
    assert arrival.headers["x-from"] == "test"


def test_the_line_in_the_log_has_the_level_of_the_message(raised: Raised, failed: Failed) -> None:
    task = failed["all"]
    log = raised.server.directory / "log"
    for name in ("app.log", "error.log"):
        lines = [json.loads(line) for line in (log / name).read_text().splitlines()]
        (line,) = [
            line
            for line in lines
            if line.get("action") == "system_notice" and line["task_id"] == task["task_id"]
        ]
        assert line["level"] == "error"
    assert "system_notice" not in (log / "info.log").read_text()


def test_two_hundred_failures_of_a_second_have_two_hundred_notices_on_every_way(raised: Raised) -> None:
    server = raised.server
    before = set(raised.files())
    recipients = ("ops", "night", "第三")
    pushes = [json.loads(push_body(recipients[number % 3], f"<{number}>")) for number in range(MANY)]
    answer = server.client.ask("POST", "/api/v1/push/batch", json.dumps({"pushes": pushes}).encode())
    task_ids = [item["task_id"] for item in answer.data["results"]]
    settled(server)

    once_each = dict.fromkeys(task_ids, 1)
    counts = raised.counts()
    assert {way: {key: counts[way][key] for key in task_ids} for way in WAYS} == dict.fromkeys(
        WAYS, once_each
    )
    files = raised.files()
    assert len(files.keys() - before) == MANY
    assert all(re.fullmatch(r"system_notify_\d{8}_\d{6}(_[1-9]\d*)?\.txt", name) for name in files)
    mine = [entry for entry in entries(server.client) if entry["task_id"] in once_each]
    assert sorted(entry["task_id"] for entry in mine) == sorted(task_ids)
    assert {f"原始标题: <{number}>" for number in range(MANY)} <= {
        line for entry in mine for line in entry["message"].splitlines()
    }


def test_notices_are_counted(raised: Raised) -> None:
    def delivered() -> float:
        text = raised.server.client.ask("GET", "/metrics").body.decode()
        series = re.findall(
            r'^pushserver_fallback_notices_total\{.*verdict="delivered".*\} (\S+)$', text, re.MULTILINE
        )
        return sum(map(float, series))

    before = delivered()
    failed_push(raised.server)
    assert delivered() == before + len(WAYS)


# Other last lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["failover", "all"])
def test_without_a_block_of_its_own_the_recipients_own_system_channel_is_the_last_line(
    strategy: str, sandbox: Sandbox, broken: Setup, serve: Serve, tmp_path: Path
) -> None:
    ordinary = 1 if strategy == "all" else 0
    sink, other = sandbox.notice(f"own-{strategy}"), sandbox.notice(f"other-{strategy}")
    recipients = {"ops": broken | {"system": every_way(sink)}, "other": broken | {"system": every_way(other)}}
    server = serve(setup(tmp_path, recipients, processes=INLINE))
    task = failed_push(server, strategy=strategy, type="info")

    counted, fallback = split(task)
    assert task["status"] == "failed", "a notice is no success beside real channels"
    assert [item["target"] for item in counted if item["platform"] == "system"] == [*WAYS] * ordinary
    assert task["progress"]["success"] == len(WAYS) * ordinary
    assert fallback == dict.fromkeys(WAYS, "success")
    types = [payload["type"] for payload in Raised(server, sink).posted()]
    assert types == ["info"] * ordinary + ["error"]
    assert other.count == 0
    assert len(entries(server.client)) == 1


def test_an_ordinary_push_to_the_system_channel_makes_no_entry(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    sink = sandbox.notice("ordinary")
    server = serve(setup(tmp_path, {"ops": {"system": every_way(sink)}}, processes=INLINE))
    task = server.client.outcome("ops", strategy="all", type="warning")
    assert task["status"] == "completed"
    said = Raised(server, sink).texts(task["task_id"])
    assert {way: len(texts) for way, texts in said.items()} == dict.fromkeys(WAYS, 1)
    assert entries(server.client) == []


def test_a_last_line_that_cannot_be_used_is_a_verdict_and_hides_nothing(
    sandbox: Sandbox, broken: Setup, serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "occupied").write_text("no directory", encoding="utf-8")
    (sink := sandbox.notice("ill")).fail(500, times=None)
    system = notices(
        {"type": "file", "name": "no directory", "path": "occupied"},
        {"type": "file", "name": "under a file", "path": "occupied/deeper"},
        {"type": "file", "name": "nowhere", "path": "/proc/self/notices"},
        {"type": "http", "name": "ill", "url": sink.url},
    )
    server = serve(setup(tmp_path, {"ops": broken}, processes=INLINE, system=system))
    task = failed_push(server, strategy="all")

    counted, fallback = split(task)
    assert task["status"] == "failed"
    assert task["progress"] == {"total": 4, "success": 0, "failed": 4, "pending": 0}
    assert {(item["target"], item["message"]) for item in counted} == {
        (target, message) for _, target, message, _ in CHANNELS
    }
    assert fallback == dict.fromkeys(("no directory", "under a file", "nowhere", "ill"), "failed")
    messages = {item["target"]: item["message"] for item in task["results"]}
    assert messages["no directory"] == messages["under a file"] == "系统通知方式不可用"
    (entry,) = entries(server.client)
    assert entry["task_id"] == task["task_id"]
    assert "email/email" in entry["message"]
    assert "系统通知全部发送失败" in server.logs
    assert "Traceback" not in server.logs + server.err
    assert server.client.healthy()


# The store of notifications --------------------------------------------------------------------------


def test_the_newest_are_kept_across_restarts_and_may_be_read_and_cleared(
    broken: Setup, serve: Serve, tmp_path: Path
) -> None:
    server = serve(setup(tmp_path, {"ops": broken}, processes=INLINE, notifications={"max_count": 3}))
    client = server.client
    tasks = [failed_push(server, type="info")["task_id"] for _ in range(5)]
    newest_first = tasks[:1:-1]
    assert [entry["task_id"] for entry in entries(client)] == newest_first

    ids = [entry["id"] for entry in entries(client)]
    one = f"/api/v1/notifications/{ids[0]}"
    assert client.ask("GET", one).data["notification"]["status"] == "unread"
    for _ in range(2):
        read = client.ask("PUT", f"{one}/read")
        assert (read.envelope["message"], read.data) == ("标记为已读成功", {"notification_id": ids[0]})
    statistics = client.ask("GET", "/api/v1/notifications/statistics")
    assert statistics.envelope["message"] == "获取通知统计成功"
    assert statistics.data["statistics"] == {
        "total": 3,
        "unread": 2,
        "read": 1,
        "by_type": {"info": 0, "warning": 0, "error": 3},
    }
    page = client.ask("GET", "/api/v1/notifications?status=unread&limit=1&offset=1").data
    assert page["pagination"] == {"total": 2, "limit": 1, "offset": 1, "count": 1}
    assert [entry["id"] for entry in page["notifications"]] == ids[2:]

    server.stop()
    client = server.start().client
    assert [(entry["id"], entry["status"]) for entry in entries(client)] == [
        (ids[0], "read"),
        (ids[1], "unread"),
        (ids[2], "unread"),
    ]
    marked = client.ask("PUT", "/api/v1/notifications/read-all")
    assert (marked.envelope["message"], marked.data) == ("标记所有通知为已读成功", {"marked_count": 2})
    deleted = client.ask("DELETE", one)
    assert (deleted.envelope["message"], deleted.data) == ("删除通知成功", {"notification_id": ids[0]})
    gone = client.ask("GET", one)
    assert (gone.status, gone.envelope["message"], gone.data) == (
        404,
        "通知不存在",
        {"notification_id": ids[0]},
    )
    cleared = client.ask("DELETE", "/api/v1/notifications")
    assert (cleared.envelope["message"], cleared.data) == ("清空所有通知成功", {"cleared_count": 2})
    assert entries(client) == []
