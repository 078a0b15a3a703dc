"""The statements about notifications, on a connection whose transaction is the caller's."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from pushserver.domain import (
    Level,
    Notification,
    NotificationPage,
    NotificationStatistics,
    NotificationStatus,
)
from pushserver.store import codec, prepared
from pushserver.store.schema import alarms, notifications

# Built once: see the statements about tasks.

_INSERT = insert(notifications)
_INSERT_ALARM = insert(alarms)
_ALARMED = select(alarms.c.task_id).where(alarms.c.task_id.in_(bindparam("task_ids", expanding=True)))

_THIS = notifications.c.id == bindparam("notification_id")
_FETCH = select(notifications).where(_THIS)
_EXISTS = select(notifications.c.number).where(_THIS)
_MARK_READ = update(notifications).where(_THIS).values(status="read")
_DELETE = delete(notifications).where(_THIS)

_MARK_ALL_READ = update(notifications).where(notifications.c.status == "unread").values(status="read")
_CLEAR = delete(notifications)

_COUNT = select(func.count()).select_from(notifications)
_COUNT_BY_KIND = select(notifications.c.status, notifications.c.type, func.count().label("entries")).group_by(
    notifications.c.status, notifications.c.type
)

# The oldest that stays, when so many of the oldest have to go.
_OLDEST_TO_STAY = (
    select(notifications.c.number).order_by(notifications.c.number).offset(bindparam("excess")).limit(1)
)
_DELETE_OLDER = delete(notifications).where(notifications.c.number < bindparam("oldest"))

_OF_STATUS = notifications.c.status == bindparam("of_status")
_COUNT_OF_STATUS = _COUNT.where(_OF_STATUS)


def _page_of(numbers: Select[tuple[int]]) -> Select[tuple[object, ...]]:
    """The page is found by its numbers, in an index; only its own rows are read."""
    page = (
        numbers.order_by(notifications.c.number.desc())
        .limit(bindparam("most"))
        .offset(bindparam("skipped"))
        .subquery("page")
    )
    return (
        select(notifications)
        .join(page, page.c.number == notifications.c.number)
        .order_by(notifications.c.number.desc())
    )


_PAGE = _page_of(select(notifications.c.number))
_PAGE_OF_STATUS = _page_of(select(notifications.c.number).where(_OF_STATUS))


class NotificationTable:
    """Entries in the order in which they were stored.

    Commits nothing and catches nothing: every method is a statement or three in the transaction that the
    connection is in.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Writing -----------------------------------------------------------------------------------------

    def insert(self, entries: Sequence[Notification]) -> None:
        """Store those whose task has no entry yet, and never had one."""
        first = {entry.task_id: entry for entry in reversed(entries)}
        alarmed = self._alarmed(first)
        new = [entry for entry in entries if first[entry.task_id] is entry and entry.task_id not in alarmed]
        prepared.write(self._connection, _INSERT_ALARM, [{"task_id": entry.task_id} for entry in new])
        prepared.write(self._connection, _INSERT, [codec.notification_to_row(entry) for entry in new])

    def _alarmed(self, task_ids: Iterable[str]) -> frozenset[str]:
        return frozenset(self._connection.execute(_ALARMED, {"task_ids": list(task_ids)}).scalars())

    def trim(self, max_count: int) -> int:
        """Let the oldest go until only the newest ``max_count`` (1 at least) are left; how many went."""
        excess = self._connection.execute(_COUNT).scalar_one() - max_count
        if excess <= 0:
            return 0
        oldest = self._connection.execute(_OLDEST_TO_STAY, {"excess": excess}).scalar_one()
        return self._connection.execute(_DELETE_OLDER, {"oldest": oldest}).rowcount

    def mark_read(self, notification_id: str) -> bool:
        """Mark one as read, again if need be. Returns whether it exists."""
        key = {"notification_id": notification_id}
        # Looked up, since MySQL counts only the rows that an update has changed.
        if self._connection.execute(_EXISTS, key).first() is None:
            return False
        self._connection.execute(_MARK_READ, key)
        return True

    def mark_all_read(self) -> int:
        """Mark all as read. Returns how many were not."""
        return self._connection.execute(_MARK_ALL_READ).rowcount

    def delete(self, notification_id: str) -> bool:
        """Delete one. Returns whether it existed."""
        return self._connection.execute(_DELETE, {"notification_id": notification_id}).rowcount > 0

    def clear(self) -> int:
        """Delete all. Returns how many there were."""
        return self._connection.execute(_CLEAR).rowcount

    # Reading -----------------------------------------------------------------------------------------

    def fetch(self, notification_id: str) -> Notification | None:
        """One entry, or ``None``."""
        row = self._connection.execute(_FETCH, {"notification_id": notification_id}).one_or_none()
        return None if row is None else codec.notification_from_row(row)

    def page(self, status: NotificationStatus | None, limit: int, offset: int) -> NotificationPage:
        """Up to ``limit`` entries of this status (``None``: any), newest first, behind ``offset`` others."""
        window = {"most": limit, "skipped": offset}
        if status is None:
            total = self._connection.execute(_COUNT).scalar_one()
            rows = self._connection.execute(_PAGE, window)
        else:
            of_status = {"of_status": status.value}
            total = self._connection.execute(_COUNT_OF_STATUS, of_status).scalar_one()
            rows = self._connection.execute(_PAGE_OF_STATUS, window | of_status)
        return NotificationPage(tuple(map(codec.notification_from_row, rows)), total)

    def statistics(self) -> NotificationStatistics:
        """How many there are."""
        by_status = dict.fromkeys(NotificationStatus, 0)
        by_type = dict.fromkeys(Level, 0)
        for row in self._connection.execute(_COUNT_BY_KIND):
            by_status[NotificationStatus(row.status)] += row.entries
            by_type[Level(row.type)] += row.entries
        unread, read = by_status[NotificationStatus.UNREAD], by_status[NotificationStatus.READ]
        return NotificationStatistics(unread + read, unread, read, by_type)
