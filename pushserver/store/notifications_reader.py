"""Reading notifications from any thread, beside the actors that write them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from pushserver.domain import Notification, NotificationPage, NotificationStatistics, NotificationStatus
from pushserver.store.errors import outages_as_store_unavailable
from pushserver.store.notifications import NotificationTable


class NotificationReader:
    """What was committed, as of the moment of the call; safe to share between threads.

    ``engine`` is :func:`~pushserver.store.database.open_reader`'s. All methods raise ``StoreUnavailable``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fetch(self, notification_id: str) -> Notification | None:
        """One entry, or ``None``."""
        with self._table() as table:
            return table.fetch(notification_id)

    def page(self, status: NotificationStatus | None, limit: int, offset: int) -> NotificationPage:
        """See :meth:`~pushserver.store.notifications.NotificationTable.page`."""
        with self._table() as table:
            return table.page(status, limit, offset)

    def statistics(self) -> NotificationStatistics:
        """How many there are."""
        with self._table() as table:
            return table.statistics()

    @contextmanager
    def _table(self) -> Iterator[NotificationTable]:
        """In a transaction: a page and its total are of the same moment."""
        with outages_as_store_unavailable(), self._engine.begin() as connection:
            yield NotificationTable(connection)
