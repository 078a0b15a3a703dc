"""docs/TROUBLESHOOTING.md: its commands are typed at a service in the troubles that it speaks of."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pushserver.sandbox import Sandbox
from tests.deploy.tools import needs, ran
from tests.docs.demo import environment
from tests.docs.markdown import page
from tests.system.mail_burst import send
from tests.system.server_process import PushServer, serving
from tests.system.setups import group, relay, setup

ENGLISH, CHINESE = page("docs/TROUBLESHOOTING.md"), page("docs/TROUBLESHOOTING.zh-CN.md")
TASK = "task_20240101_120000_abc123def456"
NOT_HERE = {"systemctl kill --signal=SIGUSR1 pushserver": "tests/system sends the signal"}
SHOWN = {
    "pushserver health": "服务运行正常",
    "pushserver actors": "recipients/ops_alert/feishu",
    "pushserver notifications": "所有渠道推送失败",
    f"pushserver task {TASK}": "webhook地址无效",
    f"grep {TASK} /var/log/pushserver/app.log": "endpoint_broken",
    "pushserver check --config /etc/pushserver/config.yaml": "配置有效",
    "ss -ltnp 'sport = :8080'": "python",
    "lsof /var/lib/pushserver/data/pushserver.lock": "python",
    "pushserver smtp check --config /etc/pushserver/config.yaml": "QUIT",
    "curl -s http://127.0.0.1:8080/api/v1/smtp-relay/status": '"status": "运行中"',
    "grep 消息推送失败 /var/log/pushserver/error.log": "主告警机器人",
    "grep 邮件发送成功 /var/log/pushserver/app.log": "main",
}
"""What must stand in the answer of some, besides their success."""
CODES = {f"pushserver task {TASK}": 1}
"""Exit codes that are not 0 where all is as it should be: this push has failed."""


def commands() -> list[str]:
    return [line for block in ENGLISH.blocks if block.info == "sh" for line in block.text.splitlines()]


@dataclass(frozen=True)
class Trouble:
    """A service that has failed to deliver one push and delivered another, and a mail."""

    server: PushServer
    task: str
    smtp: int

    def do(self, command: str) -> str:
        """What a command of the page says here; it must end as it should."""
        code = CODES.get(command, 0)
        places = {
            TASK: self.task,
            "/etc/pushserver/": f"{self.server.directory}/",
            "/var/log/pushserver/": f"{self.server.directory}/log/",
            "/var/lib/pushserver/data/pushserver.lock": str(*self.server.directory.glob("data/*.lock")),
            ":8080": f":{self.server.port}",
            "smtp check": f"smtp check --port {self.smtp}",
        }
        for named, ours in places.items():
            command = command.replace(named, ours)
        script = (
            f'set -euo pipefail\npushserver() {{ "{sys.executable}" -m pushserver "$@"; }}\n'
            f"code=0; {command} || code=$?; [ $code -eq {code} ]"
        )
        variables = environment() | {"PUSHSERVER_URL": f"http://127.0.0.1:{self.server.port}"}
        return ran(["bash", "-c", script], env=variables, cwd=self.server.directory)


@pytest.fixture(scope="module")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trouble]:
    for program, package in (("ss", "iproute2"), ("lsof", "lsof"), ("curl", "curl")):
        needs(program, package)
    directory = tmp_path_factory.mktemp("trouble")
    with Sandbox() as sandbox:
        robot, sink = sandbox.feishu("robot"), sandbox.smtp("main")
        recipients = {"ops_alert": {"feishu": group(robot, name="主告警机器人")}}
        content = setup(directory, recipients, smtp_relay=relay({"main": sink}))
        with serving(directory, content) as server:
            robot.fail(19001)
            failed = server.client.outcome("ops_alert")
            server.client.outcome("ops_alert")
            smtp = int(server.client.ask("GET", "/api/v1/smtp-relay/status").data["port"])
            send(smtp, "mail", "ann@corp.example")
            sink.wait(1)
            yield Trouble(server, str(failed["task_id"]), smtp)


@pytest.mark.parametrize("command", [line for line in commands() if line not in NOT_HERE])
def test_a_command_does_what_the_page_says(command: str, trouble: Trouble) -> None:
    said = trouble.do(command)
    assert SHOWN.get(command, "") in said


def test_what_is_looked_for_is_on_the_page() -> None:
    assert {*SHOWN, *NOT_HERE} <= {*commands()}


def test_a_taken_port_ends_the_start_with_the_code_and_the_words_of_the_page(
    trouble: Trouble, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    text = trouble.server.config.read_text(encoding="utf-8")
    text = text.replace("port: 0", f"port: {trouble.server.port}", 1)
    text = text.replace("processes:", "processes:\n  inline: true", 1)
    config.write_text(text.replace(str(trouble.server.directory), str(tmp_path)), encoding="utf-8")
    started = subprocess.run(
        [sys.executable, "-m", "pushserver", "serve", "--config", str(config)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode == 69
    assert "端口已被占用" in started.stderr
    assert "`端口已被占用`" in ENGLISH.text


def test_both_languages_have_the_same_sections_and_show_the_same() -> None:
    assert [heading.level for heading in ENGLISH.headings] == [heading.level for heading in CHINESE.headings]
    assert [(block.info, block.text) for block in ENGLISH.blocks] == [
        (block.info, block.text) for block in CHINESE.blocks
    ]
