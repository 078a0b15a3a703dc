"""The notification store: the only actor of its process that writes notifications."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import get_args

from sqlalchemy import Connection, Engine

from actors import Context, Letter
from pushserver.domain import StoreUnavailable
from pushserver.domain.messages import NotificationStored, StoreNotification
from pushserver.store.committer import Committer
from pushserver.store.errors import CommandRefused
from pushserver.store.notifications_batch import (
    NotificationCommand,
    NotificationOutcome,
    apply_to_notifications,
)


class NotificationStore(Committer):
    """Keeps the newest ``max_count`` entries. Every process may have one: they share the database.

    Whoever stores an entry is told when it is committed, outage or not; until then it is not safe.
    """

    commands = get_args(NotificationCommand)

    def __init__(
        self, context: Context, *, engine: Callable[[], Engine], max_count: int, owed: list[Letter]
    ) -> None:
        super().__init__(context, engine=engine, owed=owed)
        self._max_count = max_count

    def opened(self) -> None:
        """Let go what is over the cap: it may be lower than it was."""
        with suppress(StoreUnavailable):  # the next entry does it, too
            self.apply(())

    def execute(
        self, connection: Connection, commands: Sequence[NotificationCommand]
    ) -> Sequence[NotificationOutcome]:
        """See :meth:`~.committer.Committer.execute`."""
        return apply_to_notifications(connection, commands, max_count=self._max_count)

    def word_on(self, command: NotificationCommand, outcome: object) -> object:
        """See :meth:`~.committer.Committer.word_on`."""
        if not isinstance(command, StoreNotification):
            return outcome
        refusal = str(outcome) if isinstance(outcome, CommandRefused) else ""
        return NotificationStored(command.notification.task_id, refusal)
