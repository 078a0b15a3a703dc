"""When to restart: pure decisions, no clock, no threads. The mechanism is in ``supervisor.py``.

A restart is *cheap* once and *suspicious* when repeated. Each actor has a budget of restarts in a window
of time; within it, it is restarted with growing pauses. Beyond it, its :class:`Exhausted` policy decides:
what concerns one name only is parked, with pauses that grow up to minutes, while everything else works on;
what the process cannot do without escalates.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class Restart(Enum):
    """Which endings of a child call for a successor."""

    PERMANENT = "permanent"
    """Every one."""
    TRANSIENT = "transient"
    """A crash only; an orderly end is an end."""
    TEMPORARY = "temporary"
    """None."""


class Exhausted(Enum):
    """What follows when the budget is used up."""

    PARK = "park"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that grow: ``first`` seconds, times ``factor`` up to ``ceiling``, less or more a ``jitter``."""

    first: float
    ceiling: float
    factor: float = 2.0
    jitter: float = 0.2

    def pause(self, nth: int, random: Callable[[], float]) -> float:
        """Seconds before the ``nth`` try, counted from 0; ``random`` returns 0..1."""
        # The exponent is bounded so that a count of thousands cannot overflow a float.
        pause = min(self.ceiling, self.first * self.factor ** min(nth, 64))
        return min(self.ceiling, pause * (1 + self.jitter * (2 * random() - 1)))


@dataclass(frozen=True, slots=True)
class Policy:
    """How one child is treated when it ends: at most ``restarts`` of them in ``within`` seconds.

    Every ending that calls for a successor counts, an orderly one too: whoever ends as soon as it has
    started must not keep the machine busy.
    """

    restart: Restart = Restart.PERMANENT
    restarts: int = 5
    within: float = 30.0
    backoff: Backoff = Backoff(first=0.05, ceiling=5.0)
    exhausted: Exhausted = Exhausted.PARK
    parking: Backoff = Backoff(first=5.0, ceiling=300.0)


@dataclass(frozen=True, slots=True)
class RestartAfter:
    """Start a successor after ``pause`` seconds; messages wait meanwhile."""

    pause: float


@dataclass(frozen=True, slots=True)
class Park:
    """Take no messages for ``pause`` seconds, then try again."""

    pause: float


@dataclass(frozen=True, slots=True)
class Escalate:
    """The parent has failed too."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """No successor."""


Decision = RestartAfter | Park | Escalate | LetGo


@dataclass(slots=True)
class History:
    """What a policy remembers of one child."""

    crashes: deque[float] = field(default_factory=deque)
    """When it ended; orderly endings that called for a successor count as well."""
    parkings: int = 0

    def forgive(self) -> None:
        """Begin anew with a clean record."""
        self.crashes.clear()
        self.parkings = 0


def decide(
    policy: Policy, history: History, *, crashed: bool, now: float, random: Callable[[], float]
) -> Decision:
    """Decide what follows the end of a child at monotonic time ``now``, and remember it."""
    if not _wants_successor(policy.restart, crashed=crashed):
        return LetGo()
    _forget_old(policy, history, now)
    history.crashes.append(now)
    if len(history.crashes) > policy.restarts + 1:  # more are not needed to be over the budget
        history.crashes.popleft()
    if len(history.crashes) <= policy.restarts:
        return RestartAfter(_pause(policy, history, random))
    if policy.exhausted is Exhausted.ESCALATE:
        return Escalate()
    history.parkings += 1
    return Park(policy.parking.pause(history.parkings - 1, random))


def _wants_successor(restart: Restart, *, crashed: bool) -> bool:
    if restart is Restart.TRANSIENT:
        return crashed
    return restart is Restart.PERMANENT


def _forget_old(policy: Policy, history: History, now: float) -> None:
    """A child that has worked for a whole window after its last ending starts with a clean record."""
    if history.crashes and now - history.crashes[-1] > policy.within + _longest_parking(policy, history):
        history.forgive()
    while history.crashes and not history.parkings and now - history.crashes[0] > policy.within:
        history.crashes.popleft()


def _longest_parking(policy: Policy, history: History) -> float:
    return policy.parking.pause(history.parkings - 1, lambda: 1.0) if history.parkings else 0.0


def _pause(policy: Policy, history: History, random: Callable[[], float]) -> float:
    """The first restart is at once: most crashes are about one message, and the others should not wait."""
    earlier = len(history.crashes) - 1
    return policy.backoff.pause(earlier - 1, random) if earlier else 0.0
