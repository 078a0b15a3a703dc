"""Waiting for what another process does: asked again and again until it holds, or a deadline is over."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 20.0
_PAUSE = 0.01


def until(probe: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """The first thing that is neither ``None`` nor false; ``what`` is said if there is none in time."""
    end = time.monotonic() + patience
    while True:
        found = probe()
        if found:
            return found
        assert time.monotonic() < end, f"waited {patience:g} s in vain until {what}"
        time.sleep(_PAUSE)
