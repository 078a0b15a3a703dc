import gzip
import logging
import os
import queue
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushserver.config import LogSettings
from pushserver.logs import Rotation, Rotator
from pushserver.logs.files import Backup, backups_of, files_of, reserve, time_of_first_line
from pushserver.logs.packing import pack
from pushserver.logs.retention import Retention
from tests.logs.parts import Clock, lines_of

MB = 1024 * 1024
DAY = 86_400
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC).timestamp()
LOCAL_NOON = datetime.fromtimestamp(NOON, UTC).astimezone().strftime("%Y%m%d_%H%M%S")


class World:
    """A log file under a rotation, and the time."""

    def __init__(self, directory: Path, **retention: Any) -> None:
        self.file = directory / "app.log"
        self.wall = Clock(NOON)
        self.clock = Clock()
        rules = Retention(**({"max_bytes": 100, "keep": 0, "keep_for": 0.0, "compress": False} | retention))
        self.rotation = Rotation([self.file], rules, wall=self.wall, clock=self.clock)

    def write(self, text: str) -> None:
        with self.file.open("a") as file:
            file.write(text)
        os.utime(self.file, (self.wall.now, self.wall.now))

    def fill(self, mark: str) -> None:
        self.write(mark * 99 + "\n")

    def rotate(self, mark: str) -> None:
        self.fill(mark)
        self.rotation.look()
        self.wall.now += 1
        self.clock.now += 1

    @property
    def backups(self) -> list[str]:
        """Newest first: the first letter of each, and whether it is compressed."""
        return [
            lines_of(backup.path)[0][0] + (".gz" if backup.packed else "") for backup in backups_of(self.file)
        ]


# Names -----------------------------------------------------------------------------------------------


def test_a_backup_is_called_after_the_moment_so_that_the_seeds_clean_up_finds_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.rotate("a")
    assert [path.name for path in tmp_path.glob("*.log.*")] == [f"app.log.{LOCAL_NOON}"]


def test_within_a_second_names_are_counted_on_past_compressed_ones(tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    (tmp_path / "app.log.20240101_120000.gz").touch()
    moment = datetime(2024, 1, 1, 12)  # noqa: DTZ001 - local, as it is given
    names = [reserve(file, moment).name for _ in range(2)]
    assert names == ["app.log.20240101_120000_2", "app.log.20240101_120000_3"]


def test_files_that_somebody_else_named_are_no_backups(tmp_path: Path) -> None:
    ours = ["app.log.20240101_120000", "app.log.20240101_120000_2.gz"]
    for name in [*ours, "app.log", "app.log.1", "app.log.20240101_120000.gz.part", "app.log.bak", "x.log.1"]:
        (tmp_path / name).touch()
    assert {backup.path.name for backup in backups_of(tmp_path / "app.log")} == set(ours)


def test_the_four_files_stand_beside_one_another() -> None:
    names = {path.as_posix() for path in files_of(LogSettings(file_path="log/app.log"))}
    assert names == {"log/app.log", "log/error.log", "log/info.log", "log/debug.log"}
    assert files_of(LogSettings(output="stdout")) == {}


# By size ---------------------------------------------------------------------------------------------


def test_a_file_is_rotated_when_it_has_reached_its_size_and_not_before(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.write("x" * 98 + "\n")
    world.rotation.look()
    assert world.backups == []
    world.write("\n")
    world.rotation.look()
    assert world.backups == ["x"]
    assert not world.file.exists()


def test_files_that_are_not_there_are_nobodys_fault(tmp_path: Path) -> None:
    World(tmp_path).rotation.look()
    World(tmp_path / "missing").rotation.look()
    assert list(tmp_path.iterdir()) == []


# By age ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keep", "keep_for", "span"),
    [(10, 30 * DAY, 3 * DAY), (10, 5 * DAY, DAY), (0, 30 * DAY, DAY), (3, 0, None), (1, 7 * DAY, 7 * DAY)],
)
def test_a_file_covers_so_much_time_that_the_backups_reach_back_far_enough(
    keep: int, keep_for: float, span: float | None
) -> None:
    assert Retention(MB, keep, keep_for).longest_span == span


def test_a_quiet_services_file_is_rotated_by_the_age_of_its_first_line(tmp_path: Path) -> None:
    world = World(tmp_path, keep=10, keep_for=30.0 * DAY)
    world.write('{"level":"info","msg":"x","time":"2024-01-01T12:00:00Z"}\n')
    world.wall.now += 2 * DAY
    world.write("y\n")
    world.rotation.look()
    world.wall.now += DAY - 1
    world.rotation.look()
    assert world.backups == []
    world.wall.now += 1
    world.rotation.look()
    assert world.backups == ["{"]


def test_the_next_files_age_begins_anew(tmp_path: Path) -> None:
    world = World(tmp_path, keep=10, keep_for=30.0 * DAY)
    world.write('{"time":"2024-01-01T12:00:00Z"}\n')
    world.wall.now += 3 * DAY
    world.rotation.look()
    world.write('{"time":"2024-01-04T12:00:00Z"}\n')
    world.wall.now += DAY
    world.rotation.look()
    assert len(world.backups) == 1
    assert world.file.exists()


def test_an_empty_file_is_never_rotated(tmp_path: Path) -> None:
    world = World(tmp_path, keep=10, keep_for=30.0 * DAY)
    world.write("")
    world.wall.now += 300 * DAY
    world.rotation.look()
    assert world.file.exists()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"msg":"2023-01-01T00:00:00Z","time":"2024-01-01T12:00:00Z"}\n', NOON),
        ("2024-01-01T12:00:00Z INFO x\n", NOON),
        ("somebody's own\n", 7.0),
        ('{"time":5}\n', 7.0),
        ('{"no":"time"}\n', 7.0),
        ("{half a li", 7.0),
        ("\udcff\n", 7.0),
    ],
)
def test_the_first_line_says_when_a_file_was_begun(tmp_path: Path, line: str, found: float) -> None:
    (tmp_path / "app.log").write_bytes(line.encode("utf-8", "surrogateescape"))
    assert time_of_first_line(tmp_path / "app.log", otherwise=7.0) == found


# Compressing -----------------------------------------------------------------------------------------


def test_a_backup_is_compressed_one_rotation_later_and_when_late_writers_are_done(tmp_path: Path) -> None:
    world = World(tmp_path, compress=True)
    world.rotate("a")
    world.clock.now += 100
    world.rotation.look()
    assert world.backups == ["a"]
    world.rotate("b")
    assert world.backups == ["b", "a.gz"]
    world.rotate("c")
    assert world.backups == ["c", "b", "a.gz"]
    world.clock.now += 2.9
    world.rotation.look()
    assert world.backups == ["c", "b", "a.gz"]
    world.clock.now += 0.1
    world.rotation.look()
    assert world.backups == ["c", "b.gz", "a.gz"]


def test_backups_of_an_earlier_life_are_given_the_time_too(tmp_path: Path) -> None:
    World(tmp_path).rotate("a")
    first = World(tmp_path)
    first.wall.now += 10
    first.rotate("b")
    second = World(tmp_path, compress=True)
    second.rotation.look()
    assert second.backups == ["b", "a"]
    second.clock.now += 5
    second.rotation.look()
    assert second.backups == ["b", "a.gz"]


def test_a_compressed_backup_is_as_old_and_as_readable_as_before(tmp_path: Path) -> None:
    path = tmp_path / "app.log.20240101_120000"
    path.write_text("one\n")
    path.chmod(0o640)
    os.utime(path, (NOON, NOON))
    packed = pack(path)
    assert packed.name == "app.log.20240101_120000.gz"
    assert packed.stat().st_mtime == NOON
    assert stat.S_IMODE(packed.stat().st_mode) == 0o640
    assert lines_of(packed) == ["one"]
    assert [file.name for file in tmp_path.iterdir()] == [packed.name]


def test_a_large_backup_comes_out_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "app.log.20240101_120000"
    text = b"".join(b"line %d\n" % number for number in range(200_000))
    path.write_bytes(text)
    assert gzip.decompress(pack(path).read_bytes()) == text


def test_what_is_appended_while_a_backup_is_compressed_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.log.20240101_120000"
    path.write_bytes(b"one\n")
    close = gzip.GzipFile.close
    late = [b"late\n", b"later\n"]

    def append_and_close(member: gzip.GzipFile) -> None:
        if late and not member.closed:
            with path.open("ab") as file:
                file.write(late.pop(0))
        close(member)

    monkeypatch.setattr(gzip.GzipFile, "close", append_and_close)
    packed = pack(path)
    monkeypatch.undo()
    assert lines_of(packed) == ["one", "late", "later"]


def test_a_compression_that_fails_leaves_the_backup_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.log.20240101_120000"
    path.write_bytes(b"one\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        pack(path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_after_a_crash_before_the_plain_file_was_removed_it_is_compressed_again(tmp_path: Path) -> None:
    path = tmp_path / "app.log.20240101_120000"
    path.write_bytes(b"one\n")
    packed = pack(path)
    path.write_bytes(b"one\ntwo\n")
    assert lines_of(pack(path)) == ["one", "two"]
    assert [file.name for file in tmp_path.iterdir()] == [packed.name]


# Removing --------------------------------------------------------------------------------------------


def test_only_so_many_backups_are_kept_the_newest(tmp_path: Path) -> None:
    world = World(tmp_path, keep=2)
    for mark in "abcd":
        world.rotate(mark)
    assert world.backups == ["d", "c"]


def test_backups_go_when_their_last_line_is_too_old(tmp_path: Path) -> None:
    world = World(tmp_path, keep_for=2.0 * DAY)
    world.rotate("a")
    world.wall.now += DAY
    world.rotate("b")
    world.wall.now += DAY - 1
    world.rotation.look()
    assert world.backups == ["b"]


def test_zero_keeps_all_for_ever(tmp_path: Path) -> None:
    world = World(tmp_path)
    for mark in "abcdefghijklmnop":
        world.rotate(mark)
    world.wall.now += 10_000 * DAY
    world.rotation.look()
    assert len(world.backups) == 16


@given(
    st.lists(st.floats(0, 1000), max_size=30), st.integers(0, 10), st.floats(0, 1000), st.floats(1000, 2000)
)
def test_what_is_removed_is_exactly_what_is_too_many_or_too_old(
    times: list[float], keep: int, keep_for: float, now: float
) -> None:
    backups = [Backup(Path(str(time)), time, packed=False) for time in sorted(times, reverse=True)]
    gone = Retention(MB, keep, keep_for).superfluous(backups, now)
    kept = [backup for backup in backups if backup not in gone]
    assert not keep or len(kept) <= keep
    assert not keep_for or all(now - backup.written <= keep_for for backup in kept)
    if not keep and not keep_for:
        assert gone == []
    if not keep_for and len(set(times)) == len(times):
        assert len(kept) == (min(keep, len(times)) if keep else len(times))


# What goes wrong -------------------------------------------------------------------------------------


def test_a_fault_of_one_file_keeps_no_other_from_being_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, fine = tmp_path / "app.log", tmp_path / "info.log"
    for path in (stuck, fine):
        path.write_text("x" * 200)
    rotation = Rotation([stuck, fine], Retention(100, 0, 0))
    replace = Path.replace

    def fail_for_one(path: Path, target: Path) -> Path:
        if path == stuck:
            raise PermissionError(13, "Permission denied")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fail_for_one)
    with pytest.raises(PermissionError):
        rotation.look()
    monkeypatch.undo()
    assert len(backups_of(fine)) == 1
    assert backups_of(stuck) == []
    assert stuck.exists()


class Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.queue: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        self.queue.put(record)

    def next(self) -> dict[str, Any]:
        return vars(self.queue.get(timeout=10))


@pytest.fixture
def heard(untouched: None) -> Records:
    records = Records()
    logging.getLogger().addHandler(records)
    logging.getLogger("pushserver").setLevel(logging.INFO)
    return records


def test_the_rotator_looks_by_itself_and_says_what_it_did(tmp_path: Path, heard: Records) -> None:
    (tmp_path / "app.log").write_text("x" * 200)
    with Rotator(Rotation([tmp_path / "app.log"], Retention(100, 0, 0)), every=0.01):
        said = heard.next()
    assert said["action"] == "log_rotated"
    assert said["file"] == "app.log"
    assert said["backup"] in [path.name for path in tmp_path.iterdir()]


class Failing(Rotation):
    """Fails as often as it is told to, then counts down a latch."""

    def __init__(self, faults: list[OSError | None]) -> None:
        super().__init__([], Retention(100, 0, 0))
        self.faults = faults
        self.done: queue.SimpleQueue[None] = queue.SimpleQueue()

    def look(self) -> None:
        if not self.faults:
            self.done.put(None)
            return
        fault = self.faults.pop(0)
        if fault:
            raise fault


def test_a_fault_that_lasts_is_told_once_and_again_when_it_comes_back(heard: Records) -> None:
    full = OSError(28, "No space left on device")
    rotation = Failing([full, full, full, None, full])
    with Rotator(rotation, every=0.001):
        rotation.done.get(timeout=10)
    told = [heard.next() for _ in range(2)]
    assert [said["error"] for said in told] == ["No space left on device"] * 2
    assert {said["action"] for said in told} == {"log_rotation_failed"}
    assert heard.queue.empty()


def test_settings_become_rules_in_bytes_and_seconds() -> None:
    rules = Retention.of(LogSettings(max_size=100, max_backups=10, max_age=30, compress=False))
    assert rules == Retention(100 * 1024 * 1024, 10, 30 * 86_400.0, compress=False)
