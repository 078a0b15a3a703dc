"""A fresh user follows DEPLOYMENT's chapter on systemd, command by command, and has a running service."""

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pushserver.sandbox import Robot, Sandbox
from tests.deploy.manager import Manager, Root, managing
from tests.deploy.nginx import free_port
from tests.deploy.tools import ROOT, ran
from tests.docs.markdown import Block, Page, page
from tests.system.deadline import until

SHELL = ROOT / "tests" / "deploy" / "chapter.sh"
ENGLISH, CHINESE = page("docs/DEPLOYMENT.md"), page("docs/DEPLOYMENT.zh-CN.md")
SECRET = "robot-token-of-the-test"


def commands(page_: Page) -> list[str]:
    """Those of the chapter, in order."""
    blocks: list[Block] = Page(page_.path, page_.section("systemd")).blocks
    return [line for block in blocks if block.info == "sh" for line in block.text.splitlines()]


class Machine:
    """Runs the chapter's commands below a directory."""

    def __init__(self, root: Root, manager: Manager, edited: Path, port: int) -> None:
        self._root = root
        self._manager = manager
        self._environment = {
            "PATH": root.search_path,
            "LANG": "C.UTF-8",
            "HOME": str(root.directory),
            "PYTHON": sys.executable,
            "PACKAGES": sysconfig.get_path("purelib"),
            "PROJECT": str(ROOT),
            "EDITED": str(edited),
            "PUSHSERVER_URL": f"http://127.0.0.1:{port}",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def do(self, command: str) -> str:
        """What it says; it must succeed."""
        program, *arguments = command.split()
        if program == "systemctl":
            return self._systemctl(*arguments)
        if program == "journalctl":
            return self._manager.journal
        script = f"source {SHELL}\n{self._root.inside(command)}"
        return ran(["bash", "-c", script], env=self._environment, cwd=self._root.directory)

    def _systemctl(self, verb: str, *arguments: str) -> str:
        if verb == "enable":
            assert arguments == ("--now", "pushserver")
            self._manager.enable_now("pushserver")
        elif verb == "reload":
            self._manager.reload(*arguments)
        elif verb == "status":
            assert self._manager.active, self._manager.journal
        else:
            assert verb == "daemon-reload"
        return self._manager.status


@pytest.fixture
def root(tmp_path: Path) -> Root:
    root = Root(tmp_path / "root")
    for place in ("/usr/local/bin", "/etc/systemd/system", "/opt", "/var/lib", "/var/log"):
        root.path(place).mkdir(parents=True)
    return root


@pytest.fixture
def robot() -> Iterator[Robot]:
    with Sandbox() as sandbox:
        yield sandbox.feishu(SECRET)


@pytest.fixture
def machine(root: Root, robot: Robot, tmp_path: Path) -> Iterator[tuple[Machine, Manager]]:
    port = free_port()
    edited = tmp_path / "edited"
    edited.mkdir()
    webhook = {"name": "主告警机器人", "url": robot.url.replace(SECRET, "${FEISHU_TOKEN}")}
    content = {
        "server": {"host": "127.0.0.1", "port": port},
        "recipients": {"ops_alert": {"platforms": {"feishu": {"webhooks": [webhook]}}}},
    }
    (edited / "config.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    (edited / "environment").write_text(f"FEISHU_TOKEN={SECRET}\n", encoding="utf-8")
    with managing(root) as manager:
        yield Machine(root, manager, edited, port), manager


def files(root: Root, place: str) -> set[Path]:
    return {
        path for path in root.path(place).rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }


def test_whoever_follows_it_has_a_running_service(
    machine: tuple[Machine, Manager], root: Root, robot: Robot
) -> None:
    user, manager = machine
    said: dict[str, str] = {}
    installed: set[Path] = set()
    for command in commands(ENGLISH):
        if command.startswith("systemctl enable"):
            installed = files(root, "/opt") | files(root, "/etc") | files(root, "/usr")
        said[command] = user.do(command)
    assert "服务已启动" in said["systemctl status pushserver"]
    assert "服务已启动" in said["journalctl -u pushserver -n 20"]
    assert "服务运行正常" in said["pushserver health"]
    assert "1/1 送达" in said["pushserver send -r ops_alert -t 测试消息 -m 部署完成"]
    robot.wait(1)
    assert root.path("/var/lib/pushserver/data/pushserver.db").exists()
    assert SECRET not in root.path("/var/log/pushserver/app.log").read_text(encoding="utf-8")
    log = root.path("/var/log/pushserver/app.log")
    _add_a_recipient(root.path("/etc/pushserver/config.yaml"))
    user.do("systemctl reload pushserver")
    until(lambda: "config_reloaded" in log.read_text(encoding="utf-8"), "the new recipient is there")
    assert "1/1 送达" in user.do("pushserver send -r dev_team -t 测试消息 -m 配置已更新")
    assert manager.stop() == 0
    assert files(root, "/opt") | files(root, "/etc") | files(root, "/usr") == installed


def _add_a_recipient(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["recipients"]["dev_team"] = content["recipients"]["ops_alert"]
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def test_the_configuration_and_the_secrets_are_for_the_service_alone(root: Root) -> None:
    modes = {line.split()[-1]: line for line in commands(ENGLISH) if line.startswith("install -")}
    assert "-d -m 0750 -o root -g pushserver" in modes["/etc/pushserver"]
    assert "-m 0640 -o root -g pushserver" in modes["/etc/pushserver/config.yaml"]
    assert "-m 0600 -o root -g root" in modes["/etc/pushserver/environment"]


def test_both_languages_have_the_same_sections_and_show_the_same() -> None:
    assert [heading.level for heading in ENGLISH.headings] == [heading.level for heading in CHINESE.headings]
    assert [(block.info, block.text) for block in ENGLISH.blocks] == [
        (block.info, block.text) for block in CHINESE.blocks
    ]
