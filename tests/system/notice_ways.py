"""A last line of defence that goes every way there is, and what has come out at the end of each."""

import re
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pushserver.sandbox import Robot
from tests.system.server_process import PushServer
from tests.system.setups import Setup, notices, store_of

DIRECTORY = "notifications"
WAYS = ("console", "file", "syslog", "http")
_OF_TASK = re.compile(r"^任务: (\S+)$", re.MULTILINE)


def every_way(sink: Robot) -> Setup:
    """The top-level block: each way by its own name, the files in the service's working directory."""
    return notices(
        {"type": "console", "name": "console"},
        {"type": "file", "name": "file", "path": DIRECTORY},
        {"type": "syslog", "name": "syslog"},
        {"type": "http", "name": "http", "url": sink.url, "headers": {"X-From": "test"}},
    )


@dataclass(frozen=True)
class Raised:
    """The notices that a service has raised so far."""

    server: PushServer
    sink: Robot

    def texts(self, task_id: str) -> dict[str, list[str]]:
        """What each way has said about a task."""
        return {
            "console": [text for text in self._banners() if task_id in text],
            "file": [text for text in self.files().values() if task_id in text],
            "syslog": [
                line["msg"] for line in self.server.logged("system_notice") if line["task_id"] == task_id
            ],
            "http": [payload["message"] for payload in self.posted() if payload["task_id"] == task_id],
        }

    def counts(self) -> dict[str, Counter[str]]:
        """How often each task was raised, by way."""
        return {
            "console": Counter(_task_of(text) for text in self._banners()),
            "file": Counter(_task_of(text) for text in self.files().values()),
            "syslog": Counter(line["task_id"] for line in self.server.logged("system_notice")),
            "http": Counter(payload["task_id"] for payload in self.posted()),
        }

    def known(self) -> set[tuple[str, str]]:
        """Task and way of every notice that the store knows as delivered."""
        return set(self._ask("SELECT task_id, target FROM attempts WHERE kind = 'delivered' AND fallback"))

    def failed(self) -> int:
        """How many tasks have failed, their notices raised or not."""
        ((count,),) = self._ask("SELECT count(*) FROM tasks WHERE status = 'failed'")
        return int(count)

    def files(self) -> dict[str, str]:
        directory = self.server.directory / DIRECTORY
        return {path.name: path.read_text(encoding="utf-8") for path in _listed(directory)}

    def posted(self) -> list[dict[str, Any]]:
        return [arrival.payload for arrival in self.sink.messages]

    def _ask(self, question: str) -> list[tuple[Any, ...]]:
        store = f"file:{store_of(self.server.directory)}?mode=ro"
        with closing(sqlite3.connect(store, uri=True, timeout=5)) as connection:
            return connection.execute(question).fetchall()

    def _banners(self) -> list[str]:
        rule = "=" * 60
        head = f"{rule}\n🚨 系统通知 🚨\n{rule}\n"
        return [after.partition(rule)[0] for after in self.server.out.split(head)[1:]]


def _listed(directory: Path) -> list[Path]:
    """Those under their own names: a kill may leave a hidden one half written."""
    return sorted(directory.glob("system_notify_*.txt"))


def _task_of(text: str) -> str:
    (task_id,) = _OF_TASK.findall(text)
    return str(task_id)
