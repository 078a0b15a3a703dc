import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from pushserver.domain import StoreUnavailable
from pushserver.store import (
    NewerSchema,
    NotADatabase,
    StoreUnwritable,
    TaskReader,
    UnsupportedDatabase,
    database_file,
    open_reader,
    open_writer,
)
from pushserver.store.migrations import migrate
from pushserver.store.schema import metadata


def pragma(engine: Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar_one()


def test_the_migrations_make_exactly_the_tables_of_the_schema(connection: Connection) -> None:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    assert compare_metadata(context, metadata) == []
    found = inspect(connection)
    for table in metadata.sorted_tables:
        assert found.get_pk_constraint(table.name)["name"] == table.primary_key.name
        assert found.get_pk_constraint(table.name)["constrained_columns"] == list(
            table.primary_key.columns.keys()
        )


def test_a_new_store_has_an_empty_backlog(reader: Engine) -> None:
    assert TaskReader(reader).backlog() == 0


def test_migrating_again_changes_nothing(url: str) -> None:
    before = database_file(url).read_bytes()
    migrate(url)
    assert database_file(url).read_bytes() == before


def test_the_directory_of_the_file_is_made(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/a/b/store.db")
    assert (tmp_path / "a/b/store.db").is_file()


def test_a_relative_file_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    migrate("sqlite:///data/store.db")
    assert (tmp_path / "data/store.db").is_file()


def test_a_writer_waits_for_its_turn(url: str, writer: Engine) -> None:
    engine = open_writer(url, busy_timeout=20)
    with writer.connect() as holder, ThreadPoolExecutor(1) as pool:
        transaction = holder.begin()
        waiting = pool.submit(_set_backlog, engine, 7)
        assert wait([waiting], timeout=0.1).not_done
        transaction.rollback()
        waiting.result(timeout=20)
    assert TaskReader(engine).backlog() == 7
    engine.dispose()


def test_a_writer_waits_no_longer_than_it_was_told(url: str, writer: Engine) -> None:
    engine = open_writer(url, busy_timeout=0.05)
    with writer.begin(), pytest.raises(OperationalError, match="database is locked"):
        _set_backlog(engine, 7)
    assert TaskReader(engine).backlog() == 0
    engine.dispose()


def _set_backlog(engine: Engine, tasks: int) -> None:
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE backlog SET tasks = {tasks}"))


def test_a_reader_cannot_write(reader: Engine) -> None:
    with reader.connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("DELETE FROM tasks"))


def test_a_reader_is_not_held_up_by_a_writer(reader: Engine, writer: Engine) -> None:
    with writer.begin() as connection:
        connection.execute(text("UPDATE backlog SET tasks = 7"))
        assert TaskReader(reader).backlog() == 0
    assert TaskReader(reader).backlog() == 7


def test_a_parameter_never_shows_in_an_error(writer: Engine) -> None:
    with writer.begin() as connection, pytest.raises(OperationalError) as caught:
        connection.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgresql://me:hunter2@db/x", "'postgresql'"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("hunter2 and no URL", "not a database URL"),
    ],
)
def test_other_databases_are_refused_without_repeating_the_url(url: str, found: str) -> None:
    for opening in (open_writer, open_reader, migrate):
        with pytest.raises(UnsupportedDatabase, match=found) as caught:
            opening(url)
        assert "expected sqlite:///path/to/file.db" in str(caught.value)
        assert "hunter2" not in str(caught.value)


def test_a_directory_that_cannot_be_made_is_a_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnwritable, match=r"directory .*/file cannot be made: File exists; make it"):
        migrate(f"sqlite:///{tmp_path}/file/store.db")


def test_a_file_that_cannot_be_opened_is_a_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "store.db").mkdir()
    with pytest.raises(StoreUnwritable, match=r"store\.db cannot be opened for writing"):
        migrate(f"sqlite:///{tmp_path}/store.db")


def test_a_file_that_is_no_database_is_a_clear_fault_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    file.write_bytes(b"dear diary " * 1000)
    with pytest.raises(NotADatabase, match=r"store\.db is not an SQLite database"):
        migrate(f"sqlite:///{file}")
    assert file.read_bytes() == b"dear diary " * 1000


def test_a_store_of_a_newer_release_is_refused_and_left_alone(url: str) -> None:
    with sqlite3.connect(database_file(url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(
        NewerSchema, match=r"has schema 9999, which this release does not know \(it ends at 0004\)"
    ):
        migrate(url)


def test_migrating_a_store_that_somebody_holds_is_unavailable_not_unusable(url: str) -> None:
    holder = sqlite3.connect(database_file(url), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        migrate(url, busy_timeout=0.05)
    holder.close()


def test_a_migration_that_fails_leaves_nothing_half_done(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE resumptions (mine TEXT)")  # the third table of the migration
    connection.close()
    with pytest.raises(StoreUnavailable, match="resumptions already exists"):
        migrate(f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert tables == [("resumptions",)]


def test_only_whoever_migrates_loads_alembic() -> None:
    program = "import sys, pushserver.store; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
