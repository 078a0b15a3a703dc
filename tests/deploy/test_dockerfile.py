"""The image, as far as a machine without a container runtime can tell."""

import re
import shutil
import sys
import zipfile
from pathlib import Path

from pushserver.cli.app import app
from tests.deploy.tools import DEPLOY, ROOT, ran

TEXT = (DEPLOY / "Dockerfile").read_text()
LINES = [line for line in TEXT.splitlines() if not line.startswith("#")]


def copied() -> list[str]:
    """What the build takes from the project."""
    copies = [line.split()[1:-1] for line in LINES if line.startswith("COPY") and "--from" not in line]
    return [name for names in copies for name in names]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    let_through = {
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert all((ROOT / name).exists() for name in copied())
    assert {*copied()} == let_through


def test_what_is_copied_is_enough_for_an_installation(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    for name in copied():
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    ran([*pip, "wheel", "--quiet", "--no-deps", "-w", str(tmp_path), str(source)])
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "pushserver/cli/serve.py" in names
    assert "actors/system.py" in names
    assert "pushserver/store/migrations/versions/0001_tasks.py" in names
    assert not [name for name in names if name.startswith("tests/")]


def test_it_does_not_run_as_root() -> None:
    (user,) = [line.split()[1] for line in LINES if line.startswith("USER")]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_its_commands_are_those_that_there_are() -> None:
    commands = {
        command.name or str(getattr(command.callback, "__name__", "")) for command in app.registered_commands
    }
    (health,) = re.findall(r'HEALTHCHECK .* CMD \["pushserver", "(\w+)"\]', TEXT)
    (serve,) = re.findall(r'^CMD \["(\w+)"', TEXT, re.MULTILINE)
    assert {health, serve} <= commands


def test_what_the_service_writes_to_belongs_to_its_user() -> None:
    assert "install -d -o pushserver -g pushserver -m 0750 /app/data /app/log /app/notifications" in TEXT
    assert "VOLUME /app/data" in TEXT
