"""The messages that wait for an endpoint's budget: errors first, otherwise in the order in which they came.

Used by the endpoint's thread; whoever else looks sees a moment of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile

from actors import Letter
from pushserver.delivery.messages import Send
from pushserver.delivery.terms import DigestRules
from pushserver.domain import Level

MOST_MERGED = 500
"""Messages that are looked at for one digest: more would not fit into any vendor's message."""


@dataclass(frozen=True, slots=True, eq=False)
class Waiter:
    """A message that waits: ``since`` when, in monotonic seconds, and whether it is not to be merged."""

    letter: Letter
    send: Send
    since: float
    alone: bool = False

    @property
    def task_id(self) -> str:
        """Of the task that it is sent for."""
        return self.send.deliver.task.id


def is_urgent(send: Send) -> bool:
    """May it use the reserve, and go before others?"""
    return send.deliver.task.push.level is Level.ERROR


class Line:
    """Who waits, in the order in which they go out."""

    def __init__(self) -> None:
        self._urgent: dict[str, Waiter] = {}
        self._others: dict[str, Waiter] = {}

    def __len__(self) -> int:
        return len(self._urgent) + len(self._others)

    def __iter__(self) -> Iterator[Waiter]:
        yield from self._urgent.values()
        yield from self._others.values()

    @property
    def urgent(self) -> bool:
        """Is the first one an error?"""
        return bool(self._urgent)

    @property
    def first(self) -> Waiter:
        """Whoever is next."""
        return next(iter(self))

    @property
    def longest_wait_since(self) -> float:
        """When the one began to wait that has waited longest."""
        return min(next(iter(kind.values())).since for kind in (self._urgent, self._others) if kind)

    def find(self, task_id: str) -> Send | None:
        """What waits for this task."""
        waiter = self._urgent.get(task_id) or self._others.get(task_id)
        return waiter.send if waiter is not None else None

    def ahead_of(self, send: Send) -> int:
        """How many would go out before this one."""
        return len(self._urgent) if is_urgent(send) else len(self)

    def add(self, waiter: Waiter) -> None:
        """Behind all others of its kind."""
        self._kind_of(waiter)[waiter.task_id] = waiter

    def remove(self, waiter: Waiter) -> None:
        """It waits no longer."""
        self._kind_of(waiter).pop(waiter.task_id, None)

    def keep_apart(self, waiters: Sequence[Waiter]) -> None:
        """These came back: they go first, one by one."""
        for kind in (self._urgent, self._others):
            back = {w.task_id: replace(w, alone=True) for w in waiters if self._kind_of(w) is kind}
            behind = dict(kind)
            kind.clear()
            kind.update(back | behind)

    def next(self, digest: DigestRules | None, now: float) -> tuple[Waiter, ...]:
        """Whoever goes out now: one, or as many as may be merged."""
        if digest is None or self.first.alone or not self._is_long(digest, now):
            return (self.first,)
        return tuple(waiter for waiter in islice(self, MOST_MERGED) if not waiter.alone)

    def expired(self, before: float) -> tuple[Waiter, ...]:
        """Those that have waited since then, or longer."""
        kinds = (self._urgent, self._others)
        return tuple(w for kind in kinds for w in takewhile(lambda w: w.since <= before, kind.values()))

    def _is_long(self, digest: DigestRules, now: float) -> bool:
        return len(self) > digest.over or (len(self) > 1 and now - self.longest_wait_since > digest.after)

    def _kind_of(self, waiter: Waiter) -> dict[str, Waiter]:
        return self._urgent if is_urgent(waiter.send) else self._others
