"""The notification store as a plain list: what it means, without a database."""

from dataclasses import dataclass, field, replace

from pushserver.domain import (
    Level,
    Notification,
    NotificationPage,
    NotificationStatistics,
    NotificationStatus,
)


@dataclass
class NotificationList:
    """Entries in the order in which they came; ``alarmed`` are the tasks that have, or had, one."""

    max_count: int = 1000
    entries: list[Notification] = field(default_factory=list)
    alarmed: set[str] = field(default_factory=set)
    trouble: Exception | None = None

    def store(self, notification: Notification) -> None:
        if notification.task_id not in self.alarmed:
            self.alarmed.add(notification.task_id)
            self.entries = [*self.entries, notification][-self.max_count :]

    def page(self, status: NotificationStatus | None, limit: int, offset: int) -> NotificationPage:
        self._raise_trouble()
        found = [entry for entry in reversed(self.entries) if status in {None, entry.status}]
        return NotificationPage(tuple(found[offset : offset + limit]), len(found))

    def fetch(self, notification_id: str) -> Notification | None:
        self._raise_trouble()
        return next((entry for entry in self.entries if entry.id == notification_id), None)

    def statistics(self) -> NotificationStatistics:
        self._raise_trouble()
        unread = sum(entry.status is NotificationStatus.UNREAD for entry in self.entries)
        by_type = {level: sum(entry.level is level for entry in self.entries) for level in Level}
        return NotificationStatistics(len(self.entries), unread, len(self.entries) - unread, by_type)

    def mark_read(self, notification_id: str) -> bool:
        self._raise_trouble()
        found = self.fetch(notification_id) is not None
        self.entries = [_as_read(entry) if entry.id == notification_id else entry for entry in self.entries]
        return found

    def mark_all_read(self) -> int:
        unread = self.statistics().unread
        self.entries = [_as_read(entry) for entry in self.entries]
        return unread

    def delete(self, notification_id: str) -> bool:
        found = self.fetch(notification_id) is not None
        self.entries = [entry for entry in self.entries if entry.id != notification_id]
        return found

    def clear(self) -> int:
        self._raise_trouble()
        count, self.entries = len(self.entries), []
        return count

    def _raise_trouble(self) -> None:
        if self.trouble:
            raise self.trouble


def _as_read(entry: Notification) -> Notification:
    return replace(entry, status=NotificationStatus.READ)
