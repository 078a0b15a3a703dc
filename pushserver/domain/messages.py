"""The messages that cross layers: from the doors to the store, and from the store to the delivery actors.

Imperative where something is to be done, past tense where it has happened. All are frozen and made of
values, so that they may cross processes.
"""

from dataclasses import dataclass
from datetime import datetime

from pushserver.domain.attempt import Attempt, Fallback, StoredTask, Target, TaskStatus
from pushserver.domain.notification import Notification
from pushserver.domain.push import Task

# To the task store -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubmitTasks:
    """Store these, all or none. Reply: ``None`` once committed; raises :class:`~.errors.QueueFull`."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """The recipient has taken the task up: its status becomes ``processing`` unless it is final already."""

    task_id: str


@dataclass(frozen=True, slots=True)
class RecordAttempt:
    """Store what became of an attempt.

    ``called_by`` is set where the attempt was a call at a vendor whose calls are counted: the recipient whose
    endpoint has made it.
    """

    attempt: Attempt
    called_by: str = ""


@dataclass(frozen=True, slots=True)
class RecordDigest:
    """Store what became of several attempts that were one send, all or none; a single call, see there."""

    attempts: tuple[Attempt, ...]
    called_by: str = ""


@dataclass(frozen=True, slots=True)
class EndTask:
    """Store the task's fate, and with ``Fallback.OWED`` the intent to raise the last line of defence."""

    task_id: str
    status: TaskStatus
    at: datetime
    fallback: Fallback


@dataclass(frozen=True, slots=True)
class EndFallback:
    """The last line of defence of this task has been raised."""

    task_id: str


@dataclass(frozen=True, slots=True)
class FetchTask:
    """Reply: :class:`Fetched`.

    Answered in order behind everything the sender stored before, so what it shows is never behind.
    """

    task_id: str


@dataclass(frozen=True, slots=True)
class FetchUnfinished:
    """Reply: tuple of the recipient's :class:`StoredTask` that are not final or whose fallback is owed."""

    recipient: str


@dataclass(frozen=True, slots=True)
class FetchCalls:
    """Reply: :class:`Calls` of this endpoint; ``since`` is aware, UTC."""

    recipient: str
    target: Target
    since: datetime


@dataclass(frozen=True, slots=True)
class Calls:
    """How an endpoint's vendor was called, as far as it is stored.

    ``ended`` are the times at which calls that began since then had their answer, in order. ``last`` are the
    last few calls of all, newest first. ``in_hand`` says that a process has died with one more in its hands.
    """

    ended: tuple[datetime, ...]
    last: tuple[Attempt, ...]
    in_hand: bool


@dataclass(frozen=True, slots=True)
class AskWaiting:
    """Reply: the :class:`~pushserver.domain.WaitingFor` of a task that waits now, else ``None``."""

    task_id: str


@dataclass(frozen=True, slots=True)
class ListOverdue:
    """Reply: tuple of ``(recipient, task id)`` of unfinished tasks created before ``before``."""

    before: datetime


@dataclass(frozen=True, slots=True)
class PurgeTasks:
    """Delete up to a batch of tasks completed before ``before``. Reply: how many went."""

    before: datetime


@dataclass(frozen=True, slots=True)
class CountResumptions:
    """These were in a process's hands when it died. Reply: ``None`` once committed."""

    in_hand: tuple[tuple[str, Target], ...]


# To the notification store ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoreNotification:
    """Store this entry, unless its task has or had one. Reply: :class:`NotificationStored`."""

    notification: Notification


@dataclass(frozen=True, slots=True)
class MarkRead:
    """Reply: whether there is such an entry; one that is read already stays so."""

    notification_id: str


@dataclass(frozen=True, slots=True)
class MarkAllRead:
    """Reply: how many entries were unread."""


@dataclass(frozen=True, slots=True)
class DeleteNotification:
    """Reply: whether there was such an entry."""

    notification_id: str


@dataclass(frozen=True, slots=True)
class ClearNotifications:
    """Reply: how many entries there were."""


# To a recipient --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskReady:
    """A task has just been stored for you. Told at most once; the sweep finds what this does not reach."""

    task: Task


@dataclass(frozen=True, slots=True)
class Sweep:
    """The store has these unfinished tasks of yours; you may know them or not."""

    task_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """The store's answer to :class:`FetchTask`; ``stored`` is ``None`` if there is no such task."""

    task_id: str
    stored: StoredTask | None


@dataclass(frozen=True, slots=True)
class NotificationStored:
    """The answer to :class:`StoreNotification`: the task's entry is in the store.

    ``refusal`` is set where it never will be, and says why: repeating it does not help.
    """

    task_id: str
    refusal: str = ""


# To the herald ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RaiseNotice:
    """Tell people of something that has no task: an entry, and every global system notice.

    ``recipient`` is who was to be reached. Reply: :class:`NoticeRaised`. Asked for again while it is
    remembered, it is only answered.
    """

    notification: Notification
    recipient: str


@dataclass(frozen=True, slots=True)
class NoticeRaised:
    """The answer to :class:`RaiseNotice`: the entry is stored, and each way has been tried to its end."""

    task_id: str
