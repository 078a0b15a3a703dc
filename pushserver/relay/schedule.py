"""When a mail is tried again: growing gaps, as RFC 5321 4.5.4.1 asks for. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

GAPS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60))
"""After the first, second, … pass over all accounts; the last one repeats."""
AFTER_LOST_ANSWER: Final = timedelta(minutes=1)
"""The server may still be at work on what it was sent."""
FOR_A_NOTICE: Final = timedelta(minutes=1)
"""A mail whose time is over waits for people to be told; then it is due at once."""
JITTER: Final = 0.1


def next_try(passes: int, now: datetime, chance: Callable[[], float]) -> datetime:
    """When to try again after so many passes (from 1) in which every account failed; ``chance`` is 0..1."""
    gap = GAPS[min(passes, len(GAPS)) - 1]
    return now + gap * (1 + JITTER * chance())


def expired(received_at: datetime, max_age: timedelta, now: datetime) -> bool:
    """Has the mail been tried for long enough?"""
    return now - received_at >= max_age
