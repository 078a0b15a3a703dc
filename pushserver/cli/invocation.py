"""How the reader can call this very program again."""

import shutil
import sys
from pathlib import Path

from pushserver.cli.screen import PROGRAM


def own_command() -> str:
    """``pushserver`` where the shell finds it, else the path it was started by, else ``python -m``."""
    if shutil.which(PROGRAM):
        return PROGRAM
    started_by = Path(sys.argv[0])
    if started_by.name == PROGRAM:
        return _short(started_by)
    return f"{_short(Path(sys.executable))} -m {PROGRAM}"


def _short(path: Path) -> str:
    """Relative to the working directory where the path lies below it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
