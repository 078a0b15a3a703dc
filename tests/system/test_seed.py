"""The three blocks of the seed's chapter 配置说明, in one file, start a service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pushserver.cli import main
from tests.system.deadline import until
from tests.system.server_process import ROOT, PushServer, serving
from tests.system.store_file import unfinished

SEED = ROOT / "tests" / "config" / "data" / "seed.yaml"
NOWHERE = Path(__file__).parent / "without_network"
ENVIRONMENT = {
    "PYTHONPATH": f"{NOWHERE}:{ROOT}",
    "SERVER_HOST": "127.0.0.1",
    "SERVER_PORT": "1",
    "PUSHSERVER_SERVER_PORT": "0",
    "SMTP_RELAY_PORT": "0",
    "SMTP_RELAY_HOST": "127.0.0.1",
    "QUEUE_TIMEOUT": "1",
    "QUEUE_RETRY_COUNT": "0",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServer]:
    """Its targets are on the internet, which is not there."""
    directory = tmp_path_factory.mktemp("seed")
    with serving(directory, SEED.read_text(encoding="utf-8"), ENVIRONMENT) as server:
        yield server


def test_the_seed_passes_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(SEED)]) == 0
    shown = capsys.readouterr()
    assert "配置有效" in shown.out
    assert shown.err == ""


def test_the_seed_serves(server: PushServer) -> None:
    answer = server.client.ask("GET", "/health")
    assert (answer.status, answer.envelope["message"]) == (200, "服务运行正常")
    assert answer.data["status"] == "healthy"


@pytest.mark.parametrize("strategy", ["failover", "all", "mixed"])
def test_with_everything_unreachable_the_last_line_holds(server: PushServer, strategy: str) -> None:
    task = server.client.outcome("ops_alert", strategy=strategy, title="磁盘", msg="满了")
    assert task["status"] == "failed"
    until(lambda: unfinished(server.directory / "data" / "pushserver.db") == 0, "the last line was raised")
    results = server.client.task(task["task_id"])["results"]
    tried = {(item["platform"], item["target"]) for item in results if not item.get("fallback")}
    assert {target for target in tried if target[0] != "system"} == {
        ("feishu", "主告警机器人"),
        ("feishu", "备用告警机器人"),
        ("dingtalk", "主告警机器人"),
        ("dingtalk", "备用告警机器人"),
        ("wechat", "告警群"),
        ("email", "email"),
    }
    raised = {item["target"]: item["status"] for item in results if item.get("fallback")}
    assert raised == {
        "控制台通知": "success",
        "文件通知": "success",
        "系统日志": "success",
        "HTTP通知": "failed",
    }
    assert task["task_id"] in server.out
    notices = [path.read_text(encoding="utf-8") for path in (server.directory / "notifications").iterdir()]
    assert any(task["task_id"] in text and f"{strategy}策略所有渠道推送失败" in text for text in notices)
    assert "系统通知: 🚨" in server.logs


def test_the_seed_stops_in_order(server: PushServer) -> None:
    """Comes last."""
    server.stop()
    assert "Traceback" not in server.logs + server.err
