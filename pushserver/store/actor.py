"""The task store: the only actor of its process that writes tasks, a mailbox full at a time."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, Engine

from actors import Actor, Context, Letter
from pushserver.domain import StoredTask, StoreUnavailable
from pushserver.domain.messages import CountResumptions, Fetched, FetchTask, PurgeTasks
from pushserver.store.batch import PURGE_LIMIT, Outcome, TaskCommand, apply
from pushserver.store.inflight import Recovered

_log = logging.getLogger(__name__)

TRY_AGAIN_AFTER = 1.0
"""Seconds until what could not be stored is tried again."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Finished tasks go ``max_age`` seconds after completion; looked for every ``interval`` seconds."""

    max_age: float
    interval: float


@dataclass(frozen=True, slots=True)
class _CleanUp:
    """The store's reminder to look for tasks past their retention."""


@dataclass(frozen=True, slots=True)
class _TryAgain:
    """The store's reminder that it owes the database something."""


class TaskStore(Actor):
    """Commits what waits in its mailbox in one transaction, then answers.

    An outage of the database is an answer to whoever asks. What is told (attempts, ends, look-ups of a
    recipient) is kept, in order, and comes before anything else once the database is back.
    """

    def __init__(
        self,
        context: Context,
        *,
        engine: Callable[[], Engine],
        buffer_size: int,
        retention: Retention,
        recovered: Recovered,
    ) -> None:
        super().__init__(context)
        self._make_engine = engine
        self._buffer_size = buffer_size
        self._retention = retention
        self._recovered = recovered
        self._owed: list[Letter] = []

    def on_start(self) -> None:
        """Open the database, and count what dead processes had in their hands."""
        self._engine = self._make_engine()
        self._connection: Connection = self._engine.connect()
        recovered = self._recovered
        if recovered.in_hand:
            self._apply([CountResumptions(recovered.in_hand)])
            _log.warning(
                "%d sends were under way when the service died",
                len(recovered.in_hand),
                extra={"action": "in_flight_recovered"},
            )
        recovered.forget()
        self.after(self._retention.interval, _CleanUp())

    def on_stop(self) -> None:
        """Store what is owed, as far as that is possible, and close the database."""
        self._commit([])
        self._engine.dispose()

    def can_sleep(self) -> bool:
        """Never: reminders are kept in the mailbox of the living."""
        return False

    def receive_batch(self, letters: Sequence[Letter]) -> None:
        """Commit a mailbox full of commands and answer them."""
        match letters[0].message:
            case _CleanUp():
                self._clean_up()
            case _TryAgain():
                self._commit([])
            case _:
                self._commit(letters)

    def _commit(self, letters: Sequence[Letter]) -> None:
        letters = [*self._owed, *letters]
        if not letters:
            return
        self._owed = []
        try:
            outcomes = self._apply([letter.message for letter in letters])
        except StoreUnavailable as outage:
            self._survive(outage, letters)
            return
        for letter, outcome in zip(letters, outcomes, strict=True):
            self.answer(letter, _answer(letter.message, outcome))

    def _survive(self, outage: StoreUnavailable, letters: Sequence[Letter]) -> None:
        _log.error(
            "the store is unavailable: %s",
            outage,
            extra={"action": "store_unavailable", "error": str(outage)},
        )
        for letter in letters:
            if letter.reply_to is not None:
                self.answer(letter, outage)
            else:
                self._owed.append(letter)
        if self._owed:
            self.after(TRY_AGAIN_AFTER, _TryAgain())

    def _clean_up(self) -> None:
        """Delete what is past its retention, a batch at a time so that no push waits for long."""
        before = self.context.clock.now() - timedelta(seconds=self._retention.max_age)
        try:
            (gone,) = self._apply([PurgeTasks(before)])
        except StoreUnavailable:
            gone = 0
        self.after(0.0 if gone == PURGE_LIMIT else self._retention.interval, _CleanUp())

    def _apply(self, commands: Sequence[TaskCommand]) -> list[Outcome]:
        return apply(self._connection, commands, buffer_size=self._buffer_size)


def _answer(command: TaskCommand, outcome: Outcome) -> object:
    if isinstance(command, FetchTask) and (outcome is None or isinstance(outcome, StoredTask)):
        return Fetched(command.task_id, outcome)
    return outcome
