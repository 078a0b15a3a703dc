"""The configured recipients of the moment, for those who hold on to them while they change."""

from collections.abc import Iterator, Mapping

from pushserver.config import Recipient


class CurrentRecipients(Mapping[str, Recipient]):
    """By alias; another mapping takes the place of the present one at once. Safe to share between threads."""

    def __init__(self, recipients: Mapping[str, Recipient]) -> None:
        self._recipients = recipients

    def replace(self, recipients: Mapping[str, Recipient]) -> None:
        """Go by these from now on."""
        self._recipients = recipients

    def __getitem__(self, alias: str) -> Recipient:
        return self._recipients[alias]

    def __iter__(self) -> Iterator[str]:
        return iter(self._recipients)

    def __len__(self) -> int:
        return len(self._recipients)
