"""The write-ahead log: synced, and carried over into the database, apart from the commits that fill it.

SQLite does both within a commit if it is let: whoever waits for that commit waits for the disk, and so, where
the commit is to survive a loss of power, does everybody who waits for the write lock. See
https://www.sqlite.org/wal.html on checkpoints and https://www.sqlite.org/pragma.html#pragma_synchronous.
"""

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from actors import Actor, Context, receives
from pushserver.domain import StoreUnavailable
from pushserver.store.spool import sync_data, sync_directory

_log = logging.getLogger(__name__)

CHECKPOINT_EVERY = 5.0
"""Seconds from one checkpoint to the next. A page that was written many times meanwhile is copied once.

Not more often: the first commit behind one that has carried over everything begins the log anew, and syncs
its header with the write lock in hand.
"""
LONG_LOG = 32_768
"""Pages of 4 KiB. From here on writers have to wait for a checkpoint, or the log would grow under a load."""
_PATIENCE = 250
"""Milliseconds that writers are made to wait for readers at most; the next time is soon."""
COMMITTERS_CHECKPOINT_AT = 4 * LONG_LOG
"""Pages from which on whoever commits makes the checkpoint: nobody else has for a while."""


class Synced:
    """A connection whose commits have to be on the disk before anybody is told of them."""

    def __init__(self, connection: sqlite3.Connection, database: Path) -> None:
        self._connection = connection
        self._path = database.with_name(f"{database.name}-wal")
        self._descriptor: int | None = None
        self._synced_changes = connection.total_changes

    def sync(self) -> None:
        """Return once everything that the connection has committed would survive a loss of power.

        The log is where it was written to as long as the connection is open. Raises ``StoreUnavailable`` when
        the disk fails: what was committed may then be there or not, and the next call tries again.
        """
        changes = self._connection.total_changes
        if changes == self._synced_changes:
            return
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR)
                sync_directory(self._path.parent)
            sync_data(self._descriptor)
        except OSError as error:
            raise StoreUnavailable(f"the store cannot be synced to the disk: {error.strerror}") from error
        self._synced_changes = changes

    def close(self) -> None:
        """To be called when the connection is closed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@dataclass(frozen=True, slots=True)
class _Due:
    """The checkpointer's reminder."""


class Checkpointer(Actor):
    """Carries over into the database what commits have left in its log; one for all processes is enough.

    ``engine`` makes a writer's. While this is away the log grows, and nothing else happens.
    """

    def __init__(self, context: Context, *, engine: Callable[[], Engine], long_log: int = LONG_LOG) -> None:
        super().__init__(context)
        self._make_engine = engine
        self._long_log = long_log
        self._engine: Engine | None = None

    def on_start(self) -> None:
        """Open the database."""
        self._engine = self._make_engine()
        self.after(CHECKPOINT_EVERY, _Due())

    def on_stop(self) -> None:
        """Close it."""
        if self._engine is not None:
            self._engine.dispose()

    def on_failure(self, *_: object) -> None:
        """Close it; the next life opens it anew."""
        self.on_stop()

    def can_sleep(self) -> bool:
        """Never: reminders are kept in the mailbox of the living."""
        return False

    @receives(_Due)
    def checkpoint(self, _: _Due) -> None:
        """Carry over what there is. A disk that is full or broken is heard of by those who commit, too."""
        self.after(CHECKPOINT_EVERY, _Due())
        try:
            self._carry_over()
        except (SQLAlchemyError, sqlite3.Error) as error:
            _log.warning(
                "the store's log could not be carried over: %s",
                error,
                extra={"action": "checkpoint_failed", "error": str(error)},
            )

    def _carry_over(self) -> None:
        """First beside the writers; then, if the log is long, what they have written meanwhile, without them.

        Only a log that has been carried over to its last page, with nobody writing, is begun anew.
        """
        assert self._engine is not None  # noqa: S101 - nothing is handled before on_start
        with closing(self._engine.raw_connection()) as connection:
            driver_connection: Any = connection.driver_connection
            _, pages, _ = driver_connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if pages > self._long_log:
                driver_connection.execute(f"PRAGMA busy_timeout={_PATIENCE}")
                driver_connection.execute("PRAGMA wal_checkpoint(RESTART)")
