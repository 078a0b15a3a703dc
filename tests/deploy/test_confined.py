"""The service under what its image and its unit take away, as far as a kernel does that without systemd."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from pushserver.sandbox import Sandbox
from tests.deploy.nginx import free_port
from tests.deploy.tools import ROOT, needs, ran
from tests.deploy.unit import service
from tests.docs.demo import environment
from tests.system.api_client import Client
from tests.system.deadline import PATIENCE, until
from tests.system.mail_burst import send
from tests.system.setups import group, notices, relay, setup

SCRIPT = ROOT / "tests" / "deploy" / "confined.sh"
_CALL = re.compile(r"^\d+ +(\w+)\((.*)", re.MULTILINE)
_FAMILY = re.compile(r"AF_\w+")

UNSEEN = frozenset(
    {"close", "epoll_ctl", "epoll_wait", "fstat", "futex", "getdents64", "ioctl", "lseek", "munmap"}
    | {"newfstatat", "openat", "pread64", "pwrite64", "read", "readlink", "rt_sigaction", "write"}
)
"""Calls that are made too often to look at each."""
DONE_WITHOUT = {
    "fchown": "SQLite gives new files to the owner of the database, and only tries that as root",
}
"""Calls that the unit refuses, and whose refusal nobody minds."""


@cache
def members(group_: str) -> frozenset[str]:
    """The system calls of one of systemd's groups, those of the groups in it too."""
    said = ran([needs("systemd-analyze", "systemd"), "--no-pager", "syscall-filter", group_])
    names = [line.strip() for line in said.splitlines()[1:] if not line.strip().startswith("#")]
    inner = (members(name) if name.startswith("@") else {name} for name in names if name)
    return frozenset().union(*inner)


def allowed() -> frozenset[str]:
    """What the unit's ``SystemCallFilter=`` leaves."""
    left: frozenset[str] = frozenset()
    for setting in service().all("SystemCallFilter"):
        found = members(setting.lstrip("~"))
        left = left - found if setting.startswith("~") else left | found
    return left


def confined(directory: Path) -> list[str]:
    """What a command is put behind."""
    return ["unshare", "--mount", "bash", str(SCRIPT), str(directory), ",".join(sorted(UNSEEN))]


def need_tools() -> None:
    for program, package in (("unshare", "util-linux"), ("setpriv", "util-linux"), ("strace", "strace")):
        needs(program, package)
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root may have mounts of its own")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, str]]]:
    """All system calls of a service's whole life, with what they were called with."""
    need_tools()
    directory = tmp_path_factory.mktemp("confined")
    port, smtp = free_port(), free_port()
    with Sandbox() as sandbox:
        sink = sandbox.smtp("main")
        file = notices({"type": "file", "name": "file", "path": str(directory / "notifications")})
        content = setup(
            directory,
            {"ops": {"feishu": group(sandbox.feishu("robot")), "system": file}},
            server={"port": port},
            smtp_relay=relay({"main": sink}, port=smtp),
        )
        (directory / "config.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        command = [sys.executable, "-m", "pushserver", "serve", "--config", str(directory / "config.yaml")]
        with (directory / "said").open("wb") as said:
            process = subprocess.Popen(
                [*confined(directory), *command],
                env=environment() | {"TMPDIR": str(directory), "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        try:
            client = Client(port)
            until(lambda: _healthy(client) or process.poll() is not None, "it serves", 3 * PATIENCE)
            assert process.poll() is None, (directory / "said").read_text()
            assert client.outcome("ops", strategy="all")["progress"]["success"] == 2
            send(smtp, "mail", "ann@corp.example")
            sink.wait(1, PATIENCE)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0, (directory / "said").read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        yield _CALL.findall((directory / "calls").read_text(errors="replace"))


def _healthy(client: Client) -> bool:
    try:
        return client.healthy()
    except OSError:
        return False


def test_a_program_that_writes_elsewhere_would_be_noticed(tmp_path: Path) -> None:
    need_tools()
    assert ran([*confined(tmp_path), "touch", str(tmp_path / "here")]) == ""
    with pytest.raises(AssertionError, match="Read-only file system"):
        ran([*confined(tmp_path), "touch", str(tmp_path.parent / "there")])


def test_it_makes_no_system_call_that_the_unit_refuses(calls: list[tuple[str, str]]) -> None:
    made = {name for name, _ in calls}
    assert len(made) > 40
    assert allowed() >= UNSEEN
    assert made - allowed() == {*DONE_WITHOUT}


def test_no_memory_is_both_written_and_executed(calls: list[tuple[str, str]]) -> None:
    assert service().one("MemoryDenyWriteExecute") == "yes"
    both = [call for call in calls if "PROT_WRITE" in call[1] and "PROT_EXEC" in call[1]]
    assert both == []


def test_it_opens_no_socket_of_another_family_than_the_unit_allows(calls: list[tuple[str, str]]) -> None:
    families = {_FAMILY.findall(arguments)[0] for name, arguments in calls if name == "socket"}
    assert families <= {*service().one("RestrictAddressFamilies").split()}
