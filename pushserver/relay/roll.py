"""Which accounts there are and which of them rest: read from anywhere in the process, written by accounts."""

from collections.abc import Iterable


class Roll:
    """Every account from the start; each changes what stands by its own name."""

    def __init__(self, accounts: Iterable[str] = ()) -> None:
        self._resting = dict.fromkeys(accounts, False)

    def note(self, account: str, *, resting: bool) -> None:
        """This is how it is now."""
        self._resting[account] = resting

    def forget(self, account: str) -> None:
        """There is no such account any more."""
        self._resting.pop(account, None)

    @property
    def accounts(self) -> dict[str, bool]:
        """Whether each rests, by name."""
        return dict(self._resting)

    @property
    def resting(self) -> tuple[str, ...]:
        """The names of those that rest."""
        return tuple(name for name, rests in self.accounts.items() if rests)
