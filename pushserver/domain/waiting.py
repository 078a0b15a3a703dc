"""What an unfinished task waits for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pushserver.domain.attempt import Target

BUDGET: Final = "budget"
"""Waits for the rate that is configured."""
VENDOR: Final = "vendor"
"""Waits because the vendor has refused for rate."""
WAITING_REASONS: Final = (BUDGET, VENDOR)


@dataclass(frozen=True, slots=True)
class WaitingFor:
    """A target, until about when (aware, UTC), and why: one of :data:`WAITING_REASONS`."""

    target: Target
    until: datetime
    reason: str
