"""The log files' rotation: renamed when full, compressed later, removed in the end; by one process only."""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pushserver.config import LogSettings
from pushserver.logs.files import backups_of, files_of, reserve, time_of_first_line
from pushserver.logs.pace import PACE, Pace
from pushserver.logs.packing import pack
from pushserver.logs.retention import Retention

_log = logging.getLogger(__name__)


class Rotation:
    """Looks after ``files``. ``wall`` gives seconds since the epoch, ``clock`` monotonic ones."""

    def __init__(
        self,
        files: Iterable[Path],
        retention: Retention,
        *,
        pace: Pace = PACE,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = tuple(files)
        self._retention = retention
        self._pace = pace
        self._wall = wall
        self._clock = clock
        self._began = clock()
        self._renamed: dict[Path, float] = {}
        self._first_lines: dict[Path, tuple[int, float]] = {}

    @classmethod
    def of(cls, settings: LogSettings) -> "Rotation":
        """What ``log.*`` says."""
        return cls(files_of(settings), Retention.of(settings))

    def look(self) -> None:
        """Do whatever is due: rotate, compress, remove.

        Raises:
            OSError: something could not be done; what could be, has been.
        """
        faults = [fault for file in self._files for fault in self._look_after(file)]
        if faults:
            raise faults[0]

    def _look_after(self, file: Path) -> list[OSError]:
        faults = []
        for step in (self._rotate_if_full, self._compress_settled, self._remove_superfluous):
            try:
                step(file)
            except FileNotFoundError:  # not there yet, or somebody else tidies up too
                continue
            except OSError as error:
                faults.append(error)
        return faults

    # Rotating ----------------------------------------------------------------------------------------

    def _rotate_if_full(self, file: Path) -> None:
        status = file.stat()
        begun = self._begun(file, status.st_ino, status.st_mtime) if status.st_size else status.st_mtime
        if self._retention.is_full(status.st_size, self._wall() - begun):
            self._rotate(file)

    def _rotate(self, file: Path) -> None:
        backup = reserve(file, datetime.fromtimestamp(self._wall(), UTC).astimezone())
        try:
            file.replace(backup)
        except OSError:
            backup.unlink()
            raise
        self._renamed[backup] = self._clock()
        _log.info("日志文件已轮转", extra={"action": "log_rotated", "file": file.name, "backup": backup.name})

    def _begun(self, file: Path, inode: int, otherwise: float) -> float:
        """When the file's first line was written; read once for each file, by its inode."""
        known = self._first_lines.get(file)
        if known is None or known[0] != inode:
            known = inode, time_of_first_line(file, otherwise)
            self._first_lines[file] = known
        return known[1]

    # Compressing -------------------------------------------------------------------------------------

    def _compress_settled(self, file: Path) -> None:
        """The newest backup stays plain until the next rotation."""
        if not self._retention.compress:
            return
        for backup in backups_of(file)[1:]:
            if not backup.packed and self._settled(backup.path):
                pack(backup.path)
                self._renamed.pop(backup.path, None)

    def _settled(self, path: Path) -> bool:
        """Of backups from before this life it is only known that they are older than it."""
        return self._clock() - self._renamed.get(path, self._began) >= self._pace.settled_after

    # Removing ----------------------------------------------------------------------------------------

    def _remove_superfluous(self, file: Path) -> None:
        for backup in self._retention.superfluous(backups_of(file), self._wall()):
            with suppress(FileNotFoundError):
                backup.path.unlink()
            self._renamed.pop(backup.path, None)
