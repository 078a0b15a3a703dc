"""The relay as the HTTP door shows it: how its door is, what its accounts have counted, its mails."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine

from actors import ActorError, ActorSystem, Address, State
from actors.operator import ListActors, Listing
from pushserver.api import AccountFigures, RelayOverview, RelayStatus
from pushserver.config import Settings
from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import (
    DropMails,
    FetchRelayState,
    MailCounts,
    MailPage,
    MailState,
    RelayState,
    RetryMails,
)
from pushserver.service.census import PATIENCE, Census
from pushserver.service.relay import DESK, DOOR, MAILS
from pushserver.store import MailReader

_STATUSES: Final = {State.RUNNING: RelayStatus.RUNNING, State.STOPPED: RelayStatus.STOPPED}
_NOTHING_COUNTED: Final = MailCounts()
STORE_TIMEOUT: Final = 20.0
"""Seconds that a request waits for the mails' store before it is refused."""


class RelayFigures:
    """What :class:`pushserver.api.Relay` promises; safe to share between threads.

    ``port`` is the door's, if there is one; ``reading`` is the engine of readers.
    """

    def __init__(
        self, settings: Settings, census: Census, system: ActorSystem, *, port: int | None, reading: Engine
    ) -> None:
        self._settings = settings
        self._census = census
        self._system = system
        self._port = port
        self._reader = MailReader(reading)

    def follow(self, settings: Settings) -> None:
        """Show the accounts of these settings from now on."""
        self._settings = settings

    def overview(self) -> RelayOverview:
        """See :class:`pushserver.api.Relay`."""
        relay = self._settings.smtp_relay
        status = self._status()
        return RelayOverview(
            enabled=relay.enabled,
            status=status,
            port=self._port if self._port is not None else relay.port,
            accounts_count=len(self._settings.relay_accounts),
            active_connections=self.state().connections if status is RelayStatus.RUNNING else 0,
        )

    def accounts(self) -> Sequence[AccountFigures]:
        """See :class:`pushserver.api.Relay`."""
        counts = self._reader.counts()
        return [
            AccountFigures(
                account.name,
                account.host,
                account.port,
                account.from_,
                account.enabled,
                *counts.get(account.name, _NOTHING_COUNTED),
            )
            for account in self._settings.smtp_relay.accounts
        ]

    def mails(self, state: MailState | None, limit: int, offset: int) -> MailPage:
        """See :class:`pushserver.api.Relay`."""
        return self._reader.page(state, limit, offset)

    def retry(self, mail_ids: Sequence[str] | None) -> int:
        """See :class:`pushserver.api.Relay`."""
        wanted = None if mail_ids is None else tuple(mail_ids)
        return self._ask_store(RetryMails(wanted, self._system.clock.now()))

    def drop(self, mail_ids: Sequence[str]) -> int:
        """See :class:`pushserver.api.Relay`."""
        return self._ask_store(DropMails(tuple(mail_ids), self._system.clock.now()))

    def _ask_store(self, command: RetryMails | DropMails) -> int:
        process = self._census.layout.relay_process
        if process is None:
            raise StoreUnavailable("nobody relays mails: smtp_relay is off and has no accounts")
        try:
            store = self._system.ref_at(Address(process, (MAILS,)))
            return int(store.ask(command, timeout=STORE_TIMEOUT))
        except ActorError as error:
            raise StoreUnavailable(str(error)) from error

    def state(self) -> RelayState:
        """What the relay's desk says; nothing while it does not answer, which shows elsewhere."""
        process = self._census.layout.relay_process
        if process is None:
            return RelayState()
        try:
            desk = self._system.ref_at(Address(process, (DESK,)))
            state: RelayState = desk.ask(FetchRelayState(), timeout=PATIENCE)
        except ActorError:
            return RelayState()
        return state

    def _status(self) -> RelayStatus:
        process = self._census.layout.relay_process
        if not self._settings.smtp_relay.enabled or process is None:
            return RelayStatus.DISABLED
        answer = self._census.ask(process, ListActors(under=Address(process, (DOOR,)), limit=1))
        if isinstance(answer, Listing):
            (door,) = answer.actors or (None,)
            return _STATUSES.get(door.state, RelayStatus.FAULTY) if door else RelayStatus.STOPPED
        state = getattr(answer, "state", State.STUCK)  # a process that has no such actor is none of ours
        return RelayStatus.STOPPED if state is State.STOPPED else RelayStatus.FAULTY
