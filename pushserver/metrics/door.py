"""Pushes at the door: taken, or refused and why."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from pushserver.domain import Strategy, Task
from pushserver.metrics.series import by_label

_ACCEPTED: Final = (
    "Pushes that were stored. None for long where there should be some: ask the callers, look at refusals."
)
_REFUSED: Final = (
    "Pushes that were refused and not stored. unreadable, invalid, recipient: mend the caller. "
    "queue_full: deliver faster or raise queue.buffer_size. store_unavailable: look at disk and database."
)


class Refusal(StrEnum):
    """Why a push was not taken."""

    UNREADABLE = "unreadable"
    """No JSON, or too much of it."""
    INVALID = "invalid"
    """A field is missing or makes no sense."""
    RECIPIENT = "recipient"
    """There is no such recipient, or it cannot be reached that way."""
    QUEUE_FULL = "queue_full"
    STORE_UNAVAILABLE = "store_unavailable"


class DoorMetrics:
    """Counts into ``registry``; without one, for itself. Safe to share between threads."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        accepted = Counter("pushserver_pushes_accepted", _ACCEPTED, ("strategy",), registry=registry)
        refused = Counter("pushserver_pushes_refused", _REFUSED, ("reason",), registry=registry)
        self._accepted = by_label(accepted, Strategy)
        self._refused = by_label(refused, Refusal)

    def accepted(self, tasks: Sequence[Task]) -> None:
        """These have been stored."""
        for task in tasks:
            self._accepted[task.strategy].inc()

    def refused(self, reason: Refusal, pushes: int = 1) -> None:
        """So many have not, for this reason."""
        self._refused[reason].inc(pushes)
