"""All that one process counts, in one registry."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from prometheus_client import CollectorRegistry, Metric

from actors import ActorCollector, ActorSystem
from actors.operator import Life
from pushserver.delivery import Board
from pushserver.domain import Attempt
from pushserver.domain.mail import MailBacklog
from pushserver.metrics import (
    BurstCollector,
    DeliveryMetrics,
    DoorMetrics,
    DoorTally,
    ProcessCollector,
    QueueCollector,
    RelayCollector,
    RelayMetrics,
)

ACTOR_PREFIX = "pushserver_actor"


class Instruments:
    """The counters of a process; those of a side that it does not have are never made.

    ``per_actor`` is ``processes.metrics_per_actor``; ``cpu`` says what the process is pinned to.
    """

    def __init__(
        self, system: ActorSystem, life: Life, *, per_actor: bool, cpu: Callable[[], int | None]
    ) -> None:
        self._registry = CollectorRegistry()
        self._clock, self._per_actor = system.clock, per_actor
        self._registry.register(ActorCollector(system, prefix=ACTOR_PREFIX, per_actor=per_actor))
        started_at = system.clock.now().timestamp()
        self._registry.register(ProcessCollector(restarts=life.restarts, started_at=started_at, cpu=cpu))

    @cached_property
    def door(self) -> DoorMetrics:
        """Of pushes that come in."""
        return DoorMetrics(self._registry)

    @cached_property
    def delivery(self) -> DeliveryMetrics:
        """Of pushes that go out."""
        return DeliveryMetrics(self._registry)

    def note_attempt(self, attempt: Attempt) -> None:
        """An attempt has been stored."""
        self.delivery.attempt(attempt)

    def show_queue(self, unfinished: Callable[[], int], capacity: int) -> None:
        """Let this process show the queue of the whole service."""
        self._registry.register(QueueCollector(unfinished, capacity))

    def relay(self, accounts: Iterable[str]) -> RelayMetrics:
        """Of mails that these accounts submit; to be asked for once."""
        return RelayMetrics(accounts, self._registry)

    def show_endpoints(self, board: Board) -> None:
        """Let this process show its endpoints' budgets, who waits for them, and their breakers."""
        clock = self._clock
        collector = BurstCollector(lambda: board.figures(clock.monotonic()), per_actor=self._per_actor)
        self._registry.register(collector)

    def show_relay(
        self,
        *,
        tally: DoorTally,
        backlog: Callable[[], MailBacklog],
        resting: Callable[[], Mapping[str, bool]],
        now: Callable[[], datetime],
    ) -> None:
        """Let this process show the relay's door, queue and accounts."""
        self._registry.register(RelayCollector(tally=tally, backlog=backlog, resting=resting, now=now))

    def collect(self) -> Sequence[Metric]:
        """Everything as it is now."""
        return tuple(self._registry.collect())
