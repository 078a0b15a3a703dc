"""Waiting for a task's fate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pushserver.cli.client import Client, Json, Unreachable

FINAL = frozenset(("completed", "failed"))
FIRST_PAUSE, GROWTH, LONGEST_PAUSE = 0.05, 1.5, 1.0
"""Seconds between two looks: most tasks end at once, the others are waiting for a retry."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the task showed; ``task`` is ``None`` while the service cannot be reached."""

    task: Json | None
    elapsed: float

    @property
    def final(self) -> bool:
        """Whether the task's fate is decided."""
        return self.task is not None and self.task["status"] in FINAL


def looks(
    client: Client, task_id: str, timeout: float, clock: Callable[[], float], pause: Callable[[float], Any]
) -> Iterator[Look]:
    """Look at the task until it is final or ``timeout`` seconds are over; the last look is yielded too.

    A service that is away for a moment (a restart) is waited for.
    """
    start = clock()
    for wait in _pauses():
        elapsed = clock() - start
        look = Look(_task(client, task_id), elapsed)
        yield look
        if look.final or elapsed >= timeout:
            return
        pause(min(wait, max(timeout - elapsed, 0.0)))


def _task(client: Client, task_id: str) -> Json | None:
    try:
        return client.task(task_id)
    except Unreachable:
        return None


def _pauses() -> Iterator[float]:
    wait = FIRST_PAUSE
    while True:
        yield wait
        wait = min(wait * GROWTH, LONGEST_PAUSE)
