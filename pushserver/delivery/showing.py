"""What others see of an endpoint: who waits there, its budget, its breaker. Looked at from any thread."""

from dataclasses import dataclass

from pushserver.delivery.health import Health
from pushserver.delivery.line import Line, is_urgent
from pushserver.delivery.messages import Send
from pushserver.delivery.meter import Meter, Wait
from pushserver.domain import Target


@dataclass(frozen=True, slots=True, eq=False)
class Queue:
    """The line of an endpoint with a rate, and what it waits for."""

    line: Line
    meter: Meter
    merges: bool

    def until(self, send: Send, now: float) -> Wait:
        """When a message's turn is, were it the last one in the line."""
        wait = self.meter.wait(now, urgent=is_urgent(send))
        ahead = 0 if self.merges else self.line.ahead_of(send)
        return Wait(wait.seconds + ahead * self.meter.budget.pace, wait.reason)

    def until_of(self, task_id: str, now: float) -> Wait | None:
        """When the turn of one that waits is; ``None`` if it does not."""
        send = self.line.find(task_id)
        return None if send is None else self.until(send, now)


@dataclass(frozen=True, slots=True, eq=False)
class Showing:
    """One endpoint; ``queue`` only where it has a rate."""

    target: Target
    health: Health
    queue: Queue | None = None

    def words(self, now: float) -> str:
        """For the list of actors; empty when there is nothing to say."""
        return "; ".join([*self._of_queue(now), *self._of_health(now)])

    def _of_queue(self, now: float) -> list[str]:
        queue = self.queue
        if queue is None:
            return []
        budget = f"budget left: {max(0, queue.meter.budget.left(now))}"
        waiting = len(queue.line)
        if not waiting:
            return [budget]
        wait = queue.meter.wait(now, urgent=queue.line.urgent)
        return [f"{waiting} waiting, next in {wait.seconds:.0f} s ({wait.reason})", budget]

    def _of_health(self, now: float) -> list[str]:
        if not self.health.is_ill:
            return []
        return [f"breaker open for {self.health.rests(now):.0f} s more: {self.health.last_failure}"]
