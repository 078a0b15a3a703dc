"""What the stores have in common: each is the only actor of its process that writes its tables."""

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine

from actors import Actor, Context, Letter
from pushserver.domain import StoreUnavailable

_log = logging.getLogger(__name__)

TRY_AGAIN_AFTER = 1.0
"""Seconds until what could not be stored is tried again."""


@dataclass(frozen=True, slots=True)
class _Owing:
    """A store's reminder that it owes the database something."""


class Committer(Actor):
    """Commits what waits in its mailbox in one transaction, then answers.

    An outage of the database is an answer to whoever asks. What is told is kept, in order, and comes before
    anything else once the database is back. Until it is tried again nothing waits for it: askers are refused
    at once, and the mailbox does not fill.

    ``owed`` is what was told and is not stored yet, in order: the list outlives this life.
    """

    commands: ClassVar[tuple[type, ...]]
    """The messages that are committed; others, reminders, are handled as in any actor."""
    patience: ClassVar[float] = 0.05
    """Seconds after which what is patient has a commit of its own, where there was no other to go with."""

    def __init__(self, context: Context, *, engine: Callable[[], Engine], owed: list[Letter]) -> None:
        super().__init__(context)
        self._make_engine = engine
        self._owed = owed
        self._outage: StoreUnavailable | None = None
        self._is_reminded = False
        self._engine: Engine | None = None
        self._connection: Connection | None = None

    # What a store is ---------------------------------------------------------------------------------

    @abstractmethod
    def execute(self, connection: Connection, commands: Sequence[Any]) -> Sequence[object]:
        """Commit the commands in one transaction; one outcome each, in order.

        Raises ``StoreUnavailable`` when nothing was stored; an outcome that is one says so of its command.
        """

    def opened(self) -> None:
        """Called once the database is open, before anything is committed."""

    def is_patient(self, command: Any) -> bool:
        """May this command, if it was told, wait for others to share their commit? No, unless overridden."""
        del command
        return False

    def word_on(self, command: Any, outcome: object) -> object:
        """What whoever sent the command is answered, given its outcome: that, unless overridden."""
        del command
        return outcome

    # Life --------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Open the database, store what is owed."""
        self._engine = self._make_engine()
        self._connection = self._engine.connect()
        self.opened()
        self._commit([])

    def on_stop(self) -> None:
        """Store what is owed and what still waits, as far as that is possible, and close the database.

        Those who write to me end before me, and end with a verdict: lost, it would be sent again next time.
        """
        if not self.context.lease.revoked:  # else my successor does
            self._pay()
            self._drain()
        self._close()

    def on_failure(self, *_: object) -> None:
        """Close the database; the next life opens it anew, and owes what this one owed."""
        self._close()

    def can_sleep(self) -> bool:
        """Never: reminders are kept in the mailbox of the living."""
        return False

    def _drain(self) -> None:
        """Commit what waits in the mailbox now; what comes later waits for the next life."""
        waiting = len(self.context.cell.mailbox)
        while waiting > 0 and len(self.context.cell.mailbox) > 0:
            letters = self.context.lease.take(waiting) or ()
            waiting -= len(letters)
            self._commit([letter for letter in letters if isinstance(letter.message, self.commands)])

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._engine is not None:
            self._engine.dispose()

    # Work --------------------------------------------------------------------------------------------

    def receive_batch(self, letters: Sequence[Letter]) -> None:
        """Commit a mailbox full of commands and answer them."""
        first = letters[0].message
        if isinstance(first, _Owing):
            self._pay()
        elif self._can_wait(letters):
            self._owed += letters
            self._remind(self.patience)
        elif isinstance(first, self.commands):
            self._commit(letters)
        else:
            super().receive_batch(letters)

    def apply(self, commands: Sequence[Any]) -> Sequence[object]:
        """Commit commands that nobody has sent; see :meth:`execute`."""
        assert self._connection is not None  # noqa: S101 - nothing is handled before on_start
        outcomes = self.execute(self._connection, commands)
        self.context.check_current()  # what is owed is my successor's, if I have been replaced meanwhile
        return outcomes

    def _can_wait(self, letters: Sequence[Letter]) -> bool:
        return self._outage is None and all(
            letter.reply_to is None and self.is_patient(letter.message) for letter in letters
        )

    def _remind(self, seconds: float) -> None:
        if not self._is_reminded:
            self._is_reminded = True
            self.after(seconds, _Owing())

    def _pay(self) -> None:
        self._is_reminded = False
        self._outage = None
        self._commit([])

    def _commit(self, letters: Sequence[Letter]) -> None:
        if self._outage is not None:
            self._keep(letters, self._outage)
            return
        due = [*self._owed, *letters]
        if not due:
            return
        try:
            outcomes = self.apply([letter.message for letter in due])
        except StoreUnavailable as outage:
            self._survive(outage, letters)
            return
        self._owed.clear()
        for letter, outcome in zip(due, outcomes, strict=True):
            self._settle(letter, outcome)

    def _settle(self, letter: Letter, outcome: object) -> None:
        """Answer a command, or keep it when the store went away in the middle of a batch."""
        if not isinstance(outcome, StoreUnavailable):
            self.answer(letter, self.word_on(letter.message, outcome))
        elif self._outage is None:
            self._survive(outcome, [letter])
        else:
            self._keep([letter], outcome)

    def _survive(self, outage: StoreUnavailable, letters: Sequence[Letter]) -> None:
        _log.error(
            "the store is unavailable: %s",
            outage,
            extra={"action": "store_unavailable", "error": str(outage), "owed": len(self._owed)},
        )
        self._outage = outage
        self._remind(TRY_AGAIN_AFTER)
        self._keep(letters, outage)

    def _keep(self, letters: Sequence[Letter], outage: StoreUnavailable) -> None:
        """Refuse those who ask; keep what was told."""
        for letter in letters:
            if letter.reply_to is not None:
                self.answer(letter, outage)
            else:
                self._owed.append(letter)
