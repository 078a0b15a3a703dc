"""Bringing a store to this release's schema, with Alembic and without an ``alembic.ini``.

A new revision is a file in ``versions/``; a test holds the sum of all revisions against
:mod:`pushserver.store.schema`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from pushserver.store.database import BUSY_TIMEOUT, database_file, open_writer
from pushserver.store.errors import (
    NewerSchema,
    NotADatabase,
    StoreUnwritable,
    outages_as_store_unavailable,
)

__all__ = ["migrate"]

_UNWRITABLE = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR")


def migrate(url: str, *, busy_timeout: float = BUSY_TIMEOUT) -> None:
    """Create the store that ``url`` names, or bring it to this release's schema; all or nothing.

    To be done once, before any process opens the store. Raises
    :class:`~pushserver.store.errors.StoreUnusable` where the service cannot start on it, and
    ``StoreUnavailable`` where somebody else holds it.
    """
    engine = open_writer(url, busy_timeout=busy_timeout)
    try:
        with _start_faults(database_file(url)), engine.begin() as connection:
            _upgrade(connection)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    _refuse_newer(connection, ScriptDirectory.from_config(config))
    command.upgrade(config, "head")


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    if unknown:
        raise NewerSchema(
            f"the store has schema {', '.join(sorted(unknown))}, which this release does not know "
            f"(it ends at {scripts.get_current_head()}); "
            "run the newer release, or restore the backup made before it"
        )


@contextmanager
def _start_faults(path: Path) -> Iterator[None]:
    try:
        with outages_as_store_unavailable():
            yield
    except Exception as error:
        name = _sqlite_name(error.__cause__)
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            raise NotADatabase(
                f"{path} is not an SQLite database, or a damaged one; "
                "move it away or restore a backup, or name another file in storage.url"
            ) from error
        if name.startswith(_UNWRITABLE):
            raise StoreUnwritable(
                f"{path} cannot be opened for writing ({name}); make the file and its directory writable for "
                "the service's user, or name another place in storage.url"
            ) from error
        raise


def _sqlite_name(error: BaseException | None) -> str:
    driver_error = error.orig if isinstance(error, DatabaseError) else None
    return getattr(driver_error, "sqlite_errorname", "")
