"""What an operator asks of a process: to show its actors, and to restart one. An actor like any other.

One stands in every process, at ``/<process>/operator``; whoever serves people asks them all.
"""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from prometheus_client.metrics_core import Metric

from actors.actor import Actor, receives
from actors.address import Address
from actors.cell import State
from actors.context import Context
from actors.errors import ActorError, ActorNotFound
from actors.messages import Letter
from actors.status import ActorStatus
from actors.system import ActorSystem

Collect = Callable[[], Iterable[Metric]]

NAME = "operator"
"""What it is called in each process."""
LOOK_FOR = 0.5
"""Seconds for a look at sleeping actors: others ask too, and hold silence for illness."""
_BEGIN_WITHIN = 0.5
"""Seconds in which the supervisor's thread is sure to come to it."""
_GLANCE = 1_000
"""Actors between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Life:
    """Which life of its process this is: its id, how many there were before, when it began (monotonic)."""

    pid: int
    restarts: int
    began: float


@dataclass(frozen=True, slots=True)
class ListActors:
    """Reply: :class:`Listing`; raises ``ActorNotFound`` at the asker if nobody may live at ``under``.

    ``None`` and empty mean: no matter which; ``under`` selects a subtree. At most ``limit`` are shown;
    sleeping ones only when ``state`` says so.
    """

    state: State | None = None
    kind: str = ""
    under: Address | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Listing:
    """``total`` actors match; these are the first of them by :func:`urgency`, then by path.

    ``pid``, ``restarts`` and ``uptime`` (seconds) are those of the process.
    """

    total: int
    actors: tuple[ActorStatus, ...] = field(default=())
    complete: bool = True
    """False if there were too many to be counted in time; ``total`` are those seen by then."""
    pid: int = 0
    restarts: int = 0
    uptime: float = 0.0


@dataclass(frozen=True, slots=True)
class RestartActor:
    """Reply, once it has started again: how often it has been restarted by now; 0 for one that sleeps.

    Raises ``ActorNotFound`` at the asker.
    """

    address: Address


@dataclass(frozen=True, slots=True)
class CollectMetrics:
    """Reply: tuple of this process's metric families."""


@dataclass(frozen=True, slots=True)
class _Restarted:
    """The operator's reminder that it owes an answer."""

    letter: Letter
    restarts: int


class Operator(Actor):
    """Answers for the system that it is part of; never waits, so that it can always be asked."""

    def __init__(
        self, context: Context, *, system: ActorSystem, collect: Collect, life: Life | None = None
    ) -> None:
        super().__init__(context)
        self._system = system
        self._collect = collect
        self._life = life or Life(os.getpid(), 0, context.clock.monotonic())

    @receives(ListActors)
    def list_actors(self, wanted: ListActors) -> Listing | ActorError:
        """Show the actors that match."""
        try:
            if wanted.under is not None:
                self._check_here(wanted.under)
                self._system.check_known(wanted.under)
            listing = self._asleep(wanted) if wanted.state is State.SLEEPING else self._awake(wanted)
        except ActorError as error:
            return error
        uptime = self.context.clock.monotonic() - self._life.began
        return replace(listing, pid=self._life.pid, restarts=self._life.restarts, uptime=uptime)

    def _awake(self, wanted: ListActors) -> Listing:
        matching = [status for status in self._system.statuses() if _matches(status, wanted)]
        matching.sort(key=lambda status: (urgency(status), status.address.path))
        return Listing(len(matching), tuple(matching[: wanted.limit]))

    def _asleep(self, wanted: ListActors) -> Listing:
        """They may be hundreds of thousands, all alike: none is kept that is not shown."""
        give_up = self.context.clock.monotonic() + LOOK_FOR
        shown: list[ActorStatus] = []
        total = 0
        for seen, status in enumerate(self._system.sleeping(wanted.under), 1):
            if _matches(status, wanted):
                total += 1
                if total <= wanted.limit:
                    shown.append(status)
            if seen % _GLANCE == 0 and self.context.clock.monotonic() > give_up:
                return Listing(total, tuple(shown), complete=False)
        return Listing(total, tuple(shown))

    @receives(RestartActor)
    def restart_actor(self, restart: RestartActor) -> int | ActorError | None:
        """Restart one, and what stands under it."""
        try:
            self._check_here(restart.address)
        except ActorNotFound as error:
            return error
        if self.context.address.is_under(restart.address):
            return self._restart_myself(restart.address)
        letter = self.defer()
        try:
            self._system.begin_restart(restart.address, partial(self._remind, letter))
        except ActorError as error:
            self.settle(letter, error)
        return None

    def _check_here(self, address: Address) -> None:
        if address.process != self.context.address.process:
            raise ActorNotFound(address)

    def _restart_myself(self, address: Address) -> int:
        """Whoever asked is answered first: the next life of mine knows nothing of it.

        But not before my end is certain, so that who asks then speaks to the next life.
        """
        begun = threading.Event()
        self._system.begin_restart(address, lambda _: None)
        self._system.scheduler.soon(begun.set)
        begun.wait(_BEGIN_WITHIN)
        return self.context.cell.record.restarts + 1

    def _remind(self, letter: Letter, restarts: int) -> None:
        self.self_ref.tell_if_awake(_Restarted(letter, restarts))

    @receives(_Restarted)
    def restarted(self, restarted: _Restarted) -> None:
        """One has started again."""
        self.settle(restarted.letter, restarted.restarts)

    @receives(CollectMetrics)
    def collect_metrics(self, _: CollectMetrics) -> tuple[Metric, ...]:
        """Everything that this process counts."""
        return tuple(self._collect())


def _matches(status: ActorStatus, wanted: ListActors) -> bool:
    return (
        (wanted.state is None or status.state is wanted.state)
        and (not wanted.kind or status.kind == wanted.kind)
        and (wanted.under is None or status.address.is_under(wanted.under))
    )


_ORDER = {State.STUCK: 0, State.RESTARTING: 1, State.STOPPED: 2, State.RUNNING: 3, State.SLEEPING: 4}


def urgency(status: ActorStatus) -> tuple[int, int]:
    """What listings are sorted by: failing ones first, then those that have failed, then the others."""
    return (_ORDER[status.state], 0 if status.failures else 1)
