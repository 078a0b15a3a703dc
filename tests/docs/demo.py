"""``pushserver demo`` on free ports, and shells in which its documented addresses lead to it."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.docs.markdown import ROOT

DOCUMENTED_API, DOCUMENTED_SANDBOX = "127.0.0.1:8080", "127.0.0.1:8081"
SECONDS = 30
_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
_LAST_LINE_OF_WELCOME = "Ctrl-C"
_SETTINGS = ("PUSHSERVER_", "SERVER_", "LOG_", "QUEUE_", "TASK_", "STORAGE_", "SMTP_RELAY_", "FORCE_COLOR")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Demo:
    directory: Path
    api: str
    sandbox: str

    def run(self, commands: str) -> Ran:
        """Run shell commands as printed, apart from the ports and where ``pushserver`` is."""
        commands = commands.replace(DOCUMENTED_API, self.api).replace(DOCUMENTED_SANDBOX, self.sandbox)
        ran = subprocess.run(
            [_bash(), "-euc", f'pushserver() {{ "{sys.executable}" -m pushserver "$@"; }}\n{commands}'],
            cwd=self.directory,
            env=environment() | {"PUSHSERVER_URL": f"http://{self.api}"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)


def environment() -> dict[str, str]:
    """This process's, without settings of the service."""
    ours = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    return {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)} | ours


@contextmanager
def running_demo(directory: Path) -> Iterator[Demo]:
    """The demo, from its welcome to an orderly end."""
    command = [sys.executable, "-m", "pushserver", "demo", "--dir", "data", "--port", "0"]
    with subprocess.Popen(
        [*command, "--sandbox-port", "0"],
        cwd=directory,
        env=environment() | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield _welcomed(process, directory)
        finally:
            process.terminate()
            process.wait(SECONDS)


def _welcomed(process: subprocess.Popen[str], directory: Path) -> Demo:
    assert process.stdout
    welcome = []
    for line in process.stdout:
        welcome.append(line)
        if _LAST_LINE_OF_WELCOME in line:
            break
    threading.Thread(
        target=process.stdout.read, daemon=True
    ).start()  # or the demo would stand at a full pipe
    found = _ADDRESS.findall("".join(welcome))
    assert found, f"the demo did not start; it said {welcome}"
    sandbox, api = found[:2]
    return Demo(directory, api, sandbox)


def _bash() -> str:
    found = shutil.which("bash")
    assert found, "the documented commands are for bash"
    return found
