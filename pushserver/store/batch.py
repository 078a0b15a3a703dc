"""Group commit: a mailbox full of commands in one transaction, with the meaning of one after the other.

Commands of a kind are collected and written together. What makes that allowed:

- Commands about different tasks do not see each other, apart from the backlog; commands about one task
  are written in the order of :class:`_Step`, which is the order of its life. One that comes in another
  order, and every command that reads, has all that came before it written first.
- A submission that surely fits, even if no task of this batch ended, needs no counting. Only one that may
  not fit has the ends before it written first, and then decides on the exact number.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from itertools import chain, repeat

from sqlalchemy import Connection

from pushserver.domain import Attempt, QueueFull, StoredTask, StoreUnavailable, Task
from pushserver.domain.messages import (
    Calls,
    CountResumptions,
    EndFallback,
    EndTask,
    FetchCalls,
    FetchTask,
    FetchUnfinished,
    ListOverdue,
    PurgeTasks,
    RecordAttempt,
    RecordDigest,
    SubmitTasks,
    TaskStarted,
)
from pushserver.store.errors import CommandRefused
from pushserver.store.tasks import TaskTable
from pushserver.store.transaction import in_one_transaction

PURGE_LIMIT = 500
"""Most tasks that one :class:`PurgeTasks` deletes, so that it never holds up the pushes behind it."""

TaskCommand = (
    SubmitTasks
    | TaskStarted
    | RecordAttempt
    | RecordDigest
    | EndTask
    | EndFallback
    | CountResumptions
    | PurgeTasks
    | FetchCalls
    | FetchTask
    | FetchUnfinished
    | ListOverdue
)

Outcome = (
    None
    | int
    | Calls
    | StoredTask
    | tuple[StoredTask, ...]
    | tuple[tuple[str, str], ...]
    | QueueFull
    | CommandRefused
    | StoreUnavailable
)
"""What a command's message promises (of a ``FetchTask``: what was found), or the error for its asker."""


def apply(
    connection: Connection,
    commands: Sequence[TaskCommand],
    *,
    buffer_size: int,
    purge_limit: int = PURGE_LIMIT,
) -> list[Outcome]:
    """Commit the commands :func:`in one transaction <.transaction.in_one_transaction>`; see there.

    ``buffer_size`` is the most tasks that may be accepted and not final at any time.
    """

    def execute(commands: Sequence[TaskCommand]) -> list[Outcome]:
        batch = _Batch(TaskTable(connection), buffer_size, purge_limit)
        outcomes = [batch.execute(command) for command in commands]
        batch.finish()
        return outcomes

    return in_one_transaction(connection, commands, execute)


class _Step(IntEnum):
    """The steps of a task's life in the order in which a batch writes them."""

    SUBMIT = 1
    START = 2
    END = 3
    END_FALLBACK = 4


class _Batch:
    """Collects commands, and writes them when it must or when :meth:`finish` says so."""

    def __init__(self, table: TaskTable, buffer_size: int, purge_limit: int) -> None:
        self._table = table
        self._buffer_size = buffer_size
        self._purge_limit = purge_limit
        self._backlog: int | None = None  # when the transaction began; read when first asked for
        self._delta = 0  # what this transaction has written so far changes about it
        self._clear()

    def _clear(self) -> None:
        self._submitted: list[Task] = []
        self._started: dict[str, None] = {}  # a set that keeps its order
        self._attempts: list[tuple[Attempt, str]] = []
        self._ends: list[EndTask] = []
        self._fallback_ends: list[str] = []
        self._steps: dict[str, _Step] = {}

    def execute(self, command: TaskCommand) -> Outcome:
        return _HANDLERS[type(command)](self, command)

    def finish(self) -> None:
        self._write()
        self._table.move_backlog(self._delta)

    # Commands that wait ------------------------------------------------------------------------------

    def submit(self, command: SubmitTasks) -> QueueFull | None:
        wanted = len(command.tasks)
        if wanted > self._room() and self._ends:
            self._write()
        if wanted > (room := self._room()):
            return QueueFull(
                f"the queue has room for {max(room, 0)} of the {wanted} tasks submitted; try again later"
            )
        for task in command.tasks:
            self._follow(task.id, _Step.SUBMIT)
            self._submitted.append(task)
        return None

    def start(self, command: TaskStarted) -> None:
        self._follow(command.task_id, _Step.START)
        self._started[command.task_id] = None

    def record(self, command: RecordAttempt) -> None:
        self._attempts.append((command.attempt, command.called_by))

    def record_digest(self, command: RecordDigest) -> None:
        callers = chain([command.called_by], repeat(""))
        self._attempts += zip(command.attempts, callers, strict=False)

    def end(self, command: EndTask) -> None:
        self._follow(command.task_id, _Step.END)
        self._started.pop(command.task_id, None)
        self._ends.append(command)

    def end_fallback(self, command: EndFallback) -> None:
        self._follow(command.task_id, _Step.END_FALLBACK)
        self._fallback_ends.append(command.task_id)

    # Commands that see what came before --------------------------------------------------------------

    def count_resumptions(self, command: CountResumptions) -> None:
        self._write()
        self._table.count_resumptions(command.in_hand)

    def purge(self, command: PurgeTasks) -> int:
        self._write()
        return self._table.purge(command.before, self._purge_limit)

    def fetch(self, command: FetchTask) -> StoredTask | None:
        self._write()
        return self._table.fetch(command.task_id)

    def fetch_calls(self, command: FetchCalls) -> Calls:
        self._write()
        return self._table.calls(command)

    def fetch_unfinished(self, command: FetchUnfinished) -> tuple[StoredTask, ...]:
        self._write()
        return self._table.unfinished(command.recipient)

    def list_overdue(self, command: ListOverdue) -> tuple[tuple[str, str], ...]:
        self._write()
        return self._table.overdue(command.before)

    # Writing -----------------------------------------------------------------------------------------

    def _room(self) -> int:
        """How many more tasks surely fit: ends that are not written yet are not counted."""
        if self._backlog is None:
            self._backlog = self._table.lock_backlog()
        return self._buffer_size - self._backlog - self._delta - len(self._submitted)

    def _follow(self, task_id: str, step: _Step) -> None:
        """Keep the order of commands about one task."""
        if self._steps.get(task_id, step) > step:
            self._write()
        self._steps[task_id] = step

    def _write(self) -> None:
        if not self._steps and not self._attempts:
            return
        self._table.insert(self._submitted)
        self._table.start(self._started)
        self._table.record(self._attempts)
        self._delta += len(self._submitted) - self._table.end(self._ends)
        self._table.end_fallback(self._fallback_ends)
        self._clear()


_HANDLERS: dict[type[TaskCommand], Callable[..., Outcome]] = {
    SubmitTasks: _Batch.submit,
    TaskStarted: _Batch.start,
    RecordAttempt: _Batch.record,
    RecordDigest: _Batch.record_digest,
    EndTask: _Batch.end,
    EndFallback: _Batch.end_fallback,
    CountResumptions: _Batch.count_resumptions,
    PurgeTasks: _Batch.purge,
    FetchCalls: _Batch.fetch_calls,
    FetchTask: _Batch.fetch,
    FetchUnfinished: _Batch.fetch_unfinished,
    ListOverdue: _Batch.list_overdue,
}
