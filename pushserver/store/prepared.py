"""Statements that run for every push and every mail: compiled once, and then the driver's own business.

SQLAlchemy goes over a statement and its parameters each time. Measured with five rows: an update takes 153 µs
through it and 45 so, of which SQLite has 15; a push takes six statements and a mail nine, shared by those of
their commit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update

Row = Mapping[str, Any]
"""Parameters by name; values as the driver takes them: nothing is converted."""
MOST_ROWS: Final = 32
"""Rows that are inserted at once. For each statement, and each row of an ``executemany``, sqlite3 lets go of
the interpreter lock, and stands in line for it with the write lock in hand."""


def write(connection: Connection, statement: Insert | Update | Delete, rows: Sequence[Row]) -> int:
    """Execute a statement for each of the rows, which have the same names. Returns how many were concerned.

    What goes wrong is the driver's own error (:pep:`249`), not SQLAlchemy's.
    """
    if not rows:
        return 0
    driver, names = _driver(connection), tuple(rows[0])
    sql, arranged = _prepared(statement, connection.dialect, names)
    if not isinstance(statement, Insert):
        changed: int = driver.executemany(sql, map(arranged, rows)).rowcount
        return changed
    for start in range(0, len(rows), MOST_ROWS):
        some = rows[start : start + MOST_ROWS]
        driver.execute(_with_values(sql, len(some)), [*chain.from_iterable(map(arranged, some))])
    return len(rows)


def read(connection: Connection, statement: Select[Any], each: Iterable[Row]) -> Iterator[Any]:
    """The rows that a select finds for each of these parameters, as tuples. Raises as :func:`write` does."""
    driver = _driver(connection)
    for parameters in each:
        sql, arranged = _prepared(statement, connection.dialect, tuple(parameters))
        yield from driver.execute(sql, arranged(parameters))


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


@lru_cache(maxsize=256)  # as many as there are statements, and then those of engines that are gone
def _prepared(
    statement: Insert | Update | Delete | Select[Any], dialect: Dialect, names: tuple[str, ...]
) -> tuple[str, Callable[[Row], list[Any]]]:
    """The statement in the driver's words, and what puts parameters into its order."""
    columns = names if isinstance(statement, Insert) else None
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    order = compiled.positiontup or ()
    constants = {name: value for name, value in compiled.params.items() if name not in names}

    def arranged(parameters: Row) -> list[Any]:
        given = {**constants, **parameters} if constants else parameters
        return [given[name] for name in order]

    return str(compiled), arranged


@lru_cache(maxsize=1024)
def _with_values(sql: str, rows: int) -> str:
    """An insert of one row made one of so many."""
    head, keyword, values = sql.rpartition("VALUES ")
    return f"{head}{keyword}{', '.join([values] * rows)}"
