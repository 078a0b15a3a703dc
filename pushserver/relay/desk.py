"""Answers other processes about the relay; never waits, so that it can always be asked."""

from actors import Actor, Context, receives
from pushserver.domain.mail import FetchRelayState, RelayState
from pushserver.relay.house import Tally
from pushserver.relay.roll import Roll


class RelayDesk(Actor):
    """Knows what the door's ``tally`` and the accounts' ``roll`` say."""

    def __init__(self, context: Context, *, tally: Tally, roll: Roll) -> None:
        super().__init__(context)
        self._tally = tally
        self._roll = roll

    @receives(FetchRelayState)
    def fetch_relay_state(self, _: FetchRelayState) -> RelayState:
        """As it is now."""
        return RelayState(self._tally.connections, self._roll.resting)
