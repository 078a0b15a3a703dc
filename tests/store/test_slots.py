import logging
import os
from pathlib import Path

import pytest

from pushserver.store.slots import Kind, Slots, leftovers
from tests.store.full_disk import full_disk

KIND = Kind("notes", size=4096, slots=4)


def test_what_is_put_is_there_until_it_is_freed(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "relay-0", KIND)
    first, second = slots.put(b"first"), slots.put(b"second")
    assert first is not None
    assert second is not None
    assert set(leftovers(tmp_path, KIND).payloads) == {b"first", b"second"}
    slots.free(first)
    assert leftovers(tmp_path, KIND).payloads == (b"second",)
    slots.free(second)
    slots.close()
    assert list(tmp_path.iterdir()) == []


def test_kinds_do_not_see_each_other(tmp_path: Path) -> None:
    other = Kind("other", size=512, slots=4)
    Slots(tmp_path, "relay-0", KIND).put(b"mine")
    assert leftovers(tmp_path, other).files == ()
    assert leftovers(tmp_path, KIND).payloads == (b"mine",)


@pytest.mark.parametrize("length", [0, 1, KIND.room])
def test_a_slot_is_as_long_as_it_says(tmp_path: Path, length: int) -> None:
    Slots(tmp_path, "relay-0", KIND).put(b"x" * length)
    assert leftovers(tmp_path, KIND).payloads == ((b"x" * length,) if length else ())


def test_what_is_longer_than_a_slot_is_not_kept_and_costs_no_slot(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "relay-0", KIND)
    assert slots.put(b"x" * (KIND.room + 1)) is None
    slots.close()
    assert list(tmp_path.iterdir()) == []


def test_the_disk_has_room_for_every_slot_before_it_is_used(tmp_path: Path) -> None:
    """A hole that is touched while the disk is full ends the process."""
    Slots(tmp_path, "relay-0", KIND)
    (file,) = tmp_path.iterdir()
    with file.open("rb") as written:
        os.fsync(written.fileno())  # a file system may put off where it puts it
    found = file.stat()
    assert found.st_size == KIND.size * KIND.slots
    assert found.st_blocks * 512 >= found.st_size


def test_on_a_full_disk_nothing_is_kept_nothing_fails_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with full_disk(), caplog.at_level(logging.ERROR):
        slots = Slots(tmp_path, "relay-0", KIND)
        assert slots.put(b"lost") is None
        assert slots.put(b"lost too") is None
    assert [record.message for record in caplog.records] == [
        "no room for what is under way: No space left on device"
    ]
    assert list(tmp_path.iterdir()) == []
    assert slots.put(b"kept") is not None
    assert leftovers(tmp_path, KIND).payloads == (b"kept",)


def test_a_disk_that_fills_up_costs_only_what_comes_beyond_the_slots(tmp_path: Path) -> None:
    slots = Slots(tmp_path, "relay-0", KIND)
    with full_disk():
        kept = [slots.put(f"{number}".encode()) for number in range(KIND.slots + 1)]
    assert kept[-1] is None
    assert None not in kept[:-1]
    assert len(leftovers(tmp_path, KIND).payloads) == KIND.slots
