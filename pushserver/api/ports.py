"""What the HTTP door needs from the rest of the service, and nothing more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from actors import ActorStatus, Address, State
from pushserver.config import Change, Fault
from pushserver.domain import (
    Notification,
    NotificationPage,
    NotificationStatistics,
    NotificationStatus,
    PlatformName,
    StoredTask,
    Task,
    WaitingFor,
)
from pushserver.domain.mail import MailPage, MailState
from pushserver.metrics import DoorMetrics


class Channel(Protocol):
    """One enabled platform of a recipient; a channel without targets cannot take anything."""

    @property
    def platform(self) -> PlatformName:
        """The platform that this channel speaks to."""

    @property
    def targets(self) -> Sequence[object]:
        """Its endpoints; only whether there is one matters here."""


class Recipient(Protocol):
    """Whoever a push may be addressed to."""

    @property
    def channels(self) -> Sequence[Channel]:
        """The enabled channels, in the order of the configuration."""


class Progress(Protocol):
    """How far a task has come; ``total`` is the sum of the other three."""

    @property
    def total(self) -> int:
        """Targets started, and planned ones where the manner is *everyone*."""

    @property
    def success(self) -> int:
        """Targets that took the message."""

    @property
    def failed(self) -> int:
        """Targets that did not."""

    @property
    def pending(self) -> int:
        """Targets whose turn is still to come."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service is fit to take a push.

    ``healthy`` is false, with the ``reason`` (for people), only for faults of our own. ``checks`` are details
    by name, JSON values; vendors and accounts that are down appear there and change nothing else.
    """

    healthy: bool
    reason: str = ""
    checks: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActorQuery:
    """Which actors are wanted; ``None`` and empty mean: no matter which.

    ``recipient`` is an alias, ``address`` an address that may leave out the process: each selects one actor
    and what stands under it.
    """

    state: State | None = None
    kind: str = ""
    recipient: str = ""
    address: str = ""
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ActorView:
    """One actor, or one process, and the process id that it has; ``None`` while there is no process."""

    status: ActorStatus
    pid: int | None


@dataclass(frozen=True, slots=True)
class ActorPage:
    """``total`` actors match; these are those asked for, failing ones before the others.

    ``silent`` are the processes that did not answer, each with the reason: their actors are missing here.
    Unless it is ``complete``, there were too many to be counted, and ``total`` is less than there are.
    """

    total: int
    actors: Sequence[ActorView] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Restarted:
    """What was restarted, and how often it has been by now; ``None`` if nobody could say."""

    address: Address
    restarts: int | None


class Actors(Protocol):
    """The actors of the whole service. Called from any thread, answers within about a second."""

    def page(self, query: ActorQuery) -> ActorPage:
        """Those that match, and the processes themselves.

        Raises:
            ActorNotFound: there can be no actor at ``query.address``; holds near ones.
        """

    def restart(self, address: str) -> Restarted:
        """Restart one and what stands under it, or a process; a sleeping one stays asleep.

        Raises:
            ActorNotFound: there can be no actor of this address; holds near ones.
            CannotRestart: it is the whole service.
            NotRestarted: it, or its process, does not answer.
        """


class Notifications(Protocol):
    """The notification store. All methods may raise :class:`~pushserver.domain.StoreUnavailable`."""

    def page(self, status: NotificationStatus | None, limit: int, offset: int) -> NotificationPage:
        """Up to ``limit`` entries of this status (``None``: any), newest first, behind ``offset`` others."""

    def fetch(self, notification_id: str) -> Notification | None:
        """One entry, or ``None``."""

    def statistics(self) -> NotificationStatistics:
        """How many there are."""

    def mark_read(self, notification_id: str) -> bool:
        """Mark one as read, again if need be. Returns whether it exists."""

    def mark_all_read(self) -> int:
        """Mark all as read. Returns how many were not."""

    def delete(self, notification_id: str) -> bool:
        """Delete one. Returns whether it existed."""

    def clear(self) -> int:
        """Delete all. Returns how many there were."""


class RelayStatus(StrEnum):
    """How the relay's door is, in the words of the answer."""

    RUNNING = "运行中"
    STOPPED = "已停止"
    DISABLED = "未启用"
    FAULTY = "异常"


@dataclass(frozen=True, slots=True)
class RelayOverview:
    """The relay's door: its ``port``, whether it is open, and how many connections it has now.

    ``accounts_count`` is how many accounts are switched on.
    """

    enabled: bool
    status: RelayStatus
    port: int
    accounts_count: int
    active_connections: int


@dataclass(frozen=True, slots=True)
class AccountFigures:
    """One account, switched on or not, and the mails it has sent and failed to send since ever."""

    name: str
    host: str
    port: int
    sender: str
    enabled: bool
    sent: int
    failed: int


class Relay(Protocol):
    """The SMTP relay. Called from any thread, answers within about a second."""

    def overview(self) -> RelayOverview:
        """As it is now."""

    def accounts(self) -> Sequence[AccountFigures]:
        """All that are configured, in the order of the configuration.

        Raises:
            StoreUnavailable: nobody can say what they have counted.
        """

    def mails(self, state: MailState | None, limit: int, offset: int) -> MailPage:
        """Up to ``limit`` mails, newest first, with a recipient in this state (``None``: any).

        Raises:
            StoreUnavailable: they cannot be read.
        """

    def retry(self, mail_ids: Sequence[str] | None) -> int:
        """Try these now, or all (``None``). Returns how many of them somebody waits for.

        Raises:
            StoreUnavailable: nobody relays mails now; nothing has changed.
        """

    def drop(self, mail_ids: Sequence[str]) -> int:
        """Give these up, without a report. Returns how many of them somebody waited for.

        Raises:
            StoreUnavailable: as for :meth:`retry`.
        """


class Outcome(StrEnum):
    """What has become of a reload, or of the wish to know what it would change."""

    APPLIED = "applied"
    COMPARED = "compared"
    NEEDS_RESTART = "needs_restart"
    """Some changes do: nothing has changed."""
    FAULTY = "faulty"
    """The file has faults: nothing has changed."""
    UNCERTAIN = "uncertain"
    """Nobody has answered, or not every process follows yet."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """How it has ended; ``detail`` is for people, where there is more to say."""

    outcome: Outcome
    changes: Sequence[Change] = ()
    faults: Sequence[Fault] = ()
    detail: str = ""


class Configuration(Protocol):
    """The configuration in effect. Called from any thread, answers within half a minute."""

    def reload(self) -> Reloaded:
        """Put the file that the service was started with into effect."""

    def preview(self, text: str | None) -> Reloaded:
        """Compare a configuration, by default that file's, with what is in effect."""


def _nobody_knows(_: StoredTask) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts that the application is built from. All callables are called from any thread, at any time.

    ``submit`` stores all of the tasks or none and returns once they are committed; it raises
    :class:`~pushserver.domain.QueueFull` or :class:`~pushserver.domain.StoreUnavailable`, as ``fetch`` may
    raise the latter. ``metrics`` renders the Prometheus text format 0.0.4; ``count`` is told of every push.
    ``waiting_for`` answers soon, and ``None`` where nobody knows.
    ``now`` is aware, UTC; ``new_task_id`` takes the same moment in local time.
    """

    recipients: Mapping[str, Recipient]
    submit: Callable[[Sequence[Task]], None]
    fetch: Callable[[str], StoredTask | None]
    progress: Callable[[StoredTask], Progress]
    health: Callable[[], Health]
    actors: Actors
    notifications: Notifications
    relay: Relay
    configuration: Configuration
    metrics: Callable[[], bytes]
    count: DoorMetrics
    now: Callable[[], datetime]
    new_task_id: Callable[[datetime], str]
    waiting_for: Callable[[StoredTask], WaitingFor | None] = _nobody_knows
