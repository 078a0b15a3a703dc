"""Without a fork server and Unix sockets all runs in one process, which must be importable there."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]

WITHOUT = ("fcntl", "resource", "pwd", "grp", "termios", "_posixshmem", "_posixsubprocess")
"""Modules that Windows does not have."""

PRETEND = """
import os, signal, socket, sys
import subprocess, multiprocessing, shutil, tempfile  # those of the standard library know Windows
class Without:
    def find_spec(self, name, path=None, target=None):
        if name in {without!r}:
            raise ImportError(f"no module named {{name}}, as on Windows", name=name)
for name in {without!r}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Without())
del socket.AF_UNIX, os.sched_setaffinity, os.sched_getaffinity, os.fork, signal.pthread_sigmask
import {module}
"""


@pytest.mark.parametrize(
    "module", ["actors", "actors.cpu", "actors.metrics", "actors.operator", "pushserver.service"]
)
def test_what_runs_in_one_process_needs_nothing_that_windows_lacks(module: str) -> None:
    code = PRETEND.format(without=WITHOUT, module=module)
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_what_windows_lacks_would_be_noticed() -> None:
    code = PRETEND.format(without=WITHOUT, module="fcntl")
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, check=False, capture_output=True, text=True
    )
    assert "as on Windows" in result.stderr
