"""The world of ``pushserver demo``: the robots and mailboxes of a sandbox, and a configuration that fits."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pushserver.cli.arrivals import MAIL, Labels
from pushserver.sandbox import MailSink, Robot, Sandbox

MAIN_RECIPIENT = "ops_alert"
RETRY_DELAY = 2
"""Seconds: whoever scripts a fault on the page wants to see the retry."""


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """What the demo's recipients are reached by."""

    ops_main: Robot
    ops_spare: Robot
    duty: Robot
    team: Robot
    mail: MailSink

    @property
    def labels(self) -> Labels:
        """The names that the configuration gives them."""
        return {
            (self.ops_main.platform, self.ops_main.token): "主告警机器人",
            (self.ops_spare.platform, self.ops_spare.token): "备用告警机器人",
            (self.duty.platform, self.duty.token): "值班机器人",
            (self.team.platform, self.team.token): "企业微信机器人",
            (MAIL, self.mail.name): "邮箱",
        }


def populate(sandbox: Sandbox) -> DemoWorld:
    """Make the robots and the mail sink of the demo; secrets are new every time."""
    return DemoWorld(
        ops_main=sandbox.feishu("ops-main", secret=secrets.token_urlsafe(16)),
        ops_spare=sandbox.feishu("ops-spare"),
        duty=sandbox.dingtalk("duty", secret=f"SEC{secrets.token_hex(32)}"),
        team=sandbox.wechat("group"),
        mail=sandbox.smtp("mail"),
    )


def write_configuration(world: DemoWorld, port: int, directory: Path) -> Path:
    """Write the demo's configuration into ``directory``, as an example to learn from; its path.

    Raises:
        OSError: it cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "demo.yaml"
    text = yaml.safe_dump(_configuration(world, port, directory), allow_unicode=True, sort_keys=False)
    path.write_text(f"# pushserver demo\n{text}", encoding="utf-8")
    return path


def _configuration(world: DemoWorld, port: int, directory: Path) -> dict[str, Any]:
    return {
        "server": {"host": "127.0.0.1", "port": port},
        "log": {"output": "file", "file_path": str(directory / "log" / "app.log")},
        "queue": {"retry_delay": RETRY_DELAY},
        "processes": {"inline": True},
        "storage": {"url": f"sqlite:///{(directory / 'demo.db').as_posix()}"},
        "recipients": {
            MAIN_RECIPIENT: {"name": "运维告警组", "platforms": _ops_platforms(world, directory)},
            "dev_team": {"name": "开发团队", "platforms": _dev_platforms(world)},
        },
        "system": _notices(directory),
    }


def _ops_platforms(world: DemoWorld, directory: Path) -> dict[str, Any]:
    return {
        "feishu": _robots(world, world.ops_main, world.ops_spare),
        "dingtalk": _robots(world, world.duty),
        "wechat": _robots(world, world.team),
        "email": _mail(world, "ops@example.com"),
        "system": _notices(directory),
    }


def _dev_platforms(world: DemoWorld) -> dict[str, Any]:
    return {"wechat": _robots(world, world.team), "email": _mail(world, "dev@example.com")}


def _robots(world: DemoWorld, *robots: Robot) -> dict[str, Any]:
    return {"webhooks": [_robot(robot, world.labels) for robot in robots]}


def _robot(robot: Robot, labels: Labels) -> Mapping[str, str]:
    webhook = {"name": labels[robot.platform, robot.token], "url": robot.url}
    secret = robot.settings.secret
    return webhook | {"secret": secret} if secret else webhook


def _mail(world: DemoWorld, reader: str) -> dict[str, Any]:
    sender = {
        "host": world.mail.host,
        "port": world.mail.port,
        "from": "pushserver@example.com",
        "tls": False,
    }
    return {"smtp": sender, "recipients": [{"email": reader}]}


def _notices(directory: Path) -> dict[str, Any]:
    file = {"type": "file", "name": "文件通知", "path": str(directory / "notifications")}
    return {"notifications": [{"type": "console", "name": "控制台通知"}, file]}
