"""Configurations, in the words of the YAML file."""

from pathlib import Path
from typing import Any

from pushserver.sandbox import MailSink, Robot

Setup = dict[str, Any]


def setup(directory: Path, recipients: dict[str, Setup], **sections: Setup) -> Setup:
    """Recipients as ``{alias: {platform: channel}}``; no retries, no breakers, short times by default."""
    usual: dict[str, Setup] = {
        "server": {"host": "127.0.0.1", "port": 0},
        "log": {"file_path": str(directory / "log" / "app.log")},
        "queue": {"retry_count": 0, "retry_delay": 0.1, "timeout": 5},
        "breaker": {"enabled": False},
        "storage": {"url": f"sqlite:///{directory}/data/store.db"},
        "processes": {"shutdown_timeout": 10},
    }
    for name, section in sections.items():
        usual[name] = usual.get(name, {}) | section
    return {
        **usual,
        "recipients": {alias: {"platforms": platforms} for alias, platforms in recipients.items()},
    }


INLINE = {"inline": True, "shutdown_timeout": 10}
"""One process: for what does not depend on how many there are, and sooner there."""


def store_of(directory: Path) -> Path:
    return directory / "data" / "store.db"


def group(*robots: Robot, **settings: Any) -> Setup:
    """A channel of robots, called as the sandbox calls them, without a limit of our own."""
    return {"webhooks": [webhook(robot, **settings) for robot in robots]}


def webhook(robot: Robot, **settings: Any) -> Setup:
    usual = {"name": robot.token, "url": robot.url, "secret": robot.settings.secret or "", "rate": "off"}
    return usual | settings


def mailboxes(sink: MailSink, *emails: str, **smtp: Any) -> Setup:
    """A channel of mailboxes behind an account at the sink; in clear text unless said otherwise."""
    account = {"host": sink.host, "port": sink.port, "from": "noreply@corp.example", "tls": False}
    return {"smtp": account | smtp, "recipients": [{"email": email} for email in emails]}


USER, PASSWORD = "relay_user", "relay_pass"


def relay(sinks: dict[str, MailSink], **settings: Any) -> Setup:
    """The section of a relay on a free port, with an account for each of the sinks, in clear text."""
    accounts = [
        {
            "name": name,
            "host": sink.host,
            "port": sink.port,
            "from": f"{name}@corp.example",
            "tls": False,
            "timeout": 5,
        }
        for name, sink in sinks.items()
    ]
    usual = {
        "enabled": True,
        "host": "127.0.0.1",
        "port": 0,
        "auth": {"username": USER, "password": PASSWORD},
        "accounts": accounts,
    }
    return usual | settings


def notices(*items: Setup) -> Setup:
    return {"notifications": list(items)}
