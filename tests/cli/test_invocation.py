import shutil
import sys
from pathlib import Path

import pytest

from pushserver.cli.invocation import own_command


@pytest.fixture
def _unknown_to_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)


def test_the_plain_name_is_enough_where_the_shell_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert own_command() == "pushserver"


@pytest.mark.usefixtures("_unknown_to_the_shell")
def test_a_path_below_the_working_directory_is_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / ".venv" / "bin" / "pushserver"), "demo"])
    assert own_command() == ".venv/bin/pushserver"


@pytest.mark.usefixtures("_unknown_to_the_shell")
def test_a_module_is_run_by_the_same_interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/somewhere/pushserver/__main__.py", "demo"])
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert own_command() == "/usr/bin/python3 -m pushserver"
