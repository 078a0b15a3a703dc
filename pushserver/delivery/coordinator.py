"""The one small coordinator that a recipient uses for its channels and a channel for its endpoints.

It knows members by name and the manner of the group, nothing of pushes. Five strategies come out of two
of these, one above the other (``contract.md`` §5).
"""

from collections.abc import Hashable, Mapping, Sequence
from enum import Enum
from typing import Generic, TypeVar

from pushserver.domain import Manner

Member = TypeVar("Member", bound=Hashable)


class Outcome(Enum):
    """How a member ended, as far as the group is concerned."""

    SUCCESS = "success"
    FAILURE = "failure"
    """The next one may do better."""
    HOPELESS = "hopeless"
    """No member of this group will do better: the rest is skipped."""


class Coordinator(Generic[Member]):
    """One pass over the members of a group.

    ``ended`` holds what is known from before, so that a pass can be taken up where it was left: members
    that have ended are not started again.
    """

    def __init__(
        self, manner: Manner, members: Sequence[Member], ended: Mapping[Member, Outcome] | None = None
    ) -> None:
        self._manner = manner
        self._members = tuple(members)
        self._ended = {member: outcome for member, outcome in (ended or {}).items() if member in members}
        self._under_way: set[Member] = set()
        self._passed_over: dict[Member, None] = {}  # a set that keeps its order

    @property
    def under_way(self) -> frozenset[Member]:
        """The members that were started and have not ended."""
        return frozenset(self._under_way)

    @property
    def succeeded(self) -> bool:
        """Has any member succeeded so far?"""
        return Outcome.SUCCESS in self._ended.values()

    @property
    def finished(self) -> bool:
        """Nobody is under way and nobody is to be started, now or later."""
        return not self._under_way and not self._next() and not self.stranded

    @property
    def stranded(self) -> tuple[Member, ...]:
        """Those passed over, once nobody else is left who could do it: one of them has to be waited for."""
        if not self._passed_over or self._under_way or self._settled or self._next():
            return ()
        return tuple(self._passed_over)

    def start(self) -> tuple[Member, ...]:
        """The members to start now, in order; they count as under way from here on."""
        members = self._next()
        self._under_way.update(members)
        return members

    def end(self, member: Member, outcome: Outcome) -> tuple[Member, ...]:
        """Note how a member ended; returns the members to start now."""
        self._under_way.discard(member)
        self._ended[member] = outcome
        return self.start()

    def pass_over(self, member: Member) -> tuple[Member, ...]:
        """It could not begin yet; returns the members to start in its place."""
        self._under_way.discard(member)
        self._passed_over[member] = None
        return self.start()

    def wait_for(self, member: Member) -> None:
        """One that was passed over is under way after all."""
        del self._passed_over[member]
        self._under_way.add(member)

    @property
    def _settled(self) -> bool:
        """Is it of no use to start anybody else?"""
        if self._manner is Manner.EVERYONE:
            return False
        return self.succeeded or Outcome.HOPELESS in self._ended.values()

    def _next(self) -> tuple[Member, ...]:
        if self._manner is Manner.FIRST_SUCCESS and (self._under_way or self._settled):
            return ()
        ended, under_way, passed_over = self._ended, self._under_way, self._passed_over
        waiting = [m for m in self._members if m not in ended and m not in under_way and m not in passed_over]
        return tuple(waiting if self._manner is Manner.EVERYONE else waiting[:1])
