"""What is to run on PostgreSQL and MySQL/MariaDB one day is at least said in their language today."""

from typing import Any

import pytest
from sqlalchemy import Column, Delete, Dialect, Insert, Select, String, Update, make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from pushserver.store import mail_lists, mails, notifications, tasks
from pushserver.store.schema import metadata

DIALECTS: dict[str, Dialect] = {
    "postgresql": make_url("postgresql+psycopg://").get_dialect()(),
    "mysql": make_url("mysql+pymysql://").get_dialect()(),
}
STATEMENTS = [
    statement
    for module in (tasks, notifications, mails, mail_lists)
    for value in vars(module).values()
    for statement in (value if isinstance(value, list) else [value])
    if isinstance(statement, Select | Insert | Update | Delete)
]


def schema_in(dialect: Dialect) -> str:
    tables = [str(CreateTable(table).compile(dialect=dialect)) for table in metadata.sorted_tables]
    indexes = [
        str(CreateIndex(index).compile(dialect=dialect))
        for table in metadata.sorted_tables
        for index in sorted(table.indexes, key=str)
    ]
    return "\n".join(tables + indexes)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_statement_can_be_said(name: str) -> None:
    assert len(STATEMENTS) == 87
    for statement in STATEMENTS:
        sql = str(statement.compile(dialect=DIALECTS[name]))
        assert "RETURNING" not in sql
        assert "CONFLICT" not in sql


def test_mysql_keeps_megabytes_and_compares_by_bytes() -> None:
    schema = schema_in(DIALECTS["mysql"])
    assert "msg MEDIUMTEXT NOT NULL" in schema
    assert "id BIGINT NOT NULL AUTO_INCREMENT" in schema
    assert schema.count("CHARSET=utf8mb4 COLLATE utf8mb4_bin") == len(metadata.tables)


def test_postgresql_keeps_text_of_any_length() -> None:
    schema = schema_in(DIALECTS["postgresql"])
    assert "msg TEXT NOT NULL" in schema
    assert "id BIGSERIAL NOT NULL" in schema
    assert '"only" TEXT' in schema


def test_no_key_is_longer_than_innodb_takes() -> None:
    # 3,072 bytes a key: https://dev.mysql.com/doc/refman/8.4/en/innodb-limits.html
    for table in metadata.sorted_tables:
        for columns in (table.primary_key.columns, *(index.columns for index in table.indexes)):
            assert sum(bytes_in_key(column) for column in columns) <= 3072


def bytes_in_key(column: Column[Any]) -> int:
    return 4 * column.type.length if isinstance(column.type, String) and column.type.length else 8
