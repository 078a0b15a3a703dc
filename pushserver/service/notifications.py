"""The notification store as the HTTP door uses it: read directly, changed by the process's own actor."""

from typing import Any

from sqlalchemy import Engine

from actors import ActorError, Ref
from pushserver.domain import StoreUnavailable
from pushserver.domain.messages import ClearNotifications, DeleteNotification, MarkAllRead, MarkRead
from pushserver.store import NotificationReader

TIMEOUT = 20.0
"""Seconds that a request waits for the store before it is refused."""


class Notifications(NotificationReader):
    """The entries of all processes; safe to share between threads. See :class:`pushserver.api.Notifications`.

    ``reading`` is the engine of readers, ``store`` a notification store.
    """

    def __init__(self, reading: Engine, store: Ref) -> None:
        super().__init__(reading)
        self._store = store

    def mark_read(self, notification_id: str) -> bool:
        """Mark one as read, again if need be. Returns whether it exists."""
        return bool(self._ask(MarkRead(notification_id)))

    def mark_all_read(self) -> int:
        """Mark all as read. Returns how many were not."""
        return int(self._ask(MarkAllRead()))

    def delete(self, notification_id: str) -> bool:
        """Delete one. Returns whether it existed."""
        return bool(self._ask(DeleteNotification(notification_id)))

    def clear(self) -> int:
        """Delete all. Returns how many there were."""
        return int(self._ask(ClearNotifications()))

    def _ask(self, command: object) -> Any:
        try:
            return self._store.ask(command, timeout=TIMEOUT)
        except ActorError as error:
            raise StoreUnavailable(str(error)) from error
