"""What an operator asks of a process: to show its actors, and to restart one. An actor like any other.

One stands in every process, at ``/<process>/operator``; whoever serves people asks them all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from prometheus_client.metrics_core import Metric

from actors.actor import Actor, receives
from actors.address import Address
from actors.cell import State
from actors.context import Context
from actors.errors import ActorError
from actors.status import ActorStatus
from actors.system import ActorSystem

Collect = Callable[[], Iterable[Metric]]

NAME = "operator"
"""What it is called in each process."""


@dataclass(frozen=True, slots=True)
class ListActors:
    """Reply: :class:`Listing`. ``None`` and empty mean: no matter which; ``under`` selects a subtree.

    At most ``limit`` are shown; sleeping ones only when ``state`` says so.
    """

    state: State | None = None
    kind: str = ""
    under: Address | None = None
    containing: str = ""
    """A name that must be part of the path."""
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Listing:
    """``total`` actors match; these are the first of them, failing ones before the others."""

    total: int
    actors: tuple[ActorStatus, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class RestartActor:
    """Reply: how often it has been restarted by now; raises ``ActorNotFound`` at the asker."""

    address: Address


@dataclass(frozen=True, slots=True)
class CollectMetrics:
    """Reply: tuple of this process's metric families."""


class Operator(Actor):
    """Answers for the system that it is part of."""

    def __init__(self, context: Context, *, system: ActorSystem, collect: Collect) -> None:
        super().__init__(context)
        self._system = system
        self._collect = collect

    @receives(ListActors)
    def list_actors(self, wanted: ListActors) -> Listing:
        """Show the actors that match."""
        source = self._system.sleeping() if wanted.state is State.SLEEPING else self._system.statuses()
        matching = [status for status in source if _matches(status, wanted)]
        matching.sort(key=_urgency)
        return Listing(len(matching), tuple(matching[: wanted.limit]))

    @receives(RestartActor)
    def restart_actor(self, restart: RestartActor) -> int | ActorError:
        """Restart one, and what stands under it."""
        try:
            return self._system.restart(restart.address)
        except ActorError as error:
            return error

    @receives(CollectMetrics)
    def collect_metrics(self, _: CollectMetrics) -> tuple[Metric, ...]:
        """Everything that this process counts."""
        return tuple(self._collect())


def _matches(status: ActorStatus, wanted: ListActors) -> bool:
    return (
        (wanted.state is None or status.state is wanted.state)
        and (not wanted.kind or status.kind == wanted.kind)
        and (wanted.under is None or status.address.is_under(wanted.under))
        and (not wanted.containing or wanted.containing in status.address.path)
    )


_ORDER = {State.STUCK: 0, State.RESTARTING: 1, State.STOPPED: 2, State.RUNNING: 3, State.SLEEPING: 4}


def _urgency(status: ActorStatus) -> tuple[int, int]:
    """Failing ones first, then those that have failed; the rest in the order of the tree."""
    return (_ORDER[status.state], 0 if status.failures else 1)
