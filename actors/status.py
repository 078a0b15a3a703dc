"""What an operator is shown of an actor: a value, taken at one moment."""

from dataclasses import dataclass

from actors.address import Address
from actors.cell import Cell, State


@dataclass(frozen=True, slots=True)
class ActorStatus:
    """One actor. Times are seconds; ``last_error_at`` is seconds since the epoch."""

    address: Address
    kind: str
    state: State
    mailbox: int
    processed: int
    failures: int
    restarts: int
    last_error: str
    last_error_at: float | None
    busy_for: float
    uptime: float
    oldest: float
    """How long the letter at the head of the mailbox has waited."""
    busy_seconds: float
    """Time spent on messages over all lives."""
    note: str = ""
    """What the actor itself has to say, in words."""


def status_of(cell: Cell, now: float) -> ActorStatus:
    """Describe a cell at monotonic time ``now``."""
    record, context = cell.record, cell.context
    busy_since = context.busy_since if context is not None else None
    oldest = cell.mailbox.oldest()
    return ActorStatus(
        address=cell.address,
        kind=cell.spec.kind,
        state=State.STUCK if is_stuck(cell, now) else cell.state,
        mailbox=len(cell.mailbox),
        processed=record.processed,
        failures=record.failures,
        restarts=record.restarts,
        last_error=record.last_error,
        last_error_at=record.last_error_at,
        busy_for=now - busy_since if busy_since is not None else 0.0,
        uptime=now - cell.started_at if cell.started_at is not None and context is not None else 0.0,
        oldest=now - oldest if oldest is not None else 0.0,
        busy_seconds=record.busy_seconds,
        note=_note_of(cell),
    )


def _note_of(cell: Cell) -> str:
    actor = cell.context.actor if cell.context is not None else None
    try:
        return actor.status_note() if actor is not None else ""
    except Exception:  # noqa: BLE001 - it may be changing under the eyes of who looks
        return ""


def asleep(address: Address, kind: str) -> ActorStatus:
    """Describe an actor that is configured and not awake."""
    return ActorStatus(address, kind, State.SLEEPING, 0, 0, 0, 0, "", None, 0.0, 0.0, 0.0, 0.0)


def is_stuck(cell: Cell, now: float) -> bool:
    """Has one message been in hand for longer than the deadline of its kind?"""
    context = cell.context
    since = context.deadline_from if context is not None else None
    return since is not None and now - since > cell.spec.deadline
