import io
import os
from pathlib import Path

import pytest

from pushserver.logs.outlet import AppendedFile, Stream
from pushserver.logs.pace import Pace
from tests.logs.parts import Clock

PACE = Pace(look_every=1.0, late_after=3.0, settled_after=5.0)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> AppendedFile:
    return AppendedFile(tmp_path / "log" / "app.log", pace=PACE, clock=clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "app.log"


def test_lines_stand_behind_what_is_there(file: AppendedFile, path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"before\n")
    file.write(b"one\n")
    file.write(b"two\n")
    assert path.read_bytes() == b"before\none\ntwo\n"


def test_a_line_is_in_the_file_when_the_call_returns(file: AppendedFile, path: Path) -> None:
    file.write(b"one\n")
    assert path.read_bytes() == b"one\n"


def test_a_renamed_file_is_left_at_the_next_look_and_not_before(
    file: AppendedFile, path: Path, clock: Clock
) -> None:
    file.write(b"one\n")
    renamed = path.rename(path.with_name("app.log.1"))
    clock.now += 0.9
    file.write(b"late\n")
    assert not path.exists()
    clock.now += 0.1
    file.write(b"two\n")
    assert renamed.read_bytes() == b"one\nlate\n"
    assert path.read_bytes() == b"two\n"


def test_a_file_that_took_the_name_is_appended_to(file: AppendedFile, path: Path, clock: Clock) -> None:
    file.write(b"one\n")
    path.rename(path.with_name("app.log.1"))
    path.write_bytes(b"another process's\n")
    clock.now += 1
    file.write(b"two\n")
    assert path.read_bytes() == b"another process's\ntwo\n"


def test_a_file_that_was_emptied_in_place_is_gone_on_with(
    file: AppendedFile, path: Path, clock: Clock
) -> None:
    file.write(b"one\n")
    os.truncate(path, 0)
    file.write(b"two\n")
    assert path.read_bytes() == b"two\n"


def test_a_directory_that_was_removed_is_made_again(file: AppendedFile, path: Path, clock: Clock) -> None:
    file.write(b"one\n")
    path.unlink()
    path.parent.rmdir()
    clock.now += 1
    file.write(b"two\n")
    assert path.read_bytes() == b"two\n"


class Stopper(Clock):
    """A process that is stopped between its look and its write."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped_for = 0.0
        self._calls = 0

    def stop_after(self, calls: int, seconds: float) -> None:
        self._calls, self.stopped_for = calls, seconds

    def __call__(self) -> float:
        self._calls -= 1
        if self._calls == 0:
            self.now += self.stopped_for
        return self.now


@pytest.mark.parametrize(("seconds", "expected"), [(2.9, b""), (3.1, b"late\n")])
def test_a_line_written_too_late_to_a_file_that_is_gone_is_written_again(
    tmp_path: Path, seconds: float, expected: bytes
) -> None:
    clock = Stopper()
    path = tmp_path / "app.log"
    file = AppendedFile(path, pace=PACE, clock=clock)
    file.write(b"one\n")
    path.unlink()
    clock.stop_after(
        2, seconds
    )  # the first reading says that no look is due, the second comes after the write
    file.write(b"late\n")
    assert (path.read_bytes() if path.exists() else b"") == expected


def test_a_line_written_late_to_a_file_that_is_still_there_stands_there_once(tmp_path: Path) -> None:
    clock = Stopper()
    path = tmp_path / "app.log"
    file = AppendedFile(path, pace=PACE, clock=clock)
    file.write(b"one\n")
    renamed = path.rename(tmp_path / "app.log.1")
    clock.stop_after(2, 60)
    file.write(b"late\n")
    assert renamed.read_bytes() == b"one\nlate\n"
    assert not path.exists()


class FullDisk:
    """``os.write`` on a disk with so many bytes left."""

    def __init__(self, left: int) -> None:
        self.left = left
        self._write = os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.left == 0:
            raise OSError(28, "No space left on device")
        written = self._write(descriptor, bytes(data)[: self.left])
        self.left -= written
        return written


def test_half_a_line_on_a_full_disk_does_not_spoil_the_next(
    file: AppendedFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.open()
    disk = FullDisk(left=3)
    monkeypatch.setattr(os, "write", disk)
    with pytest.raises(OSError, match="No space"):
        file.write(b"12345\n")
    with pytest.raises(OSError, match="No space"):
        file.write(b"67890\n")
    disk.left = 1000
    file.write(b"whole\n")
    file.write(b"too\n")
    assert path.read_bytes() == b"123\nwhole\ntoo\n"


def test_a_line_that_the_system_takes_in_pieces_is_whole(
    file: AppendedFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.open()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:2]))
    file.write(b"12345\n")
    monkeypatch.undo()
    file.write(b"67890\n")
    assert path.read_bytes() == b"12345\n67890\n"


def test_where_an_open_file_cannot_be_renamed_it_is_closed_after_every_line(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    file = AppendedFile(path, keep_open=False)
    descriptors = open_descriptors()
    file.write(b"one\n")
    assert open_descriptors() == descriptors
    path.rename(tmp_path / "app.log.1")
    file.write(b"two\n")
    assert path.read_bytes() == b"two\n"


def test_following_renames_leaks_no_descriptor(file: AppendedFile, path: Path, clock: Clock) -> None:
    file.write(b"one\n")
    descriptors = open_descriptors()
    for number in range(20):
        path.rename(path.with_name(f"app.log.{number}"))
        clock.now += 1
        file.write(b"more\n")
    assert open_descriptors() == descriptors


def test_a_closed_file_is_opened_by_the_next_line(file: AppendedFile, path: Path) -> None:
    file.write(b"one\n")
    file.close()
    file.write(b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_stream_with_a_descriptor_gets_utf8_behind_what_was_printed(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as stream:
        outlet = Stream(stream)
        stream.write("printed\n")
        outlet.write("消息\n".encode())
        stream.write("again\n")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "printed\n消息\nagain\n"


def test_a_stream_in_memory_gets_text() -> None:
    stream = io.StringIO()
    Stream(stream).write("消息\n".encode())
    assert stream.getvalue() == "消息\n"


@pytest.mark.parametrize("pace", [(2.0, 1.0, 5.0), (1.0, 5.0, 5.0), (1.0, 6.0, 5.0)])
def test_a_pace_at_which_lines_could_be_lost_is_refused(pace: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="give a renamed file more time to settle"):
        Pace(*pace)
