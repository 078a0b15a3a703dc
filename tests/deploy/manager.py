"""As much of systemd as the unit asks for, below a directory that stands for ``/``."""

import os
import shlex
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.tools import SECONDS, ran
from tests.deploy.unit import Section, service

_PLACES = ("/etc/", "/opt/", "/usr/local/", "/var/")


@dataclass(frozen=True)
class Root:
    """A directory in which the paths of a whole machine are found again."""

    directory: Path

    def path(self, name: str) -> Path:
        return self.directory / name.lstrip("/")

    def inside(self, text: str) -> str:
        """The text with all paths that the documents name led into the directory."""
        for place in _PLACES:
            text = text.replace(place, f"{self.directory}{place}")
        return text

    @property
    def search_path(self) -> str:
        return f"{self.path('/usr/local/bin')}:/usr/bin:/bin"


class Manager:
    """Starts the unit as systemd would, apart from users and everything that the kernel has to enforce."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._process: subprocess.Popen[bytes] | None = None
        self._journal = root.path("/journal")
        self.status = ""

    def enable_now(self, name: str) -> None:
        """Start it, and wait until it says that it is ready."""
        unit = service(self._root.path(f"/etc/systemd/system/{name}.service"))
        self._make_directories(unit)
        with tempfile.TemporaryDirectory() as directory:  # a socket's path must be short
            address = f"{directory}/notify"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
                notified.bind(address)
                notified.settimeout(SECONDS)
                self._process = self._start(unit, address)
                self._hear(notified, "READY=1")
                self.status = self._hear(notified, "STATUS=").removeprefix("STATUS=").strip()
                self._hear(notified, "WATCHDOG=1")

    @property
    def journal(self) -> str:
        return self._journal.read_text(encoding="utf-8")

    @property
    def active(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def reload(self, name: str) -> None:
        """What ``systemctl reload`` does."""
        assert self._process
        command = service(self._root.path(f"/etc/systemd/system/{name}.service")).one("ExecReload")
        ran(shlex.split(command.replace("$MAINPID", str(self._process.pid))))

    def stop(self) -> int:
        """TERM to the main process, as ``KillMode=mixed`` has it; its exit code."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(SECONDS)

    def abandon(self) -> None:
        """Leave nothing behind, whatever has happened."""
        if self.active and self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(SECONDS)

    def _make_directories(self, unit: Section) -> None:
        for setting, place in (("StateDirectory", "/var/lib"), ("LogsDirectory", "/var/log")):
            for name in unit.one(setting).split():
                mode = int(unit.one(f"{setting}Mode"), 8)
                self._root.path(f"{place}/{name}").mkdir(mode=mode, parents=True, exist_ok=True)

    def _start(self, unit: Section, address: str) -> subprocess.Popen[bytes]:
        given = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": f"{int(unit.one('WatchdogSec')) * 1_000_000}"}
        own = {name: self._root.inside(value) for name, value in unit.environment.items()}
        with self._journal.open("wb") as journal:
            return subprocess.Popen(
                shlex.split(self._root.inside(unit.one("ExecStart"))),
                cwd=self._root.inside(unit.one("WorkingDirectory")),
                env={"PATH": self._root.search_path, "LANG": "C.UTF-8"} | own | self._secrets(unit) | given,
                umask=int(unit.one("UMask"), 8),
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=journal,
                start_new_session=True,
            )

    def _secrets(self, unit: Section) -> dict[str, str]:
        path = Path(self._root.inside(unit.one("EnvironmentFile").removeprefix("-")))
        return dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines())

    def _hear(self, notified: socket.socket, word: str) -> str:
        """Wait for a message that begins so."""
        try:
            while not (said := notified.recv(4096).decode()).startswith(word):
                pass
        except TimeoutError:
            raise AssertionError(f"it never said {word}; the journal: {self.journal}") from None
        return said


@contextmanager
def managing(root: Root) -> Iterator[Manager]:
    """A manager whose service is gone afterwards."""
    manager = Manager(root)
    try:
        yield manager
    finally:
        manager.abandon()
