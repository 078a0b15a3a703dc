"""Keeps one process to the settings in effect: what has changed begins anew, everything else goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from actors import Actor, Context, receives
from pushserver.config import Mail, Recipient, RelayAccount, Settings
from pushserver.domain import PlatformName
from pushserver.service.shelf import Shelf

FOLLOWER: Final = "follower"
"""What it is called in each process."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Go by the settings in effect. Reply: their number."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a process has to do about new settings.

    ``recipients`` are the aliases of those that are new, changed or gone, ``accounts`` the names of such
    accounts of the relay.
    """

    recipients: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    @classmethod
    def between(cls, old: Settings, new: Settings) -> "Difference":
        """From one to the other."""
        accounts = [{account.name: account for account in one.relay_accounts} for one in (old, new)]
        recipients = _differing(old.recipients, new.recipients)
        if _sender_of(old) != _sender_of(new):
            recipients = tuple(dict.fromkeys((*recipients, *_without_account(new))))
        return cls(recipients, _differing(*accounts))


class Side(Protocol):
    """A part of a process that goes by settings."""

    def follow(self, settings: Settings, difference: Difference) -> None:
        """Go by these from now on; does not wait for what begins anew. Twice is like once."""


@dataclass(slots=True)
class Standing:
    """The settings that a process goes by, and their number; 0 for those that it was born with."""

    settings: Settings
    number: int = 0


class Follower(Actor):
    """Looks at the ``shelf`` when it is told to, and when it starts: a process may miss the word.

    The ``standing`` outlives it. ``learn`` is told what has come into effect, for whoever keeps its secrets.
    """

    def __init__(
        self,
        context: Context,
        *,
        shelf: Shelf,
        standing: Standing,
        sides: Sequence[Side],
        learn: Callable[[Sequence[Recipient | RelayAccount]], None],
    ) -> None:
        super().__init__(context)
        self._shelf = shelf
        self._standing = standing
        self._sides = sides
        self._learn = learn

    def on_start(self) -> None:
        """Take up what came into effect while nobody was here."""
        self._catch_up()

    @receives(Follow)
    def follow(self, _: Follow) -> int:
        """Look, and say what is gone by."""
        self._catch_up()
        return self._standing.number

    def _catch_up(self) -> None:
        newer = self._shelf.newer_than(self._standing.number)
        if newer is None:
            return
        number, settings = newer
        difference = Difference.between(self._standing.settings, settings)
        self._learn(_parts(settings, difference))
        for side in self._sides:
            side.follow(settings, difference)
        self._standing.settings, self._standing.number = settings, number


def _differing(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name))


def _parts(settings: Settings, difference: Difference) -> list[Recipient | RelayAccount]:
    recipients = [settings.recipients[name] for name in difference.recipients if name in settings.recipients]
    accounts = [account for account in settings.relay_accounts if account.name in difference.accounts]
    return [*recipients, *accounts]


def _sender_of(settings: Settings) -> str:
    """Who pushes by e-mail come from where the recipient has no account of its own."""
    return next((account.from_ for account in settings.relay_accounts), "")


def _without_account(settings: Settings) -> Iterator[str]:
    for alias, recipient in settings.recipients.items():
        mail = recipient.channel(PlatformName.EMAIL)
        if mail and any(isinstance(target, Mail) and target.smtp is None for target in mail.targets):
            yield alias
