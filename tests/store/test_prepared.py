"""What is compiled once does what SQLAlchemy would do each time."""

import sqlite3
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, bindparam, insert, select, update
from sqlalchemy.exc import DBAPIError

from pushserver.domain import StoreUnavailable
from pushserver.store import prepared
from pushserver.store.errors import outages_as_store_unavailable
from pushserver.store.prepared import MOST_ROWS

things = Table(
    "things",
    metadata := MetaData(),
    Column("number", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("state", String, server_default="new"),
    Column("tries", Integer, server_default="0"),
)
INSERT = insert(things)
TRY = (
    update(things)
    .where(things.c.name == bindparam("of_name"), things.c.state == "new")
    .values(tries=things.c.tries + 1, state=bindparam("new_state"))
)
FIND = select(things.c.name, things.c.tries).where(things.c.name == bindparam("of_name"))


@pytest.fixture
def table(connection: Connection) -> Connection:
    metadata.create_all(connection)
    connection.commit()
    return connection


def rows(connection: Connection) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(select(things).order_by(things.c.name))]


def test_a_row_has_what_it_was_given_and_the_databases_own(table: Connection) -> None:
    with table.begin():
        prepared.write(table, INSERT, [{"name": "b"}, {"name": "a"}])
        prepared.write(table, INSERT, [{"name": "c", "tries": 7}])
        assert rows(table) == [(2, "a", "new", 0), (1, "b", "new", 0), (3, "c", "new", 7)]


def test_values_of_the_statement_and_of_the_rows_meet(table: Connection) -> None:
    with table.begin():
        prepared.write(table, INSERT, [{"name": name} for name in "abc"])
        tried = [{"new_state": state, "of_name": name} for name, state in (("c", "new"), ("a", "old"))]
        assert prepared.write(table, TRY, tried) == 2
        assert prepared.write(table, TRY, tried) == 1, "one is not new any more"
        assert rows(table) == [(1, "a", "old", 1), (2, "b", "new", 0), (3, "c", "new", 2)]


def test_a_select_finds_rows_for_each_of_its_parameters(table: Connection) -> None:
    with table.begin():
        prepared.write(table, INSERT, [{"name": name} for name in "abc"])
        found = prepared.read(table, FIND, ({"of_name": name} for name in ("c", "nobody", "a")))
        assert [*found] == [("c", 0), ("a", 0)]


def test_nothing_to_write_is_nothing(table: Connection) -> None:
    with table.begin():
        assert prepared.write(table, INSERT, []) == 0


def test_a_fault_of_a_row_is_the_drivers_and_no_outage(table: Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError), table.begin(), outages_as_store_unavailable():
        prepared.write(table, INSERT, [{"name": "a"}, {"name": "a"}])
    with table.begin():
        assert rows(table) == []


def test_a_database_that_is_not_there_any_more_is_an_outage(connection: Connection) -> None:
    with (
        pytest.raises(StoreUnavailable, match="no such table: things"),
        outages_as_store_unavailable(),
        connection.begin(),
    ):
        prepared.write(connection, INSERT, [{"name": "a"}])
    with pytest.raises(DBAPIError), connection.begin():
        connection.execute(INSERT, [{"name": "a"}])  # which would have said the same


@pytest.mark.parametrize("count", [1, 2, MOST_ROWS, MOST_ROWS + 1, 3 * MOST_ROWS])
def test_rows_are_inserted_in_their_order_however_many_they_are(table: Connection, count: int) -> None:
    names = [f"{number:04}" for number in range(count)]
    with table.begin():
        assert prepared.write(table, INSERT, [{"name": name, "tries": 2} for name in names]) == count
        assert rows(table) == [(number + 1, name, "new", 2) for number, name in enumerate(names)]
