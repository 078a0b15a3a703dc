"""The part of an actor that stays: its name, its mailbox, its record. The actor object comes and goes."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from actors.address import Address
from actors.mailbox import Mailbox
from actors.policy import History
from actors.scheduler import Timer
from actors.spec import ChildSpec

if TYPE_CHECKING:
    from actors.context import Context
    from actors.takedown import Takedown


BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds, in seconds, by which handling times are counted."""


class State(StrEnum):
    """What an operator sees of an actor."""

    RUNNING = "running"
    RESTARTING = "restarting"
    """Between two lives, parked included: see ``last_error``."""
    STUCK = "stuck"
    """Busy with one message for longer than its deadline."""
    STOPPED = "stopped"
    SLEEPING = "sleeping"
    """Configured, not awake: the next message starts it."""


@dataclass(slots=True, eq=False)
class Record:
    """What is counted over all lives of a cell; plain numbers, read by listings and metrics."""

    processed: int = 0
    failures: int = 0
    restarts: int = 0
    busy_seconds: float = 0.0
    durations: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    """How many handlings took up to each of :data:`BUCKETS`, and how many longer; not cumulative."""
    last_error: str = ""
    last_error_at: float | None = None

    def note(self, messages: int, seconds: float) -> None:
        """One handling of so many messages, a batch or one, has come to its end."""
        self.processed += messages
        self.busy_seconds += seconds
        self.durations[bisect_left(BUCKETS, seconds)] += 1


@dataclass(slots=True, eq=False)
class Cell:
    """One awake name in the tree.

    Who writes what: the tree (``children``) under the system's lock; the counts of handled messages in
    ``record`` on the actor's own thread; everything else on the supervisor's thread.
    """

    address: Address
    spec: ChildSpec
    parent: "Cell | None"
    mailbox: Mailbox
    children: dict[str, "Cell"] = field(default_factory=dict)
    state: State = State.RESTARTING
    context: "Context | None" = None
    """The present life, if there is one."""
    started_at: float | None = None
    idle_since: float = 0.0
    record: Record = field(default_factory=Record)
    history: History = field(default_factory=History)
    pending: Timer | None = None
    """The start of the next life, if it has to wait for time."""
    takedown: "Takedown | None" = None
    """Who waits for the present life to end."""
    ending: "Takedown | None" = None
    """What the next life waits for: until it is over, nothing starts here or below."""
    awaited: list[Callable[[], None]] = field(default_factory=list)
    """Called once the actor answers, or is gone."""

    @property
    def parked(self) -> str:
        """Why the actor takes no messages now; empty when it does."""
        return self.mailbox.parked

    def subtree(self) -> "list[Cell]":
        """This cell and all below it, parents first."""
        cells = [self]
        for cell in cells:
            cells.extend(list(cell.children.values()))
        return cells
