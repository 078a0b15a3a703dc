"""Who is connected, and who makes room when there are too many."""

import asyncio
from collections.abc import Iterator
from typing import Protocol


class Guest(Protocol):
    """A connection, as the others see it."""

    @property
    def address(self) -> str:
        """The client's IP address."""

    @property
    def authenticated(self) -> bool:
        """Has it logged in?"""

    @property
    def active_at(self) -> float:
        """When it last said something; seconds of the loop's clock."""

    def give_way(self) -> None:
        """Say goodbye and close, now: somebody else needs the room."""

    def wind_up(self) -> None:
        """Say goodbye and close once what is in hand has been answered."""

    def abort(self) -> None:
        """Close without a word."""


class Guests:
    """At most ``limit`` connections, and ``per_address`` from one address. Used by the door's loop alone."""

    def __init__(self, limit: int, per_address: int) -> None:
        self._limit = limit
        self._per_address = per_address
        self._guests: list[Guest] = []
        self.gone = asyncio.Event()
        """Set while there is nobody."""
        self.gone.set()

    def __len__(self) -> int:
        return len(self._guests)

    def __iter__(self) -> Iterator[Guest]:
        return iter(tuple(self._guests))

    def admit(self, guest: Guest) -> bool:
        """Let it in, if need be instead of the one idle longest that has not logged in; false: no room."""
        same = [other for other in self._guests if other.address == guest.address]
        if len(same) >= self._per_address and not self._dismiss_one(same):
            return False
        if len(self._guests) >= self._limit and not self._dismiss_one(self._guests):
            return False
        self._guests.append(guest)
        self.gone.clear()
        return True

    def leave(self, guest: Guest) -> None:
        """It has gone."""
        if guest in self._guests:
            self._guests.remove(guest)
        if not self._guests:
            self.gone.set()

    def _dismiss_one(self, among: list[Guest]) -> bool:
        strangers = [guest for guest in among if not guest.authenticated]
        if not strangers:
            return False
        oldest = min(strangers, key=lambda guest: guest.active_at)
        self.leave(oldest)
        oldest.give_way()
        return True
