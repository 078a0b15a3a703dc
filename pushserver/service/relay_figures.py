"""The relay as the HTTP door shows it: how its door is, and what its accounts have counted."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine

from actors import ActorError, ActorSystem, Address, State
from actors.operator import ListActors, Listing
from pushserver.api import AccountFigures, RelayOverview, RelayStatus
from pushserver.config import Settings
from pushserver.domain.mail import FetchRelayState, MailCounts, RelayState
from pushserver.service.census import PATIENCE, Census
from pushserver.service.relay import DESK, DOOR
from pushserver.store import MailReader

_STATUSES: Final = {State.RUNNING: RelayStatus.RUNNING, State.STOPPED: RelayStatus.STOPPED}
_NOTHING_COUNTED: Final = MailCounts()


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
