import json
import signal
import urllib.request
from pathlib import Path

import pytest

from pushserver.sandbox import Sandbox
from tests.cli.configurations import configuration, written
from tests.cli.process import port_of, started


def _is_healthy(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
        return bool(json.load(answer)["data"]["status"] == "healthy")


def _push(port: int, **fields: str) -> None:
    content = {"title": "T", "msg": "M"}
    body = json.dumps({"recipient_alias": "ops", "content": content, **fields}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/push", body, timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("form", "ending"),
    [
        (("serve", "--config", "push.yaml"), signal.SIGTERM),
        (("-config", "push.yaml"), signal.SIGINT),
    ],
)
def test_a_service_serves_until_a_signal_ends_it_in_order(
    form: tuple[str, ...], ending: signal.Signals, config: Path
) -> None:
    with started(*form, cwd=config.parent) as process:
        port = port_of(process.line("服务已启动"))
        assert _is_healthy(port)
        process.signal(ending)
        finished = process.end()
    assert finished.code == 0
    assert finished.err_lines[1:] == [f"收到 {ending.name}，正在停止…", "服务已停止"]
    assert finished.out == ""


def test_a_service_of_several_processes_stops_in_order_too(sandbox: Sandbox, tmp_path: Path) -> None:
    robot = sandbox.feishu("several")
    several = {"gateway": 1, "delivery": 1}
    config = written(tmp_path / "push.yaml", configuration(tmp_path, robot, processes=several))
    with started("-config", str(config), cwd=tmp_path) as process:
        _push(port_of(process.line("服务已启动")))
        robot.wait(1)
        process.signal(signal.SIGTERM)
        finished = process.end()
    assert finished.code == 0
    assert finished.err_lines[1:] == ["收到 SIGTERM，正在停止…", "服务已停止"]


def test_nothing_at_all_means_serve_with_the_usual_file(sandbox: Sandbox, tmp_path: Path) -> None:
    written(tmp_path / "config" / "config.yaml", configuration(tmp_path, sandbox.feishu("usual")))
    with started(cwd=tmp_path) as process:
        assert _is_healthy(port_of(process.line("服务已启动")))
        process.signal(signal.SIGTERM)
        assert process.end().code == 0


def test_what_is_under_way_is_finished_before_the_end(sandbox: Sandbox, tmp_path: Path) -> None:
    robot = sandbox.feishu("slow")
    robot.hang()
    config = written(tmp_path / "push.yaml", configuration(tmp_path, robot))
    with started("serve", "--config", str(config), cwd=tmp_path) as process:
        _push(port_of(process.line("服务已启动")))
        robot.wait(1)
        process.signal(signal.SIGTERM)
        process.line("正在停止")
        robot.release()
        finished = process.end()
    assert finished.code == 0
    assert "服务已停止" in finished.err
    assert robot.count == 1


def test_a_second_signal_ends_it_at_once(sandbox: Sandbox, tmp_path: Path) -> None:
    robot = sandbox.feishu("stuck")
    robot.hang()
    config = written(tmp_path / "push.yaml", configuration(tmp_path, robot))
    with started("serve", "--config", str(config), cwd=tmp_path) as process:
        _push(port_of(process.line("服务已启动")))
        robot.wait(1)
        process.signal(signal.SIGTERM)
        process.line("正在停止")
        process.signal(signal.SIGTERM)
        finished = process.end()
    robot.release()
    assert finished.code == 128 + signal.SIGTERM
    assert finished.err_lines[-1] == "再次收到信号，立即退出"


def test_secrets_appear_neither_on_screen_nor_in_the_log(sandbox: Sandbox, tmp_path: Path) -> None:
    robot = sandbox.feishu("planted-token", secret="planted-secret")
    robot.fail(19001, times=None)
    content = configuration(
        tmp_path,
        robot,
        smtp_relay={"accounts": [_account("planted-password")]},
        log={"output": "both", "level": "debug", "file_path": str(tmp_path / "log" / "app.log")},
    )
    content["recipients"]["ops"]["platforms"]["feishu"]["webhooks"][0]["name"] = "robot"
    config = written(tmp_path / "push.yaml", content)
    with started("serve", "--config", str(config), cwd=tmp_path) as process:
        port = port_of(process.line("服务已启动"))
        _push(port)
        robot.wait_for(lambda journal: journal.count > 0)
        process.signal(signal.SIGTERM)
        finished = process.end()
    logs = "".join(path.read_text() for path in (tmp_path / "log").iterdir())
    assert finished.code == 0
    assert '"msg":"服务已启动"' in finished.out
    assert '"msg":"服务已启动"' in logs
    assert "planted" not in finished.out + finished.err + logs


def _account(password: str) -> dict[str, object]:
    return {
        "host": "127.0.0.1",
        "port": 1,
        "username": "relay@example.com",
        "password": password,
        "tls": False,
    }
