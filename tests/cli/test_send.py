import io
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pushserver.cli import main
from pushserver.sandbox import Robot, Sandbox
from tests.cli.process import started
from tests.cli.scripted_api import answering, response

PUSH = ["send", "--recipient", "ops", "--title", "数据库延迟", "--msg", "42 秒"]

PROGRESS = {"total": 1, "success": 0, "failed": 0, "pending": 1}


class Keyboard(io.BytesIO):
    """A stdin that somebody sits at."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def robots(sandbox: Sandbox, url: str) -> Iterator[tuple[Robot, Robot]]:
    first, second = sandbox.feishu("first"), sandbox.feishu("second")
    yield first, second
    for robot in (first, second):
        robot.recover()
        robot.clear()


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(request.param))


def test_a_push_that_arrives_is_a_success(
    robots: tuple[Robot, Robot], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*PUSH, "--url", url, "--type", "error"]) == 0
    (message,) = robots[0].messages
    assert message.words == "🔴 数据库延迟\n\n42 秒"
    shown = capsys.readouterr()
    assert shown.out.startswith("✓ 已完成  task_")
    assert shown.out.splitlines()[0].endswith("1/1 送达")
    assert "first" in shown.out
    assert shown.err == ""


def test_a_push_that_arrives_nowhere_is_a_failure_and_says_why(
    robots: tuple[Robot, Robot], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for robot in robots:
        robot.fail(19001, times=None)
    assert main([*PUSH, "--url", url]) == 1
    out = capsys.readouterr().out
    assert out.startswith("✗ 失败  task_")
    rows = [line.split() for line in out.splitlines() if line.startswith("feishu")]
    assert [row[:5] for row in rows] == [
        ["feishu", "first", "✗", "失败", "webhook地址无效"],
        ["feishu", "second", "✗", "失败", "webhook地址无效"],
    ]
    assert "(19001 param invalid: incoming webhook access token invalid)" in out


def test_every_option_reaches_the_service(robots: tuple[Robot, Robot], url: str) -> None:
    how = ["--type", "warning", "--strategy", "all", "--style", "card", "--url", url]
    assert main([*PUSH, *how]) == 0
    assert [robot.count for robot in robots] == [1, 1]
    assert robots[0].messages[0].payload["card"]["header"]["template"] == "orange"


def test_a_platform_wins_over_the_strategy(robots: tuple[Robot, Robot], url: str) -> None:
    assert main([*PUSH, "--platform", "feishu", "--strategy", "all", "--url", url]) == 0
    assert [robot.count for robot in robots] == [1, 0]


@pytest.mark.parametrize("stdin", [io.BytesIO("第一行\n第二行\n".encode())], indirect=True)
@pytest.mark.usefixtures("stdin")
def test_the_message_may_come_from_stdin(robots: tuple[Robot, Robot], url: str) -> None:
    assert main(["send", "-r", "ops", "-t", "磁盘", "--url", url]) == 0
    assert robots[0].messages[0].words == "🔵 磁盘\n\n第一行\n第二行"


@pytest.mark.parametrize(
    ("stdin", "complaint"),
    [
        (Keyboard(), "缺少消息内容"),
        (io.BytesIO(b"\xff\xfe"), "不是 UTF-8"),
        (io.BytesIO(b"x" * (1024 * 1024 + 1)), "过长"),
    ],
    indirect=["stdin"],
)
@pytest.mark.usefixtures("stdin")
def test_a_message_that_is_none_is_a_usage_error(
    complaint: str, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["send", "-r", "ops", "-t", "T", "--url", url]) == 2
    assert complaint in capsys.readouterr().err


def test_whoever_does_not_wait_gets_the_task_id_alone(
    robots: tuple[Robot, Robot], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*PUSH, "--no-wait", "--url", url]) == 0
    task_id = capsys.readouterr().out.removesuffix("\n")
    assert task_id.startswith("task_")
    robots[0].wait(1)
    assert main(["task", task_id, "--url", url]) in {0, 75}
    assert task_id in capsys.readouterr().out


def test_json_is_what_the_api_says(
    robots: tuple[Robot, Robot], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*PUSH, "--json", "--url", url]) == 0
    task = json.loads(capsys.readouterr().out)
    assert (task["status"], task["title"]) == ("completed", "数据库延迟")
    assert main(["task", task["task_id"], "--json", "--url", url]) == 0
    assert json.loads(capsys.readouterr().out) == task


def test_patience_ends_with_a_word_on_how_to_go_on(
    robots: tuple[Robot, Robot], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    robots[0].hang()
    assert main([*PUSH, "--timeout", "0", "--url", url]) == 75
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0].startswith(("… 等待中", "… 处理中"))
    assert "秒内没有结果，稍后查询: pushserver task task_" in shown.err


def test_a_terminal_shows_how_far_the_task_is(
    robots: tuple[Robot, Robot], url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert main([*PUSH, "--url", url]) == 0
    assert "推送中 · 成功 " in capsys.readouterr().err


def test_what_the_service_refuses_is_said_in_one_line(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "-r", "nobody", "-t", "T", "-m", "M", "--url", url]) == 1
    shown = capsys.readouterr()
    assert shown.err == "pushserver: 接收者不存在: nobody\n"
    assert shown.out == ""


def test_an_unknown_task_is_a_failure(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "task_of_nobody", "--url", url]) == 1
    assert capsys.readouterr().err == "pushserver: 任务不存在\n"


def test_a_task_id_cannot_lead_to_another_path(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["task", "../../health", "--url", url]) == 1
    assert capsys.readouterr().out == ""


def test_whoever_is_tired_of_waiting_learns_how_to_look_later(tmp_path: Path) -> None:
    task = {"task_id": "task_1", "status": "pending", "progress": PROGRESS, "results": []}
    looked = response(200, json.dumps({"code": 200, "data": task}))
    submitted = response(200, json.dumps({"code": 200, "data": {"task_id": "task_1"}}))
    with (
        answering(submitted, *[looked] * 100) as (url, requests),
        started(*PUSH, "--url", url, cwd=tmp_path) as process,
    ):
        assert requests.get(timeout=30).startswith(b"POST /api/v1/push ")
        assert requests.get(timeout=30).startswith(b"GET /api/v1/task/task_1 ")
        process.signal(signal.SIGINT)
        finished = process.end()
    assert finished.err_lines == ["任务仍在进行，稍后查询: pushserver task task_1"]
    assert finished.code == 130
