"""What the HTTP door needs from the rest of the service, and nothing more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pushserver.domain import PlatformName, StoredTask, Task


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
class Dependencies:
    """The parts that the application is built from. All callables are called from any thread, at any time.

    ``submit`` stores all of the tasks or none and returns once they are committed; it raises
    :class:`~pushserver.domain.QueueFull` or :class:`~pushserver.domain.StoreUnavailable`, as ``fetch`` may
    raise the latter. ``metrics`` renders the Prometheus text format 0.0.4. ``now`` is aware, UTC;
    ``new_task_id`` takes the same moment in local time.
    """

    recipients: Mapping[str, Recipient]
    submit: Callable[[Sequence[Task]], None]
    fetch: Callable[[str], StoredTask | None]
    progress: Callable[[StoredTask], Progress]
    health: Callable[[], Health]
    metrics: Callable[[], bytes]
    now: Callable[[], datetime]
    new_task_id: Callable[[datetime], str]
