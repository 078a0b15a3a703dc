"""Opening the store: one SQLite file in WAL mode, with one kind of engine to write and another to read.

SQLite's own text on what follows: https://www.sqlite.org/wal.html and https://www.sqlite.org/pragma.html.
"""

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from pushserver.store.errors import StoreUnwritable, UnsupportedDatabase
from pushserver.store.wal import COMMITTERS_CHECKPOINT_AT, Synced

Durability = Literal["process", "power"]
"""What a commit survives: the end of any process, or the loss of power too (an fsync each)."""

BUSY_TIMEOUT = 5.0
"""Seconds that a writer waits for another process's transaction."""
_BEGIN_WRITING = "BEGIN IMMEDIATE"
_LOOKS_EVERY = 1
"""Milliseconds after which a writer looks again whether the write lock is free.

Left to itself SQLite looks after 1, 2, 5, 10, 15, 20, 25 … up to 100 ms, while other writers hold the lock
for a few and take it again before the sleeper wakes.
"""
_READERS = 8
_MOST_READERS = 32
_SYNCED = "synced"
"""Where a connection keeps what syncs its commits, if anything does."""


class _DriverConnection(Protocol):
    isolation_level: str | None

    def execute(self, sql: str, /) -> "_DriverCursor": ...


class _DriverCursor(Protocol):
    def fetchone(self) -> tuple[object, ...]: ...


def open_writer(
    url: str, *, durability: Durability = "process", busy_timeout: float = BUSY_TIMEOUT
) -> Engine:
    """The engine of whoever writes: every transaction takes the write lock as it begins.

    Taking it later, at the first write, can fail at once when another process has written in between
    (SQLITE_BUSY_SNAPSHOT), however long one is ready to wait. The directory of the file is made. Raises
    :class:`UnsupportedDatabase` or :class:`StoreUnwritable`.
    """
    path = database_file(url)
    _make_directory(path.parent)
    engine = _create_engine(path, busy_timeout)
    _on_connect(engine, lambda connection: _prepare_writer(connection, path))
    event.listen(engine, "begin", partial(_begin_writing, patience=busy_timeout))
    if durability == "power":
        _sync_commits(engine, path)
    return engine


def _sync_commits(engine: Engine, path: Path) -> None:
    def connected(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        record.info[_SYNCED] = Synced(connection, path)

    def closed(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info.pop(_SYNCED).close()

    event.listen(engine, "connect", connected)
    event.listen(engine, "close", closed)


def sync(connection: Connection) -> None:
    """See that what was committed survives what its engine was opened for; the write lock is not held.

    Raises ``StoreUnavailable`` when the disk fails.
    """
    if synced := connection.info.get(_SYNCED):
        synced.sync()


def open_reader(url: str, *, busy_timeout: float = BUSY_TIMEOUT) -> Engine:
    """The engine of whoever only reads: many threads at once, and never in a writer's way.

    A transaction sees the store as it was at its first statement. Writing through it fails.
    """
    engine = _create_engine(database_file(url), busy_timeout)
    _on_connect(engine, _prepare_reader)
    event.listen(engine, "begin", _begin_reading)
    return engine


def database_file(url: str) -> Path:
    """The file that ``storage.url`` names; a relative one starts at the working directory."""
    parsed = _parse(url)
    if parsed.get_backend_name() != "sqlite":
        raise UnsupportedDatabase(
            f"storage.url names a database of the kind {parsed.get_backend_name()!r}, "
            "which is not supported; expected sqlite:///path/to/file.db"
        )
    if not parsed.database or parsed.database == ":memory:":
        raise UnsupportedDatabase(
            "storage.url names a database in memory, which no second process could open; "
            "expected sqlite:///path/to/file.db"
        )
    return Path(parsed.database)


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        # The URL may carry a password, so neither it nor SQLAlchemy's text about it is repeated.
        raise UnsupportedDatabase(
            "storage.url is not a database URL; expected sqlite:///path/to/file.db"
        ) from None


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnwritable(
            f"the store's directory {directory} cannot be made: {error.strerror}; "
            "make it writable for the service's user, or name another place in storage.url"
        ) from error


def _create_engine(path: Path, busy_timeout: float) -> Engine:
    return create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        connect_args={"timeout": busy_timeout},
        pool_size=_READERS,
        max_overflow=_MOST_READERS - _READERS,
        pool_timeout=busy_timeout,
        hide_parameters=True,  # an error's text must not carry a message's
    )


def _on_connect(engine: Engine, prepare: Callable[[_DriverConnection], None]) -> None:
    def connected(driver_connection: _DriverConnection, _record: object) -> None:
        driver_connection.isolation_level = None  # sqlite3 would begin by itself, late and deferred
        prepare(driver_connection)

    event.listen(engine, "connect", connected)


def _begin_writing(connection: Connection, patience: float) -> None:
    """Take the write lock, for which up to ``patience`` seconds are waited."""
    give_up = time.monotonic() + patience
    try:
        connection.exec_driver_sql(_BEGIN_WRITING)
    except OperationalError as error:
        if not _is_busy(error.orig) or not _begins_within(connection, give_up):
            raise


def _begins_within(connection: Connection, give_up: float) -> bool:
    driver_connection: Any = connection.connection.driver_connection
    while time.monotonic() < give_up:
        try:
            driver_connection.execute(_BEGIN_WRITING)
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
        else:
            return True
    return False


def _is_busy(error: BaseException | None) -> bool:
    return isinstance(error, sqlite3.Error) and error.sqlite_errorname.startswith("SQLITE_BUSY")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _prepare_writer(connection: _DriverConnection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise StoreUnwritable(
            f"the file system of {path} cannot hold a write-ahead log (journal mode is {mode}); "
            "name a place on a local file system in storage.url"
        )
    connection.execute("PRAGMA synchronous=NORMAL")  # the write lock must not wait for the disk: see sync()
    connection.execute(f"PRAGMA wal_autocheckpoint={COMMITTERS_CHECKPOINT_AT}")
    connection.execute(f"PRAGMA busy_timeout={_LOOKS_EVERY}")


def _prepare_reader(connection: _DriverConnection) -> None:
    connection.execute("PRAGMA query_only=ON")
