"""Worlds over a store that was migrated once and is copied for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pushserver.store.migrations import migrate
from tests.delivery.world import Worlds, worlds_over


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "store.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def new_world(tmp_path: Path, migrated_file: Path) -> Iterator[Worlds]:
    with worlds_over(tmp_path, migrated_file) as worlds:
        yield worlds
