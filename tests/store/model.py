"""The task store as a plain Python model: what the commands mean, without a database."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pushserver.domain import Attempt, Fallback, QueueFull, StoredTask, Target, TaskStatus
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
from pushserver.store import CommandRefused, Outcome, TaskCommand


def is_unfinished(stored: StoredTask) -> bool:
    return not stored.status.final or stored.fallback is Fallback.OWED


@dataclass
class Model:
    buffer_size: int
    purge_limit: int
    tasks: dict[str, StoredTask] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    calls: list[tuple[str, Attempt]] = field(default_factory=list)
    """Each with the recipient whose endpoint has made it."""

    def execute(self, command: TaskCommand) -> Outcome:
        return _HANDLERS[type(command)](self, command)

    def backlog(self) -> int:
        return sum(not stored.status.final for stored in self.tasks.values())

    def submit(self, command: SubmitTasks) -> Outcome:
        if self.backlog() + len(command.tasks) > self.buffer_size:
            return QueueFull()
        ids = [task.id for task in command.tasks]
        if len(set(ids)) < len(ids) or self.tasks.keys() & set(ids):
            return CommandRefused()
        self.tasks |= {task.id: StoredTask(task, TaskStatus.PENDING) for task in command.tasks}
        return None

    def start(self, command: TaskStarted) -> None:
        stored = self.tasks.get(command.task_id)
        if stored and not stored.status.final:
            self.tasks[command.task_id] = replace(stored, status=TaskStatus.PROCESSING)

    def record(self, command: RecordAttempt) -> None:
        self._record(command.attempt, command.called_by)

    def record_digest(self, command: RecordDigest) -> None:
        for number, attempt in enumerate(command.attempts):
            self._record(attempt, "" if number else command.called_by)

    def _record(self, attempt: Attempt, called_by: str) -> None:
        self.attempts.append(attempt)
        if called_by:
            self.calls.append((called_by, attempt))

    def end(self, command: EndTask) -> Outcome:
        if not command.status.final:
            return CommandRefused()
        stored = self.tasks.get(command.task_id)
        if stored and not stored.status.final:
            self.tasks[command.task_id] = replace(
                stored, status=command.status, completed_at=command.at, fallback=command.fallback
            )
        return None

    def end_fallback(self, command: EndFallback) -> None:
        stored = self.tasks.get(command.task_id)
        if stored and stored.fallback is Fallback.OWED:
            self.tasks[command.task_id] = replace(stored, fallback=Fallback.DONE)

    def count_resumptions(self, command: CountResumptions) -> None:
        for task_id, target in command.in_hand:
            stored = self.tasks.get(task_id)
            if stored and is_unfinished(stored):
                times: dict[Target, int] = dict(stored.resumptions)
                times[target] = times.get(target, 0) + 1
                self.tasks[task_id] = replace(stored, resumptions=times)

    def purge(self, command: PurgeTasks) -> int:
        old = sorted(
            (stored.completed_at, stored.task.id)
            for stored in self.tasks.values()
            if not is_unfinished(stored) and stored.completed_at and stored.completed_at < command.before
        )[: self.purge_limit]
        for _, task_id in old:
            del self.tasks[task_id]
            self.attempts = [attempt for attempt in self.attempts if attempt.task_id != task_id]
            self.calls = [call for call in self.calls if call[1].task_id != task_id]
        return len(old)

    def fetch(self, command: FetchTask) -> StoredTask | None:
        return self.stored(command.task_id)

    def stored(self, task_id: str) -> StoredTask | None:
        if (found := self.tasks.get(task_id)) is None:
            return None
        return replace(found, attempts=tuple(made for made in self.attempts if made.task_id == task_id))

    def unfinished(self) -> list[StoredTask]:
        found = [stored for stored in self.tasks.values() if is_unfinished(stored)]
        return sorted(found, key=lambda stored: (stored.task.created_at, stored.task.id))

    def fetch_unfinished(self, command: FetchUnfinished) -> tuple[StoredTask, ...]:
        mine = (stored for stored in self.unfinished() if stored.task.recipient == command.recipient)
        return tuple(found for stored in mine if (found := self.stored(stored.task.id)))

    def fetch_calls(self, command: FetchCalls) -> Calls:
        key = (command.recipient, command.target)
        made = [attempt for caller, attempt in self.calls if (caller, attempt.target) == key]
        recent = (attempt for attempt in made if attempt.started_at >= command.since)
        ended = tuple(attempt.started_at + timedelta(seconds=attempt.duration) for attempt in recent)
        in_hand = any(
            command.target in stored.resumptions and stored.task.recipient == command.recipient
            for stored in self.unfinished()
        )
        return Calls(ended, tuple(reversed(made[-8:])), in_hand)

    def list_overdue(self, command: ListOverdue) -> tuple[tuple[str, str], ...]:
        return tuple(
            (stored.task.recipient, stored.task.id)
            for stored in self.unfinished()
            if stored.task.created_at < command.before
        )


_HANDLERS: dict[type[TaskCommand], Callable[..., Outcome]] = {
    SubmitTasks: Model.submit,
    TaskStarted: Model.start,
    RecordAttempt: Model.record,
    RecordDigest: Model.record_digest,
    EndTask: Model.end,
    EndFallback: Model.end_fallback,
    CountResumptions: Model.count_resumptions,
    PurgeTasks: Model.purge,
    FetchCalls: Model.fetch_calls,
    FetchTask: Model.fetch,
    FetchUnfinished: Model.fetch_unfinished,
    ListOverdue: Model.list_overdue,
}
