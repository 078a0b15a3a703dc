"""The log files and their names."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from logging import INFO, WARNING
from pathlib import Path

from pushserver.config import LogSettings

EVERYTHING = range(sys.maxsize)
_OWN = {
    "error.log": range(WARNING, sys.maxsize),
    "info.log": range(INFO, WARNING),
    "debug.log": range(INFO),
}
_STAMP = "%Y%m%d_%H%M%S"
_BACKUP = r"\.\d{8}_\d{6}(_\d+)?(?P<packed>\.gz)?"
_LONGEST_FIRST_LINE = 1024 * 1024
UNFINISHED = ".part"
"""The end of a compressed file's name while it is being written."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A rotated file. ``written`` is when its last line was: seconds since the epoch."""

    path: Path
    written: float
    packed: bool


def files_of(settings: LogSettings) -> dict[Path, range]:
    """Every log file, and the numeric levels that it holds; none if the log goes to stdout only."""
    if settings.output == "stdout":
        return {}
    app_log = Path(settings.file_path)
    return {app_log.with_name(name): levels for name, levels in _OWN.items()} | {app_log: EVERYTHING}


def reserve(file: Path, local: datetime) -> Path:
    """Make an empty file, new under its name, for ``file`` to be renamed to: ``app.log.20240101_120000``.

    ``local`` is the moment in local time; within the same second ``…_2`` follows.
    """
    number = 1
    while True:
        stamp = local.strftime(_STAMP) + (f"_{number}" if number > 1 else "")
        path = file.with_name(f"{file.name}.{stamp}")
        number += 1
        if packed(path).exists():
            continue
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path


def packed(path: Path) -> Path:
    """The name of a backup when it is compressed."""
    return path.with_name(f"{path.name}.gz")


def backups_of(file: Path) -> list[Backup]:
    """The rotated files of a log file, newest first; files that somebody else named are none of them."""
    return sorted(_backups(file), key=lambda backup: (backup.written, backup.path.name), reverse=True)


def _backups(file: Path) -> Iterator[Backup]:
    form = re.compile(re.escape(file.name) + _BACKUP)
    for path in file.parent.iterdir():
        found = form.fullmatch(path.name)
        if not found:
            continue
        try:
            written = path.stat().st_mtime
        except FileNotFoundError:  # somebody else tidies up too
            continue
        yield Backup(path, written, packed=found["packed"] is not None)


def time_of_first_line(file: Path, otherwise: float) -> float:
    """When a log file was begun, in seconds since the epoch; ``otherwise`` if its first line does not say.

    File systems do not tell when a file was made, or not to Python.
    """
    with file.open("rb") as lines:
        line = lines.readline(_LONGEST_FIRST_LINE)
    try:
        text = json.loads(line)["time"] if line.startswith(b"{") else line.split(b" ", 1)[0].decode()
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, KeyError, TypeError):
        return otherwise
