import io
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from pushserver.cli import main, notifications, screen
from pushserver.cli.client import Client
from pushserver.cli.errors import CommandFailed
from pushserver.cli.notification_table import render_one, render_page
from pushserver.config import load
from pushserver.sandbox import Sandbox
from pushserver.service import Service
from tests.cli.configurations import configuration, written

CLOSED = "http://127.0.0.1:1"
DEADLINE = 20.0


def item(number: int = 6, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"notify_20240101120000_abc123def45{number}",
        "title": "🚨 推送系统故障通知 - all策略所有渠道推送失败",
        "message": "原始标题: 磁盘告警\n失败目标:\n- feishu/\x1b[31m红: 发送频率受限",
        "type": "error",
        "strategy": "all",
        "style": "text",
        "source": "PushServer-SystemNotification",
        "task_id": f"task_20240101_120000_abc123def45{number}",
        "reason": "all策略所有渠道推送失败",
        "created_at": "2024-01-01T12:00:00Z",
        "status": "unread",
    } | changes


def page(*items: dict[str, Any], total: int | None = None, offset: int = 0) -> dict[str, Any]:
    amount = len(items) if total is None else total
    pagination = {"total": amount, "limit": 50, "offset": offset, "count": len(items)}
    return {"notifications": [*items], "pagination": pagination}


def shown(data: dict[str, Any], width: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    screen.out().print(render_page(data, width), width=width)
    return capsys.readouterr().out.splitlines()


@pytest.fixture(scope="module")
def url(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of its own: nothing that ``ops`` is sent arrives."""
    directory = tmp_path_factory.mktemp("broken")
    (robot := sandbox.feishu("broken")).fail(19001, times=None)
    settings = load(written(directory / "config.yaml", configuration(directory, robot)), {}).settings
    with Service(settings) as service:
        yield f"http://127.0.0.1:{service.port}"


@pytest.fixture
def ids(url: str, capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Two pushes that arrive nowhere; the ids of their notifications, newest first."""
    client = Client(url)
    for count in (1, 2):
        assert main(["send", "-r", "ops", "-t", f"T{count}", "-m", "M", "--url", url]) == 1
        wait_for(client, count)
    capsys.readouterr()
    yield [found["id"] for found in client.notifications({})["notifications"]]
    client.clear_notifications()


def wait_for(client: Client, count: int) -> None:
    """The task's fate is there before its notification."""
    end = time.monotonic() + DEADLINE
    while client.notifications({})["pagination"]["total"] < count:
        assert time.monotonic() < end, "the notification has not come"


# A real service --------------------------------------------------------------------------------------


def test_the_newest_is_listed_first(ids: list[str], url: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["notifications"], ["notifications", "list"]):
        assert main([*command, "--url", url]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == ["状态", "时间", "类型", "原因", "任务", "ID"]
        assert [line.split()[-1] for line in lines[1:3]] == ids
        assert all(
            line.startswith("● 未读") and "failover策略所有渠道推送失败" in line for line in lines[1:3]
        )
        assert lines[3:] == ["共 2 条，第 1 到 2 条"]


def test_filters_are_handed_on(ids: list[str], url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notifications", "read", ids[0], "--url", url]) == 0
    capsys.readouterr()
    assert main(["notifications", "list", "--status", "read", "--limit", "7", "--json", "--url", url]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [found["id"] for found in data["notifications"]] == [ids[0]]
    assert data["pagination"] == {"total": 1, "limit": 7, "offset": 0, "count": 1}
    assert main(["notifications", "--url", url, "--offset", "1"]) == 0
    assert ids[0] not in capsys.readouterr().out


def test_one_is_shown_with_its_whole_message(
    ids: list[str], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notifications", "show", ids[0], "--url", url]) == 0
    out = capsys.readouterr().out
    assert out.startswith("● 未读  🚨 推送系统故障通知 - failover策略所有渠道推送失败\n")
    assert "原始标题: T2\n" in out
    assert "- feishu/broken: webhook地址无效 [19001]" in out
    assert main(["notifications", "show", ids[0], "--json", "--url", url]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "unread"


def test_one_is_marked_as_read(ids: list[str], url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notifications", "read", ids[1], "--url", url]) == 0
    assert capsys.readouterr().out == f"已标记为已读: {ids[1]}\n"
    main(["notifications", "--url", url])
    assert capsys.readouterr().out.splitlines()[2].startswith("○ 已读")


def test_all_are_marked_as_read(ids: list[str], url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notifications", "read", "--all", "--url", url]) == 0
    assert capsys.readouterr().out == "已将 2 条通知标记为已读\n"
    assert main(["notifications", "read", "--all", "--json", "--url", url]) == 0
    assert json.loads(capsys.readouterr().out) == {"marked_count": 0}


def test_all_are_deleted_without_a_question_if_told_so(
    ids: list[str], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notifications", "clear", "--yes", "--url", url]) == 0
    assert capsys.readouterr().out == "已删除 2 条通知\n"
    assert main(["notifications", "--url", url]) == 0
    assert capsys.readouterr().out == "没有系统通知\n"


def test_nothing_is_deleted_when_there_is_nobody_to_ask(
    ids: list[str], url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main(["notifications", "clear", "--url", url]) == 2
    assert "请加 --yes" in capsys.readouterr().err
    assert Client(url).notifications({})["pagination"]["total"] == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("said", ["y\n", "YES\n"])
def test_all_are_deleted_when_the_answer_is_yes(
    ids: list[str], url: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert notifications.clear(url, Terminal(said), yes=False, as_json=False) == 0
    told = capsys.readouterr()
    assert told.out == "已删除 2 条通知\n"
    assert told.err == "删除全部 2 条系统通知，无法恢复。确定吗？[y/N] "


@pytest.mark.parametrize("said", ["", "\n", "n\n", "yea\n"])
def test_nothing_is_deleted_when_the_answer_is_anything_else(ids: list[str], url: str, said: str) -> None:
    with pytest.raises(CommandFailed, match="没有删除任何通知"):
        notifications.clear(url, Terminal(said), yes=False, as_json=False)
    assert Client(url).notifications({})["pagination"]["total"] == 2


@pytest.mark.parametrize("command", ["show", "read"])
def test_one_that_is_not_there_is_a_failure(
    url: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notifications", command, "no such?id", "--url", url]) == 1
    assert capsys.readouterr().err == "pushserver: 通知不存在\n"


@pytest.mark.parametrize("arguments", [[], ["some_id", "--all"]])
def test_it_must_be_clear_what_is_to_be_marked(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notifications", "read", *arguments, "--url", CLOSED]) == 2
    assert "请给出一个通知 ID，或用 --all 标记全部" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--status", "new"], ["--limit", "0"], ["--offset", "-1"]])
def test_an_option_that_makes_no_sense_is_a_usage_error(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["notifications", *option, "--url", CLOSED]) == 2


def test_nobody_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notifications", "--url", CLOSED]) == 69
    assert "无法连接: 127.0.0.1:1" in capsys.readouterr().err


# What it looks like ----------------------------------------------------------------------------------


def test_eighty_columns_have_room_for_the_whole_id(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(page(item(6), item(5, status="read")), 80, capsys)
    assert lines[0].split() == ["状态", "时间", "原因", "ID"]
    assert [line.split()[-1] for line in lines if "notify_" in line] == [item(6)["id"], item(5)["id"]]
    assert len(lines) <= 6


def test_wide_screens_show_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(page(item()), 160, capsys)
    assert "error" in lines[1]
    assert item()["task_id"] in lines[1]


@pytest.mark.parametrize(
    ("data", "footer"),
    [
        (page(), "没有系统通知"),
        (page(total=5, offset=5), "共 5 条，从第 6 条起没有了"),
        (page(item(), total=9, offset=3), "共 9 条，第 4 到 4 条，更早的: --offset 4"),
        (page(item(), total=4, offset=3), "共 4 条，第 4 到 4 条"),
    ],
)
def test_the_footer_says_where_to_go_on(
    data: dict[str, Any], footer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(data, 160, capsys)[-1] == footer


def test_nothing_in_a_message_moves_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    screen.out().print(render_one(item()), soft_wrap=True)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "- feishu/ [31m红: 发送频率受限" in out
