"""What all connections of a door share."""

import ssl
from collections.abc import Callable, Sized
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime

from pushserver.relay.budget import DataBudget
from pushserver.relay.guests import Guests
from pushserver.relay.intake import Intake
from pushserver.relay.limits import Limits
from pushserver.relay.sasl import Credentials
from pushserver.store import Spool


@dataclass(slots=True)
class Tally:
    """What a door has seen so far, all of its lives together; read from anywhere, written by its loop."""

    guests: Sized = field(default=(), repr=False)
    """Those of the present life: a hanging one that wakes up takes away no connection of its successor."""
    connected: int = 0
    turned_away: int = 0
    """Connections for which there was no room, and those that had to make some."""
    auth_failures: int = 0
    accepted: int = 0
    duplicates: int = 0
    """Mails sent again by clients who had not heard our 250; not among ``accepted``."""
    refused: int = 0
    """Mails refused after their content."""

    @property
    def connections(self) -> int:
        """How many are open now."""
        return len(self.guests)

    def count_stored(self, *, again: bool) -> None:
        """A mail is in the store, or was there already."""
        if again:
            self.duplicates += 1
        else:
            self.accepted += 1


@dataclass(frozen=True, slots=True)
class Access:
    """Who may send, and how protected. Without ``tls``, STARTTLS is not offered."""

    credentials: Credentials
    tls: ssl.SSLContext | None = None
    tls_required: bool = False


@dataclass(frozen=True, slots=True)
class House:
    """Built for one life of a door; used by its loop alone. ``now`` is aware, UTC.

    ``new_id`` makes a mail's id of the same moment in local time.
    """

    hostname: str
    access: Access = field(repr=False)
    limits: Limits
    guests: Guests
    budget: DataBudget
    intake: Intake
    spool: Spool
    disk: Executor
    tally: Tally
    now: Callable[[], datetime]
    new_id: Callable[[datetime], str]

    def has_room(self, size: int) -> bool:
        """Can a message of so many bytes be taken now? The disk must have more than that (Postfix: 1.5)."""
        return self.has_budget(size) and self.spool.free_bytes() > self.limits.message_bytes * 1.5

    def has_budget(self, size: int = 1) -> bool:
        """Can so many bytes more be under way at once?"""
        return self.budget.has_room(max(size, 1))
