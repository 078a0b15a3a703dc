"""Small configurations for services that the tests start."""

from pathlib import Path
from typing import Any

import yaml

from pushserver.sandbox import Robot


def configuration(directory: Path, *robots: Robot, **sections: Any) -> dict[str, Any]:
    """One recipient, ``ops``, with these Feishu robots; everything is written below ``directory``."""
    webhooks = [
        {"name": robot.token, "url": robot.url, "secret": robot.settings.secret or "", "rate": "off"}
        for robot in robots
    ]
    return {
        "server": {"host": "127.0.0.1", "port": 0},
        "log": {"output": "file", "file_path": str(directory / "log" / "app.log")},
        "queue": {"retry_count": 0, "timeout": 5},
        "storage": {"url": f"sqlite:///{directory}/data/store.db"},
        "breaker": {"enabled": False},
        "processes": {"inline": True, "pin": "off"},
        "recipients": {"ops": {"platforms": {"feishu": {"webhooks": webhooks}}}},
        **sections,
    }


def written(path: Path, content: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path
