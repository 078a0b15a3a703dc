"""Where the settings in effect lie."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pushserver.config import ServerSettings, Settings
from pushserver.service.shelf import FileShelf, MemoryShelf, Shelf

FIRST, SECOND = (Settings(recipients={}, server=ServerSettings(port=port)) for port in (1, 2))


@pytest.fixture(params=[lambda _: MemoryShelf(), FileShelf], ids=["memory", "file"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    make: Callable[[Path], Shelf] = request.param
    return make(tmp_path)


def test_in_the_beginning_there_is_nothing(shelf: Shelf) -> None:
    assert shelf.newer_than(0) is None


def test_the_latest_count_and_only_for_those_who_do_not_know_them(shelf: Shelf) -> None:
    assert [shelf.leave(FIRST), shelf.leave(SECOND)] == [1, 2]
    assert shelf.newer_than(0) == (2, SECOND)
    assert shelf.newer_than(1) == (2, SECOND)
    assert shelf.newer_than(2) is None


def test_another_process_sees_the_same_and_nobody_else_does(tmp_path: Path) -> None:
    FileShelf(tmp_path).leave(FIRST)
    assert FileShelf(tmp_path).newer_than(0) == (1, FIRST)
    assert FileShelf(tmp_path).leave(SECOND) == 2
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()] == [0o600]
