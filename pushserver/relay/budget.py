"""What all clients together may have on its way in: bytes of messages between DATA and our answer."""

from collections.abc import Iterator
from contextlib import contextmanager


class DataBudget:
    """So many bytes in all; used by the door's loop alone."""

    def __init__(self, total: int) -> None:
        self._total = total
        self.used = 0

    def has_room(self, size: int) -> bool:
        """Would so many bytes more be too much?"""
        return self.used + size <= self._total

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """A message's part of it, given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.used -= share.taken


class Share:
    """The part of the budget that one message takes."""

    def __init__(self, budget: DataBudget) -> None:
        self._budget = budget
        self.taken = 0

    def take(self, size: int) -> bool:
        """Take more of the budget; false, and nothing taken, when it is used up."""
        if not self._budget.has_room(size):
            return False
        self._budget.used += size
        self.taken += size
        return True
