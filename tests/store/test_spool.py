import errno
import os
from itertools import pairwise
from pathlib import Path

import pytest

from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import SpooledContent
from pushserver.store import Spool, SpooledMessage, read_content
from pushserver.store.spool import SYNC_EVERY


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data" / "spool"


@pytest.fixture
def spool(directory: Path) -> Spool:
    return Spool(directory)


def put(spool: Spool, mail_id: str, data: bytes = b"data") -> SpooledContent:
    with spool.create(mail_id) as file:
        file.write(data)
        return file.commit()


def _path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_message_comes_back_byte_for_byte(spool: Spool, directory: Path) -> None:
    with spool.create("mail_1") as file:
        file.write(b".line\r\n")
        file.write(bytes(range(256)))
        content = file.commit()
    assert content == SpooledContent(str(directory / "mail_1.eml"))
    assert read_content(content) == b".line\r\n" + bytes(range(256))
    assert read_content(b"small") == b"small"


def test_only_the_services_user_can_read_it(spool: Spool, directory: Path) -> None:
    content = put(spool, "mail_1")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert Path(content.path).stat().st_mode & 0o777 == 0o600


def test_the_data_is_synced_before_it_has_its_name_and_the_name_before_it_is_told(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, list[str], int]] = []

    def record(descriptor: int) -> None:
        path = _path_of(descriptor)
        synced.append((path.name, names(directory), path.stat().st_size if path.is_file() else 0))

    monkeypatch.setattr(os, "fsync", record)
    put(spool, "mail_1", b"x" * 1000)
    assert synced == [("mail_1.part", ["mail_1.part"], 1000), ("spool", ["mail_1.eml"], 0)]


def test_a_large_message_is_synced_as_it_comes(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever commits beside it, and has to sync for that, waits for a part of it at most."""
    sizes: list[int] = []

    def record(descriptor: int) -> None:
        if (path := _path_of(descriptor)).is_file():
            sizes.append(path.stat().st_size)

    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(os, "fdatasync", record)
    piece = 300_000
    with spool.create("mail_1") as file:
        for _ in range(20):
            file.write(b"x" * piece)
        file.commit()

    assert sizes[-1] == 20 * piece
    steps = [after - before for before, after in pairwise([0, *sizes])]
    assert max(steps) < SYNC_EVERY + piece
    assert len(steps) <= 20 * piece / SYNC_EVERY + 1


def test_a_message_is_gone_through_piece_by_piece_and_again(spool: Spool) -> None:
    data = os.urandom(1_000_000)
    message = SpooledMessage(put(spool, "mail_1", data))

    assert len(message) == len(data)
    pieces = list(message)
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) < len(data) / 4
    assert list(message) == pieces


def test_a_message_that_is_gone_cannot_be_gone_through(spool: Spool) -> None:
    message = SpooledMessage(put(spool, "mail_1"))
    spool.remove(["mail_1.eml"])
    for attempt in (lambda: len(message), lambda: list(message)):
        with pytest.raises(StoreUnavailable, match=r"cannot be read now: No such file or directory$"):
            attempt()


def test_a_new_directory_is_synced_into_its_parent(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(str(_path_of(descriptor))))
    Spool(directory)
    assert str(directory.parent) in synced


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system has no posix_fadvise")
def test_the_memory_of_a_large_message_is_given_back_in_pieces(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[tuple[str, int, int]] = []

    def record(descriptor: int, start: int, length: int, advice: int) -> None:
        assert advice == os.POSIX_FADV_DONTNEED
        given_back.append((_path_of(descriptor).name, start, length))

    monkeypatch.setattr(os, "posix_fadvise", record)
    mebibyte = 1024 * 1024
    content = put(spool, "mail_1", b"x" * (2 * mebibyte + 1))
    spool.remove([spool.name_of(content)])
    assert given_back == [("mail_1.eml", number * mebibyte, mebibyte) for number in range(3)]


def test_whoever_reads_a_message_while_it_is_removed_reads_it_to_its_end(spool: Spool) -> None:
    data = os.urandom(3_000_000)
    content = put(spool, "mail_1", data)
    pieces = iter(SpooledMessage(content))
    begun = next(pieces)
    spool.remove([spool.name_of(content)])
    assert begun + b"".join(pieces) == data


@pytest.mark.parametrize(("last", "is_ascii"), [(b"end", True), ("末".encode(), False)])
def test_whether_a_message_has_eight_bits_is_known_without_reading_it(
    spool: Spool, last: bytes, is_ascii: bool
) -> None:
    with spool.create("mail_1") as file:
        for piece in (b"x" * 300_000, last, b"\r\n"):
            file.write(piece)
        content = file.commit()
    assert SpooledMessage(content).isascii() is is_ascii
    assert SpooledMessage(spool.locate(spool.name_of(content))).isascii() is None, "the store does not say"


def test_what_was_not_committed_leaves_nothing(spool: Spool, directory: Path) -> None:
    with spool.create("mail_1") as file:
        file.write(b"x" * 100_000)
        assert names(directory) == ["mail_1.part"]
    assert names(directory) == []


def test_what_breaks_in_the_middle_leaves_nothing(spool: Spool, directory: Path) -> None:
    with pytest.raises(ZeroDivisionError), spool.create("mail_1"):
        raise ZeroDivisionError
    assert names(directory) == []


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_full_disk_is_unavailable_and_leaves_nothing(
    spool: Spool, directory: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/secret/place")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(
            StoreUnavailable, match=r"cannot be written now: No space left on device$"
        ) as caught:
            put(spool, "mail_1")
    assert "secret" not in str(caught.value)
    assert names(directory) == []


def test_a_disk_that_is_full_while_the_rest_is_written_leaves_nothing(spool: Spool, directory: Path) -> None:
    file = spool.create("mail_1")
    file.write(b"still in memory")
    os.close(file._file.fileno())
    file.discard()
    assert names(directory) == []


def test_a_file_that_is_gone_cannot_be_read(spool: Spool) -> None:
    content = put(spool, "mail_1")
    spool.remove(["mail_1.eml", "mail_1.eml"])
    with pytest.raises(StoreUnavailable, match=r"cannot be read now: No such file or directory$"):
        read_content(content)


def test_orphans_go_and_nothing_else(spool: Spool, directory: Path) -> None:
    put(spool, "owned")
    put(spool, "orphan")
    (directory / "torn.part").touch()
    (directory / "README").touch()
    assert spool.remove_orphans({"owned.eml"}) == 2
    assert names(directory) == ["README", "owned.eml"]


def test_a_name_finds_its_content_again(spool: Spool) -> None:
    content = put(spool, "mail_1")
    assert spool.name_of(content) == "mail_1.eml"
    assert spool.locate("mail_1.eml") == content


def test_what_is_not_in_the_spool_has_no_name(spool: Spool, tmp_path: Path, directory: Path) -> None:
    (tmp_path / "elsewhere.eml").touch()
    (directory / "torn.part").touch()
    for path in (tmp_path / "elsewhere.eml", directory / "torn.part", directory / "gone.eml"):
        with pytest.raises(ValueError, match="not in the spool"):
            spool.name_of(SpooledContent(str(path)))


@pytest.mark.parametrize("mail_id", ["", "../up", "a/b", ".hidden", "ünsafe", "a\n"])
def test_an_id_that_is_no_file_name_is_refused(spool: Spool, mail_id: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        spool.create(mail_id)


def test_a_second_file_of_the_same_name_is_refused(spool: Spool) -> None:
    with spool.create("mail_1") as file:
        with pytest.raises(StoreUnavailable, match="File exists"):
            spool.create("mail_1")
        file.commit()


def test_a_relative_directory_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = put(Spool(Path("spool")), "mail_1")
    monkeypatch.chdir("/")
    assert read_content(content) == b"data"


def test_a_place_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be written now"):
        Spool(tmp_path / "file" / "spool")


def test_the_free_room_is_the_disks(spool: Spool, directory: Path) -> None:
    found = os.statvfs(directory)
    assert spool.free_bytes() == pytest.approx(found.f_bavail * found.f_frsize, rel=0.05)
