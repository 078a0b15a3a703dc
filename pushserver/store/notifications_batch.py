"""The commands of the notification store: many in one transaction mean what they mean one by one."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from pushserver.domain import Notification, StoreUnavailable
from pushserver.domain.messages import (
    ClearNotifications,
    DeleteNotification,
    MarkAllRead,
    MarkRead,
    StoreNotification,
)
from pushserver.store.errors import CommandRefused
from pushserver.store.notifications import NotificationTable
from pushserver.store.transaction import in_one_transaction

NotificationCommand = StoreNotification | MarkRead | MarkAllRead | DeleteNotification | ClearNotifications

NotificationOutcome = bool | int | None | CommandRefused | StoreUnavailable
"""What a command's message promises (of a ``StoreNotification``: nothing), or the error for its asker."""


def apply_to_notifications(
    connection: Connection, commands: Sequence[NotificationCommand], *, max_count: int
) -> list[NotificationOutcome]:
    """Commit the commands :func:`in one transaction <.transaction.in_one_transaction>`; see there.

    ``max_count`` is the most entries that are kept, the newest; without commands too.
    """

    def execute(commands: Sequence[NotificationCommand]) -> list[NotificationOutcome]:
        batch = _Batch(NotificationTable(connection), max_count)
        outcomes = [batch.execute(command) for command in commands]
        batch.finish()
        return outcomes

    return in_one_transaction(connection, commands, execute)


class _Batch:
    """Collects new entries, and writes them before whatever would see them."""

    def __init__(self, table: NotificationTable, max_count: int) -> None:
        self._table = table
        self._max_count = max_count
        self._new: list[Notification] = []

    def execute(self, command: NotificationCommand) -> NotificationOutcome:
        if isinstance(command, StoreNotification):
            self._new.append(command.notification)
            return None
        self.finish()
        return _HANDLERS[type(command)](self._table, command)

    def finish(self) -> None:
        if self._new:
            self._table.insert(self._new)
            self._new = []
        self._table.trim(self._max_count)


def _mark_read(table: NotificationTable, command: MarkRead) -> bool:
    return table.mark_read(command.notification_id)


def _mark_all_read(table: NotificationTable, _: MarkAllRead) -> int:
    return table.mark_all_read()


def _delete(table: NotificationTable, command: DeleteNotification) -> bool:
    return table.delete(command.notification_id)


def _clear(table: NotificationTable, _: ClearNotifications) -> int:
    return table.clear()


_HANDLERS: dict[type[NotificationCommand], Callable[..., NotificationOutcome]] = {
    MarkRead: _mark_read,
    MarkAllRead: _mark_all_read,
    DeleteNotification: _delete,
    ClearNotifications: _clear,
}
