"""Programs that the tests try the files of ``deploy/`` with."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SECONDS = 60


def needs(program: str, package: str) -> str:
    """Where the program is; the test skips where there is none, and fails in CI."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        reason = f"{program} is not installed (Debian: apt-get install {package})"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    return found


def ran(command: Sequence[str], **options: object) -> str:
    """What a command says, which must succeed."""
    ended = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
        **options,  # type: ignore[call-overload] # those of subprocess.run
    )
    assert ended.returncode == 0, ended.stdout
    return str(ended.stdout)
