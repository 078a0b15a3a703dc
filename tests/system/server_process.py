"""The service as its operator runs it: ``python -m pushserver serve``, a process that can be killed."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import yaml

from tests.system.api_client import Client
from tests.system.deadline import PATIENCE, until

ROOT = Path(__file__).parents[2]
_GREETING = "服务已启动"
_TITLE = "pushserver: "
_SETTINGS = ("PUSHSERVER_", "SERVER_", "LOG_", "QUEUE_", "TASK_", "STORAGE_", "SMTP_RELAY_", "FORCE_COLOR")


class PushServer:
    """One service over its lives; ``out`` and ``err`` hold what all of them have said.

    ``directory`` is the working directory, with the configuration in it. ``environment`` is added to ours,
    less everything that would change a setting.
    """

    def __init__(
        self, directory: Path, content: Mapping[str, Any] | str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory
        self.config = directory / "config.yaml"
        self.config.write_text(content if isinstance(content, str) else _as_yaml(content), encoding="utf-8")
        self._environment = _environment() | dict(environment or {})
        self._news = threading.Condition()
        self._said: dict[str, list[str]] = {"out": [], "err": []}
        self._process: subprocess.Popen[bytes] | None = None
        self._readers: list[threading.Thread] = []
        self.port = 0

    # life

    def spawn(self) -> None:
        """Begin a life; nothing is waited for."""
        with self._news:
            self._greeted_before = self._greetings()
        process = subprocess.Popen(
            [sys.executable, "-m", "pushserver", "serve", "--config", str(self.config)],
            cwd=self.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout
        assert process.stderr
        self._process = process
        self._open = 2
        self._readers = [self._read("out", process.stdout), self._read("err", process.stderr)]

    def start(self) -> "PushServer":
        """Begin a life, and wait until it serves."""
        self.spawn()
        with self._news:
            self._news.wait_for(lambda: self._greetings() > self._greeted_before or not self._open, PATIENCE)
            assert self._greetings() > self._greeted_before, f"it did not start: {self.err}"
            greeting = [line for line in self._said["err"] if _GREETING in line][-1]
        self.port = int(greeting.partition("://127.0.0.1:")[2].split()[0])
        return self

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._running.pid, number)

    def says(self, words: str) -> None:
        """Wait until it has said something with these words on stderr, in this life or before."""
        with self._news:
            assert self._news.wait_for(lambda: words in self.err, PATIENCE), f"never said {words}: {self.err}"

    def end(self, patience: float = PATIENCE) -> int:
        """Wait for the end of this life, its workers' too; the exit status, negative for a signal."""
        code = self._running.wait(patience)
        for reader in self._readers:  # the streams end with the last process that has them
            reader.join(PATIENCE)
            assert not reader.is_alive(), "it has left a process behind"
        return code

    def kill(self) -> None:
        """``kill -9`` for all of its processes at once; they are gone when this returns."""
        os.killpg(self._running.pid, signal.SIGKILL)
        assert self.end() == -signal.SIGKILL

    def stop(self) -> None:
        """End it in order."""
        self.signal(signal.SIGTERM)
        assert self.end() == 0

    def worker(self, name: str) -> int:
        """The pid of one of its worker processes, once it is there."""
        return until(lambda: self._workers().get(name), f"there is a worker {name}")

    @property
    def pids(self) -> set[int]:
        """Of all that live of it: root, workers, and what they come from."""
        return {pid for pid, title in _titles(self._running.pid) if title}

    @property
    def alive(self) -> bool:
        """Has its root not ended?"""
        return self._running.poll() is None

    def _workers(self) -> dict[str, int]:
        """By the title that each gives itself: ``pushserver: delivery-0``."""
        return {
            title.removeprefix(_TITLE): pid
            for pid, title in _titles(self._running.pid)
            if title.startswith(_TITLE)
        }

    def abandon(self) -> None:
        """Leave nothing of it behind, whatever has happened."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.end()

    # what it has to show

    @property
    def client(self) -> Client:
        return Client(self.port)

    @property
    def out(self) -> str:
        return "".join(self._said["out"])

    @property
    def err(self) -> str:
        return "".join(self._said["err"])

    @property
    def logs(self) -> str:
        return "".join(path.read_text() for path in sorted((self.directory / "log").iterdir()))

    def logged(self, action: str) -> list[dict[str, Any]]:
        """The lines of the log with this action."""
        lines = (self.directory / "log" / "app.log").read_text(encoding="utf-8").splitlines()
        return [line for line in map(json.loads, lines) if line.get("action") == action]

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process, "it was never started"
        return self._process

    def _greetings(self) -> int:
        return sum(_GREETING in line for line in self._said["err"])

    def _read(self, name: str, stream: IO[bytes]) -> threading.Thread:
        def read() -> None:
            with stream:
                for line in stream:
                    with self._news:
                        self._said[name].append(line.decode())
                        self._news.notify_all()
            with self._news:
                self._open -= 1
                self._news.notify_all()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        return reader


@contextmanager
def serving(
    directory: Path, content: Mapping[str, Any] | str, environment: Mapping[str, str] | None = None
) -> Iterator[PushServer]:
    """A service that serves, and is gone afterwards."""
    server = PushServer(directory, content, environment)
    try:
        yield server.start()
    finally:
        server.abandon()


def _titles(group: int) -> Iterator[tuple[int, str]]:
    """Pid and command line of every process of a group."""
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        with suppress(OSError):  # it has ended meanwhile
            pid = int(directory.name)
            if os.getpgid(pid) == group:
                yield pid, (directory / "cmdline").read_bytes().split(b"\0")[0].decode()


def _as_yaml(content: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
