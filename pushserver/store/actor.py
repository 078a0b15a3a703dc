"""The task store: the only actor of its process that writes tasks, a mailbox full at a time."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import get_args

from sqlalchemy import Connection, Engine

from actors import Context, Letter, receives
from pushserver.domain import Attempt, StoredTask, StoreUnavailable
from pushserver.domain.messages import (
    CountResumptions,
    Fetched,
    FetchTask,
    PurgeTasks,
    RecordAttempt,
    RecordDigest,
    TaskStarted,
)
from pushserver.store.batch import PURGE_LIMIT, Outcome, TaskCommand, apply
from pushserver.store.committer import Committer
from pushserver.store.inflight import Recovered

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """Finished tasks go ``max_age`` seconds after completion; looked for every ``interval`` seconds."""

    max_age: float
    interval: float


@dataclass(slots=True)
class Estate:
    """What one life of the store leaves to the next.

    ``recovered`` is what dead processes had in their hands, until it has been counted: a store that is
    restarted must not count it again. ``owed`` is what was told and could not be stored yet, in order.
    """

    recovered: Recovered = field(default_factory=Recovered)
    owed: list[Letter] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _CleanUp:
    """The store's reminder to look for tasks past their retention."""


class TaskStore(Committer):
    """The tasks' :class:`~.committer.Committer`, which also counts its dead and deletes its old.

    ``on_attempt`` hears of every attempt once it is stored, whoever has made it.
    """

    commands = get_args(TaskCommand)

    def __init__(
        self,
        context: Context,
        *,
        engine: Callable[[], Engine],
        buffer_size: int,
        retention: Retention,
        estate: Estate,
        on_attempt: Callable[[Attempt], None] = lambda _: None,
    ) -> None:
        super().__init__(context, engine=engine, owed=estate.owed)
        self._buffer_size = buffer_size
        self._retention = retention
        self._estate = estate
        self._on_attempt = on_attempt

    def opened(self) -> None:
        """Count what dead processes had in their hands."""
        recovered = self._estate.recovered
        if recovered.in_hand:
            self.apply([CountResumptions(recovered.in_hand)])
            _log.warning(
                "%d sends were under way when the service died",
                len(recovered.in_hand),
                extra={"action": "in_flight_recovered"},
            )
        recovered.forget()
        self._estate.recovered = Recovered()
        self.after(self._retention.interval, _CleanUp())

    @receives(_CleanUp)
    def clean_up(self, _: _CleanUp) -> None:
        """Delete what is past its retention, a batch at a time so that no push waits for long."""
        before = self.context.clock.now() - timedelta(seconds=self._retention.max_age)
        try:
            (gone,) = self.apply([PurgeTasks(before)])
        except StoreUnavailable:
            gone = 0
        self.after(0.0 if gone == PURGE_LIMIT else self._retention.interval, _CleanUp())

    def is_patient(self, command: TaskCommand) -> bool:
        """Most tasks end before anybody could see that they had started: then it is not written at all."""
        return isinstance(command, TaskStarted)

    def execute(self, connection: Connection, commands: Sequence[TaskCommand]) -> Sequence[Outcome]:
        """See :meth:`~.committer.Committer.execute`."""
        outcomes = apply(connection, commands, buffer_size=self._buffer_size)
        for command, outcome in zip(commands, outcomes, strict=True):
            if outcome is None:
                for attempt in _recorded_by(command):
                    self._on_attempt(attempt)
        return outcomes

    def word_on(self, command: TaskCommand, outcome: object) -> object:
        """See :meth:`~.committer.Committer.word_on`."""
        if isinstance(command, FetchTask) and (outcome is None or isinstance(outcome, StoredTask)):
            return Fetched(command.task_id, outcome)
        return outcome


def _recorded_by(command: TaskCommand) -> Sequence[Attempt]:
    match command:
        case RecordAttempt(attempt):
            return (attempt,)
        case RecordDigest(attempts):
            return attempts
        case _:
            return ()
