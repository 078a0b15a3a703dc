"""What the notification store holds: an entry for every last line of defence that was raised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pushserver.domain.push import Level, Style

NOTICE_SOURCE: Final = "PushServer-SystemNotification"
"""Who speaks, in every system notice and every entry."""


class NotificationStatus(StrEnum):
    """Whether an operator has marked an entry as read."""

    UNREAD = "unread"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry. ``created_at`` is aware, UTC.

    ``task_id`` names what failed: whatever is raised for it again, there is one entry. ``strategy`` is the
    one that failed, and ``reason`` says so in a few words; ``title`` and ``text`` are the notice's.
    """

    id: str
    task_id: str
    reason: str
    title: str
    text: str
    level: Level
    strategy: str
    style: Style
    created_at: datetime
    status: NotificationStatus = NotificationStatus.UNREAD


@dataclass(frozen=True, slots=True)
class NotificationPage:
    """Some entries, newest first, and how many there are in ``total`` over all pages."""

    items: tuple[Notification, ...]
    total: int


@dataclass(frozen=True, slots=True)
class NotificationStatistics:
    """How many entries there are: ``total`` is ``unread`` and ``read``, and the sum of ``by_type``.

    ``by_type`` has every level, those without entries too.
    """

    total: int
    unread: int
    read: int
    by_type: Mapping[Level, int]
