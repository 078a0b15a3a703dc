"""The messages of the runtime itself, and the letter that carries any message."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from pykka import Future
from pykka._envelope import Envelope

from actors.address import Address

if TYPE_CHECKING:
    from actors.ref import Ref


class Reason(Enum):
    """Why a message did not come to its end."""

    CRASHED = "crashed"
    """The actor crashed on this very message. It will not be tried again."""
    STUCK = "stuck"
    """The actor was busy with this very message for too long and was replaced. What it did is unknown."""
    RESTARTED = "restarted"
    """The actor had accepted this message and was restarted, innocently of it: send it again if need be."""
    PARKED = "parked"
    """The actor has failed too often and takes no messages for a while."""
    STOPPED = "stopped"
    """The actor was stopped before it came to this message."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Told to the sender of a message that did not come to its end: the runtime's dead letter."""

    address: Address
    message: Any
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Control: end after the message in hand. Sent by the supervisor, never by applications."""


class Letter(Envelope[Any]):
    """A message on its way: Pykka's envelope plus who sent it and when (monotonic seconds).

    ``settled`` once its sender has been answered or told of its failure: the first word counts.
    """

    __slots__ = ("at", "sender", "settled")

    def __init__(
        self, message: Any, *, at: float, sender: "Ref | None" = None, reply_to: Future[Any] | None = None
    ) -> None:
        self.message = message
        self.reply_to = reply_to
        self.sender = sender
        self.at = at
        self.settled = False


class Note(Letter):
    """A letter to one life of an actor, not to its name: a timer, an answer, a notice, the order to end."""

    __slots__ = ()
