"""What can go wrong with the store itself; a store that merely cannot commit now is ``StoreUnavailable``.

PushServerError
├── StoreUnavailable     (domain) locked, full, unreachable: nothing was stored, trying again may help
├── CommandRefused       the database will never take this one command; its neighbours are unaffected
└── StoreUnusable        the service cannot start on this store
    ├── UnsupportedDatabase   ``storage.url`` names a database that is not supported
    ├── StoreUnwritable       its file cannot be created or written
    ├── NotADatabase          its file is something else, or damaged
    └── NewerSchema           a newer release has migrated it
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DatabaseError, DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pushserver.domain import PushServerError, StoreUnavailable

_OUTAGES: Final = (OperationalError, InternalError, sqlite3.OperationalError, sqlite3.InternalError)


class CommandRefused(PushServerError):  # noqa: N818 - an answer, in the manner of QueueFull
    """The database will never take this one command, for example a second task with the same id."""


class StoreUnusable(PushServerError):  # noqa: N818 - a state, not a mistake
    """The service cannot start on this store; the text says what to do."""


class UnsupportedDatabase(StoreUnusable):
    """``storage.url`` names a database that is not supported."""


class StoreUnwritable(StoreUnusable):
    """The store's file cannot be created or written."""


class NotADatabase(StoreUnusable):
    """The store's file is something else, or damaged."""


class NewerSchema(StoreUnusable):
    """A newer release has migrated the store."""


@contextmanager
def outages_as_store_unavailable() -> Iterator[None]:
    """Turn what the database says when it is locked, full or gone into :class:`StoreUnavailable`.

    Faults of a single command (a constraint, a value that cannot be stored) pass through unchanged.
    """
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable("no connection to the store became free in time; try again") from error
    except (DBAPIError, sqlite3.Error) as error:  # the driver's own: see `prepared`
        if not _is_outage(error):
            raise
        said = error.orig if isinstance(error, DBAPIError) else error
        raise StoreUnavailable(f"the store cannot be used now: {said}; nothing was stored") from error


def _is_outage(error: DBAPIError | sqlite3.Error) -> bool:
    # A plain DatabaseError is how SQLite reports a damaged file; its subclasses accuse the statement.
    return isinstance(error, _OUTAGES) or type(error) in (DatabaseError, sqlite3.DatabaseError)
