import json
import shlex
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pushserver.cli import main
from tests.cli.process import Process, ended, started


@pytest.fixture
def taken() -> Iterator[tuple[int, int]]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        yield one.getsockname()[1], two.getsockname()[1]


def _printed(process: Process, words: str) -> list[str]:
    """The printed command with these words, as a shell would split it."""
    text = "".join(process.lines())
    begin = text.rindex("\n\n", 0, text.index(words))
    return shlex.split(text[begin : text.index("\n\n", begin + 2)].replace("\\\n", ""))


def _run_curl(command: list[str]) -> None:
    _curl, url, flag, body = command
    assert (_curl, flag) == ("curl", "-d")
    with urllib.request.urlopen(url, body.encode(), timeout=10) as answer:
        assert json.load(answer)["message"] == "推送任务已提交"


def test_the_commands_that_it_prints_deliver_everywhere(
    tmp_path: Path, taken: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    ports = ["--port", str(taken[0]), "--sandbox-port", str(taken[1])]
    with started("demo", "--dir", "here", *ports, cwd=tmp_path) as process:
        process.line("下面是到达的消息", stream="out")
        assert all(f"端口 {port} 已被占用，改用 " in process.line(str(port)) for port in taken)
        _run_curl(_printed(process, "curl http"))
        for name in ("主告警机器人", "备用告警机器人", "值班机器人", "企业微信机器人", "邮箱"):
            process.line("✓", name, "数据库延迟", stream="out")
        process.line("标题: 数据库延迟", stream="out")
        sending = _printed(process, " send --url")
        assert main(sending[sending.index("send") :]) == 0
        assert "7/7 送达" in capsys.readouterr().out
        process.signal(signal.SIGINT)
        finished = process.end()
    assert finished.code == 0
    assert finished.err_lines[-2:] == ["收到 SIGINT，正在停止…", "服务已停止"]
    _assert_no_secrets(finished.out + finished.err, tmp_path / "here" / "demo.yaml")
    assert list((tmp_path / "here" / "notifications").glob("system_notify_*.txt"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here"]


def _assert_no_secrets(shown: str, configuration: Path) -> None:
    platforms = yaml.safe_load(configuration.read_text())["recipients"]["ops_alert"]["platforms"]
    secrets = [
        webhook["secret"]
        for name in ("feishu", "dingtalk")
        for webhook in platforms[name]["webhooks"]
        if "secret" in webhook
    ]
    assert len(secrets) == 2
    assert not [secret for secret in secrets if secret in shown]


def test_its_configuration_is_one_that_check_approves(tmp_path: Path) -> None:
    with started("demo", "--dir", ".", "--port", "0", "--sandbox-port", "0", cwd=tmp_path) as process:
        process.line("下面是到达的消息", stream="out")
        assert main(["check", "--config", str(tmp_path / "demo.yaml")]) == 0
        second = ended("demo", "--dir", ".", "--port", "0", "--sandbox-port", "0", cwd=tmp_path)
        assert "another service works on the store" in second.err_lines[-1]
        assert second.code == 69
        process.signal(signal.SIGTERM)
        assert process.end().code == 0


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finished = ended("demo", "--dir", "file/x", "--port", "0", "--sandbox-port", "0", cwd=tmp_path)
    (line,) = finished.err_lines
    assert line.startswith("pushserver: 服务启动失败: file/x ")
    assert finished.code == 73
