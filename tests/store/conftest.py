"""A store that was migrated once and is copied for every test, since migrating is the slow part."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine

from pushserver.store import open_reader, open_writer
from pushserver.store.migrations import migrate

NewStore = Callable[[], str]


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "store.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="module")
def new_store(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> NewStore:
    """Makes another empty store at every call and returns its URL."""
    directory = tmp_path_factory.mktemp("stores")

    def new() -> str:
        file = directory / f"{sum(1 for _ in directory.glob('*.db'))}.db"
        shutil.copy(migrated_file, file)
        return f"sqlite:///{file}"

    return new


@pytest.fixture
def url(new_store: NewStore) -> str:
    return new_store()


@pytest.fixture
def writer(url: str) -> Iterator[Engine]:
    engine = open_writer(url, busy_timeout=0.05)
    yield engine
    engine.dispose()


@pytest.fixture
def reader(url: str) -> Iterator[Engine]:
    engine = open_reader(url)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(writer: Engine) -> Iterator[Connection]:
    with writer.connect() as connection:
        yield connection
