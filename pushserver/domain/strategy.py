"""Strategies are two choices made at two levels; no strategy has code of its own."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Manner(Enum):
    """How a group treats its members."""

    EVERYONE = "everyone"
    """All members, in parallel."""
    FIRST_SUCCESS = "first success"
    """One after the other in the order of the configuration, until one succeeds."""


class Strategy(StrEnum):
    """The strategies of the API; ``platform`` is what a push by platform name uses."""

    ALL = "all"
    FAILOVER = "failover"
    WEBHOOK_FAILOVER = "webhook_failover"
    MIXED = "mixed"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Manners:
    """The choice across a recipient's channels and the choice within each channel."""

    across: Manner
    within: Manner


MANNERS = {
    Strategy.ALL: Manners(Manner.EVERYONE, Manner.EVERYONE),
    Strategy.FAILOVER: Manners(Manner.FIRST_SUCCESS, Manner.FIRST_SUCCESS),
    Strategy.WEBHOOK_FAILOVER: Manners(Manner.EVERYONE, Manner.FIRST_SUCCESS),
    Strategy.MIXED: Manners(Manner.FIRST_SUCCESS, Manner.EVERYONE),
    Strategy.PLATFORM: Manners(Manner.FIRST_SUCCESS, Manner.FIRST_SUCCESS),
}
