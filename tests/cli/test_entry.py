import subprocess
import sys
from pathlib import Path

import pytest

from pushserver import __version__
from pushserver.cli import main
from tests.cli.process import ended


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"pushserver {__version__}\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f" {name} " in out for name in ("serve", "check", "send", "task", "sandbox", "demo"))


@pytest.mark.parametrize(
    "arguments", [["send"], ["nonsense"], ["serve", "--nonsense"], ["demo", "--port", "x"]]
)
def test_a_senseless_command_line_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err


def test_the_package_can_be_run(tmp_path: Path) -> None:
    finished = ended("--version", cwd=tmp_path)
    assert (finished.code, finished.out) == (0, f"pushserver {__version__}\n")


def test_sending_does_not_wait_for_the_whole_service_to_be_imported() -> None:
    program = (
        "import sys; from pushserver.cli import main, send; code = main(sys.argv[1:]);"
        "print(code, sorted({'sqlalchemy', 'falcon', 'pushserver.service'} & sys.modules.keys()))"
    )
    sending = ["send", "-r", "ops", "-t", "T", "-m", "M", "--url", "http://127.0.0.1:1"]
    finished = subprocess.run(
        [sys.executable, "-c", program, *sending], capture_output=True, text=True, check=True, timeout=30
    )
    assert finished.stdout == "69 []\n"
