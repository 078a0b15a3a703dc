"""Where the endpoints of a process let themselves be seen, and who answers for all of them."""

from collections.abc import Iterator
from datetime import timedelta

from actors import Actor, Address, Clock, Context, receives
from pushserver.delivery.showing import Showing
from pushserver.domain import WaitingFor
from pushserver.domain.messages import AskWaiting
from pushserver.metrics import EndpointFigures

_Entry = tuple[Address, Showing]


class Board:
    """The endpoints awake; safe to share between threads."""

    def __init__(self) -> None:
        self._showings: dict[Address, Showing] = {}

    def put(self, address: Address, showing: Showing) -> None:
        """It has begun a life."""
        self._showings[address] = showing

    def remove(self, address: Address, showing: Showing) -> None:
        """That life is over; a later one is left alone."""
        if self._showings.get(address) is showing:
            del self._showings[address]

    def waiting_for(self, task_id: str, clock: Clock) -> WaitingFor | None:
        """What a task waits for; where it waits at several endpoints, the one that is free first."""
        now = clock.monotonic()
        untils = [
            (until, showing.target)
            for _, showing in self._entries()
            if showing.queue is not None and (until := showing.queue.until_of(task_id, now)) is not None
        ]
        if not untils:
            return None
        until, target = min(untils)
        return WaitingFor(target, clock.now() + timedelta(seconds=until.seconds), until.reason)

    def figures(self, now: float) -> Iterator[EndpointFigures]:
        """Of all endpoints that have a rate or a breaker."""
        for address, showing in self._entries():
            queue, health = showing.queue, showing.health
            if queue is not None or health.is_watched:
                yield EndpointFigures(
                    actor="/".join(address.path),
                    platform=showing.target.platform,
                    budget_left=queue.meter.budget.left(now) if queue is not None else None,
                    waiting=len(queue.line) if queue is not None else 0,
                    breaker_open=health.is_ill,
                )

    def _entries(self) -> list[_Entry]:
        return list(self._showings.items())


class Lookout(Actor):
    """Says what the tasks of this process wait for."""

    def __init__(self, context: Context, *, board: Board) -> None:
        super().__init__(context)
        self._board = board

    @receives(AskWaiting)
    def ask_waiting(self, question: AskWaiting) -> WaitingFor | None:
        """Of one task."""
        return self._board.waiting_for(question.task_id, self.context.clock)
