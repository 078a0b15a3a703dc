"""When a log file is full, and which backups are too many. Decisions only: values in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass

from pushserver.config import LogSettings
from pushserver.logs.files import Backup

_MB = 1024 * 1024
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Retention:
    """``max_bytes`` of a file; ``keep`` so many backups, for ``keep_for`` seconds; 0: all, for ever."""

    max_bytes: int
    keep: int
    keep_for: float
    compress: bool = True

    @classmethod
    def of(cls, settings: LogSettings) -> "Retention":
        """What ``log.*`` says."""
        return cls(
            settings.max_size * _MB, settings.max_backups, settings.max_age * _DAY, compress=settings.compress
        )

    @property
    def longest_span(self) -> float | None:
        """Seconds that one file may cover, ``None``: any.

        A quiet service never fills a file, and its oldest line would stay for ever. The span is the longest
        with which the backups allowed still reach back as far as ``keep_for``, but at least a day.
        """
        if not self.keep_for:
            return None
        return max(_DAY, self.keep_for / self.keep) if self.keep else _DAY

    def is_full(self, size: int, age: float) -> bool:
        """Is it time to rotate a file of ``size`` bytes, whose first line is ``age`` seconds old?"""
        if size == 0:
            return False
        span = self.longest_span
        return size >= self.max_bytes or (span is not None and age >= span)

    def superfluous(self, backups: Sequence[Backup], now: float) -> list[Backup]:
        """Those of ``backups``, newest first, that are to go; ``now`` in seconds since the epoch."""
        return [
            backup
            for place, backup in enumerate(backups)
            if (self.keep and place >= self.keep) or (self.keep_for and now - backup.written > self.keep_for)
        ]
