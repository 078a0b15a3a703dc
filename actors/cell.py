"""The part of an actor that stays: its name, its mailbox, its record. The actor object comes and goes."""

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
    from actors.supervisor import Takedown


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


@dataclass(slots=True)
class Record:
    """What is counted over all lives of a cell; plain numbers, read by listings and metrics."""

    processed: int = 0
    failures: int = 0
    restarts: int = 0
    busy_seconds: float = 0.0
    last_error: str = ""
    last_error_at: float | None = None


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
    parked: str = ""
    """Why the actor takes no messages now; empty when it does."""
    pending: Timer | None = None
    takedown: "Takedown | None" = None

    def subtree(self) -> "list[Cell]":
        """This cell and all below it, parents first."""
        cells = [self]
        for cell in cells:
            cells.extend(list(cell.children.values()))
        return cells
