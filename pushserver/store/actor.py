"""The task store: the only actor of its process that writes tasks, a mailbox full at a time."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Estate:
    """What one life of the store leaves to the next.

    ``recovered`` is what dead processes had in their hands, until it has been counted: a store that is
    restarted must not count it again. ``owed`` is what was told and could not be stored yet, in order.
    """

    recovered: Recovered = field(default_factory=lambda: Recovered((), ()))
    owed: list[Letter] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _CleanUp:
    """The store's reminder to look for tasks past their retention."""


@dataclass(frozen=True, slots=True)
class _TryAgain:
    """The store's reminder that it owes the database something."""


class TaskStore(Actor):
    """Commits what waits in its mailbox in one transaction, then answers.

    An outage of the database is an answer to whoever asks. What is told (attempts, ends, look-ups of a
    recipient) is kept, in order, and comes before anything else once the database is back. Until it is tried
    again nothing waits for it: askers are refused at once, and the mailbox does not fill.
    """

    def __init__(
        self,
        context: Context,
        *,
        engine: Callable[[], Engine],
        buffer_size: int,
        retention: Retention,
        estate: Estate,
    ) -> None:
        super().__init__(context)
        self._make_engine = engine
        self._buffer_size = buffer_size
        self._retention = retention
        self._estate = estate
        self._outage: StoreUnavailable | None = None
        self._engine: Engine | None = None
        self._connection: Connection | None = None

    def on_start(self) -> None:
        """Open the database, count what dead processes had in their hands, store what is owed."""
        self._engine = self._make_engine()
        self._connection = self._engine.connect()
        self._count_recovered()
        self._commit([])
        self.after(self._retention.interval, _CleanUp())

    def on_stop(self) -> None:
        """Store what is owed and what still waits, as far as that is possible, and close the database.

        Those who write to me end before me, and end with a verdict: lost, it would be sent again next time.
        """
        if not self.context.lease.revoked:  # else my successor does
            self._try_again()
            self._drain()
        self._close()

    def on_failure(self, *_: object) -> None:
        """Close the database; the next life opens it anew, and owes what this one owed."""
        self._close()

    def can_sleep(self) -> bool:
        """Never: reminders are kept in the mailbox of the living."""
        return False

    def receive_batch(self, letters: Sequence[Letter]) -> None:
        """Commit a mailbox full of commands and answer them."""
        match letters[0].message:
            case _CleanUp():
                self._clean_up()
            case _TryAgain():
                self._try_again()
            case _:
                self._commit(letters)

    def _drain(self) -> None:
        """Commit what waits in the mailbox now; what comes later waits for the next life."""
        waiting = len(self.context.cell.mailbox)
        while waiting > 0 and len(self.context.cell.mailbox) > 0:
            letters = self.context.lease.take(waiting) or ()
            waiting -= len(letters)
            self._commit([letter for letter in letters if isinstance(letter.message, TaskCommand)])

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._engine is not None:
            self._engine.dispose()

    def _count_recovered(self) -> None:
        recovered = self._estate.recovered
        if recovered.in_hand:
            self._apply([CountResumptions(recovered.in_hand)])
            _log.warning(
                "%d sends were under way when the service died",
                len(recovered.in_hand),
                extra={"action": "in_flight_recovered"},
            )
        recovered.forget()
        self._estate.recovered = Recovered((), ())

    def _try_again(self) -> None:
        self._outage = None
        self._commit([])

    def _commit(self, letters: Sequence[Letter]) -> None:
        if self._outage is not None:
            self._keep(letters, self._outage)
            return
        due = [*self._estate.owed, *letters]
        if not due:
            return
        try:
            outcomes = self._apply([letter.message for letter in due])
        except StoreUnavailable as outage:
            self._survive(outage, letters)
            return
        self._estate.owed.clear()
        for letter, outcome in zip(due, outcomes, strict=True):
            self._settle(letter, outcome)

    def _settle(self, letter: Letter, outcome: Outcome) -> None:
        """Answer a command, or keep it when the store went away in the middle of a batch."""
        if not isinstance(outcome, StoreUnavailable):
            self.answer(letter, _answer(letter.message, outcome))
        elif self._outage is None:
            self._survive(outcome, [letter])
        else:
            self._keep([letter], outcome)

    def _survive(self, outage: StoreUnavailable, letters: Sequence[Letter]) -> None:
        _log.error(
            "the store is unavailable: %s",
            outage,
            extra={"action": "store_unavailable", "error": str(outage), "owed": len(self._estate.owed)},
        )
        self._outage = outage
        self._keep(letters, outage)
        self.after(TRY_AGAIN_AFTER, _TryAgain())

    def _keep(self, letters: Sequence[Letter], outage: StoreUnavailable) -> None:
        """Refuse those who ask; keep what was told."""
        for letter in letters:
            if letter.reply_to is not None:
                self.answer(letter, outage)
            else:
                self._estate.owed.append(letter)

    def _clean_up(self) -> None:
        """Delete what is past its retention, a batch at a time so that no push waits for long."""
        before = self.context.clock.now() - timedelta(seconds=self._retention.max_age)
        try:
            (gone,) = self._apply([PurgeTasks(before)])
        except StoreUnavailable:
            gone = 0
        self.after(0.0 if gone == PURGE_LIMIT else self._retention.interval, _CleanUp())

    def _apply(self, commands: Sequence[TaskCommand]) -> list[Outcome]:
        assert self._connection is not None  # noqa: S101 - nothing is handled before on_start
        outcomes = apply(self._connection, commands, buffer_size=self._buffer_size)
        self.context.check_current()  # what is owed is my successor's, if I have been replaced meanwhile
        return outcomes


def _answer(command: TaskCommand, outcome: Outcome) -> object:
    if isinstance(command, FetchTask) and (outcome is None or isinstance(outcome, StoredTask)):
        return Fetched(command.task_id, outcome)
    return outcome
