"""What all actors of a kind have done since the process began, those gone meanwhile included."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field, replace

from actors.cell import BUCKETS, Cell, Record


@dataclass(slots=True)
class Totals:
    """Sums over the records of one kind."""

    processed: int = 0
    failures: int = 0
    restarts: int = 0
    busy_seconds: float = 0.0
    durations: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))

    def add(self, record: Record) -> None:
        """Add what one actor has done."""
        self.processed += record.processed
        self.failures += record.failures
        self.restarts += record.restarts
        self.busy_seconds += record.busy_seconds
        self.durations = [mine + its for mine, its in zip(self.durations, record.durations, strict=True)]


class Ledger:
    """Counters per kind that never run backwards.

    An actor counts in its own record, without a lock; the record is open from the moment its cell is made
    until nothing can be added to it any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gone: dict[str, Totals] = defaultdict(Totals)
        self._open: dict[Record, str] = {}

    def enter(self, cell: Cell) -> None:
        """Count what this cell does from now on."""
        with self._lock:
            self._open[cell.record] = cell.spec.kind

    def retire(self, cell: Cell) -> None:
        """Nothing is added to this cell's record any more; telling so twice does no harm."""
        with self._lock:
            kind = self._open.pop(cell.record, None)
            if kind is not None:
                self._gone[kind].add(cell.record)

    def totals(self) -> dict[str, Totals]:
        """The sums up to now, by kind."""
        with self._lock:
            sums = defaultdict(Totals, {kind: replace(gone) for kind, gone in self._gone.items()})
            for record, kind in self._open.items():
                sums[kind].add(record)
            return dict(sums)
