"""What a store has in it, read from a copy: the service's own files are left as they are."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def _opened(store: Path) -> Iterator[sqlite3.Connection]:
    """For a store that nobody writes to."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / store.name
        for part in ("", "-wal"):
            file = store.with_name(store.name + part)
            if file.exists():
                shutil.copy(file, copy.with_name(copy.name + part))
        with closing(sqlite3.connect(copy)) as connection:
            yield connection


_DELIVERED = (
    "SELECT title, target FROM attempts JOIN tasks ON tasks.id = task_id "
    "WHERE kind = 'delivered' AND NOT attempts.fallback"
)


def delivered(store: Path) -> set[tuple[str, str]]:
    """Title and target of everything that the store knows as delivered."""
    with _opened(store) as connection:
        return set(connection.execute(_DELIVERED))


def delivered_so_far(store: Path) -> set[tuple[str, str]]:
    """The same of a store in use."""
    with _in_use(store) as connection:
        return set(connection.execute(_DELIVERED))


def delivered_again(store: Path) -> int:
    """How many targets of tasks have more than one attempt with the verdict that it was delivered."""
    with _opened(store) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM attempts WHERE kind = 'delivered' AND NOT fallback "
            "GROUP BY task_id, platform, target HAVING count(*) > 1)"
        ).fetchone()
        return int(count)


def fates(store: Path) -> dict[str, str]:
    """The status of every task by its id."""
    with _opened(store) as connection:
        return dict(connection.execute("SELECT id, status FROM tasks").fetchall())


def unfinished(store: Path) -> int:
    """How many tasks are not final; of a store in use."""
    with _in_use(store) as connection:
        (count,) = connection.execute("SELECT count(*) FROM tasks WHERE unfinished").fetchone()
        return int(count)


def locked(store: Path, patience: float = 1.0) -> bool:
    """Does somebody keep the write lock for so many seconds on end? Those who only work let go of it."""
    with closing(sqlite3.connect(store, timeout=patience, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False


@contextmanager
def kept_from_writers(store: Path) -> Iterator[None]:
    """Nothing is committed while somebody else has the write lock."""
    with closing(sqlite3.connect(store, timeout=10, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def slow_inserts(store: Path, table: str) -> Iterator[None]:
    """Have the database itself take some milliseconds more for each row of a table: long transactions."""
    numbers = ",".join(f"({number})" for number in range(SLOWNESS))
    with closing(sqlite3.connect(store, timeout=10)) as connection:
        connection.executescript(
            f"CREATE TABLE slow (n); INSERT INTO slow VALUES {numbers};"
            f"CREATE TRIGGER slowness AFTER INSERT ON {table} BEGIN"
            " SELECT count(*) FROM slow AS a, slow AS b WHERE a.n + b.n > 0; END;"
        )
        yield
        connection.executescript("DROP TRIGGER slowness; DROP TABLE slow;")


SLOWNESS = 400
"""Its square is how many pairs are looked at for a row."""


def _in_use(store: Path) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=5))
