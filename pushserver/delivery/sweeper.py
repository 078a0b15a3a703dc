"""Finds tasks that their recipients were never told of, or have lost."""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from actors import Actor, ActorError, Context, Ref, receives
from pushserver.domain import PushServerError
from pushserver.domain.messages import ListOverdue, Sweep

_log = logging.getLogger(__name__)

INTERVAL = 5.0
"""Seconds between two sweeps."""
OVERDUE = timedelta(seconds=5)
"""A younger task's recipient may have its message still on the way; see ``recipient.FRESH``."""
_STORE_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class _Look:
    """The sweeper's reminder."""


class Sweeper(Actor):
    """Tells recipients what the store says is unfinished; those who know it already do nothing.

    The first sweep, at the start, takes everything: this is how tasks go on after a restart. ``recipient``
    is ``None`` for those that belong to another process.
    """

    def __init__(self, context: Context, *, store: Ref, recipient: Callable[[str], Ref | None]) -> None:
        super().__init__(context)
        self._store = store
        self._recipient = recipient

    def on_start(self) -> None:
        """Sweep everything, then regularly what is overdue."""
        self._sweep(timedelta(0))
        self.after(INTERVAL, _Look())

    @receives(_Look)
    def look(self, _: _Look) -> None:
        """Sweep what is overdue."""
        self.after(INTERVAL, _Look())
        self._sweep(OVERDUE)

    def _sweep(self, older_than: timedelta) -> None:
        unfinished = defaultdict(list)
        for alias, task_id in self._list_unfinished(self.context.clock.now() - older_than):
            unfinished[alias].append(task_id)
        for alias, task_ids in unfinished.items():
            self._tell(alias, tuple(task_ids))

    def _list_unfinished(self, before: datetime) -> Sequence[tuple[str, str]]:
        """An outage of the store is no fault of mine: the next sweep finds what this one does not."""
        try:
            overdue: Sequence[tuple[str, str]] = self._store.ask(ListOverdue(before), timeout=_STORE_TIMEOUT)
        except (ActorError, PushServerError) as error:
            _log.warning(
                "cannot look for unfinished tasks: %s",
                error,
                extra={"action": "sweep_failed", "error": str(error)},
            )
            return ()
        return overdue

    def _tell(self, alias: str, task_ids: tuple[str, ...]) -> None:
        try:
            recipient = self._recipient(alias)
            if recipient is not None:
                self.tell(recipient, Sweep(task_ids))
        except ActorError as error:
            _log.warning(
                "unfinished tasks wait: %s",
                error,
                extra={"action": "sweep_failed", "recipient": alias, "error": str(error)},
            )
