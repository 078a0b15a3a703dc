"""The vocabulary of the service: frozen values, no behaviour beyond what a value can say of itself."""

from pushserver.domain.attempt import Attempt, Fallback, StoredTask, Target, TaskStatus
from pushserver.domain.errors import PushServerError, QueueFull, StoreUnavailable
from pushserver.domain.ids import new_notification_id, new_task_id
from pushserver.domain.notification import (
    NOTICE_SOURCE,
    Notification,
    NotificationPage,
    NotificationStatistics,
    NotificationStatus,
)
from pushserver.domain.push import Delivery, Level, PlatformName, Push, Style, Task
from pushserver.domain.strategy import MANNERS, Manner, Manners, Strategy
from pushserver.domain.verdict import (
    VERDICTS,
    Delivered,
    EndpointBroken,
    MessageRefused,
    RateLimited,
    RefusedHere,
    RefusedMailbox,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.domain.waiting import WAITING_REASONS, WaitingFor
from pushserver.domain.wording import message_of

__all__ = [
    "MANNERS",
    "NOTICE_SOURCE",
    "VERDICTS",
    "WAITING_REASONS",
    "Attempt",
    "Delivered",
    "Delivery",
    "EndpointBroken",
    "Fallback",
    "Level",
    "Manner",
    "Manners",
    "MessageRefused",
    "Notification",
    "NotificationPage",
    "NotificationStatistics",
    "NotificationStatus",
    "PlatformName",
    "Push",
    "PushServerError",
    "QueueFull",
    "RateLimited",
    "RefusedHere",
    "RefusedMailbox",
    "StoreUnavailable",
    "StoredTask",
    "Strategy",
    "Style",
    "Target",
    "Task",
    "TaskStatus",
    "Transient",
    "Uncertain",
    "Verdict",
    "WaitingFor",
    "message_of",
    "new_notification_id",
    "new_task_id",
]
