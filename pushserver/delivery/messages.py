"""What the delivery actors say to one another."""

from dataclasses import dataclass

from pushserver.delivery.course import Errand, Order
from pushserver.domain import Attempt, Manner, Task


@dataclass(frozen=True, slots=True)
class Deliver:
    """Recipient to channel: carry out this order. Answer: :class:`ChannelEnded`, when all of it has ended.

    ``fallback`` marks the last line of defence, whose attempts are kept apart.
    """

    task: Task
    order: Order
    manner: Manner
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class ChannelEnded:
    """Channel to recipient: the order is carried out; these attempts were made, in the order of time."""

    deliver: Deliver
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Channel to endpoint: make this attempt. Answer: :class:`SendEnded`, or :class:`Waiting` at once.

    ``stays``: wait there for the endpoint's budget, if need be. ``waiting_since`` is when the message began
    to wait for anybody's, in monotonic seconds.
    """

    deliver: Deliver
    errand: Errand
    stays: bool = True
    waiting_since: float | None = None


@dataclass(frozen=True, slots=True)
class SendEnded:
    """Endpoint to channel: the attempt has been made, and its record is on its way to the store."""

    send: Send
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Waiting:
    """Endpoint to channel: no budget before ``until`` (monotonic seconds); nothing has been done."""

    send: Send
    until: float


@dataclass(frozen=True, slots=True)
class RepeatSend:
    """A channel's reminder: the answer was lost a moment ago, send once more."""

    deliver: Deliver
    errand: Errand


@dataclass(frozen=True, slots=True)
class RoundDue:
    """A recipient's reminder: the pause before this group's next round is over."""

    task_id: str
    fallback: bool
    group: int
