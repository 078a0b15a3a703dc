"""A ``pushserver`` process, started as anybody would: its lines are read as they come, with a deadline."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

DEADLINE = 30.0
_ROOT = Path(__file__).parents[2]
_SETTINGS = ("FORCE_COLOR", "PUSHSERVER_", "SERVER_", "LOG_", "QUEUE_", "TASK_", "STORAGE_", "SMTP_RELAY_")
_OURS = {"PYTHONPATH": str(_ROOT), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def err_lines(self) -> list[str]:
        return self.err.splitlines()


class Running(Protocol):
    out: IO[bytes]
    err: IO[bytes]

    @property
    def pid(self) -> int: ...

    def code(self, timeout: float) -> int | None: ...


class Process:
    def __init__(self, running: Running) -> None:
        self._running = running
        self._news = threading.Condition()
        self._lines: dict[str, list[str]] = {"out": [], "err": []}
        self._open = 2
        self._readers = [self._read("out", running.out), self._read("err", running.err)]

    def _read(self, name: str, stream: IO[bytes]) -> threading.Thread:
        def read() -> None:
            with stream:
                for line in stream:
                    with self._news:
                        self._lines[name].append(line.decode())
                        self._news.notify_all()
            with self._news:
                self._open -= 1
                self._news.notify_all()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        return reader

    def line(self, *words: str, stream: str = "err") -> str:
        """The first line with all these words, once it is there."""

        def find() -> str | None:
            return next((line for line in self._lines[stream] if all(word in line for word in words)), None)

        with self._news:
            self._news.wait_for(lambda: find() or not self._open, DEADLINE)
            found = find()
            assert found, f"no line with {words} in {self._lines}"
            return found

    def lines(self, stream: str = "out") -> list[str]:
        """What it has said so far."""
        with self._news:
            return list(self._lines[stream])

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._running.pid, number)

    def end(self) -> Ended:
        """Wait for its end."""
        code = self._running.code(DEADLINE)
        assert code is not None, f"still running after {DEADLINE} s: {self._lines}"
        for reader in self._readers:
            reader.join(DEADLINE)
        return Ended(code, "".join(self._lines["out"]), "".join(self._lines["err"]))

    def kill(self) -> None:
        if self._running.code(0) is None:
            with suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
        self.end()


@contextmanager
def started(*arguments: str, cwd: Path) -> Iterator[Process]:
    process = Process(_Executed(arguments, cwd))
    try:
        yield process
    finally:
        process.kill()


def ended(*arguments: str, cwd: Path) -> Ended:
    """Run a command to its end."""
    with started(*arguments, cwd=cwd) as process:
        return process.end()


def port_of(greeting: str) -> int:
    """The port in ``服务已启动 http://127.0.0.1:8080 …``."""
    return int(greeting.partition("://127.0.0.1:")[2].split()[0])


class _Executed:
    def __init__(self, arguments: Sequence[str], cwd: Path) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "pushserver", *arguments],
            cwd=cwd,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._popen.stdout
        assert self._popen.stderr
        self.out, self.err = self._popen.stdout, self._popen.stderr

    @property
    def pid(self) -> int:
        return self._popen.pid

    def code(self, timeout: float) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout)
        return self._popen.returncode


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)} | _OURS
