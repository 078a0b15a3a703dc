import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from pushserver.domain import PlatformName, Target
from pushserver.store import InFlight
from pushserver.store.inflight import SLOT_SIZE
from tests.store.samples import ROBOT, SPARE


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[InFlight]:
    recorder = InFlight(tmp_path, "delivery-0", slots=2)
    yield recorder
    recorder.close()


def in_hand(directory: Path) -> set[tuple[str, Target]]:
    found = InFlight.recover(directory).in_hand
    assert len(set(found)) == len(found)
    return set(found)


def file_of(directory: Path) -> Path:
    (file,) = directory.iterdir()
    return file


def test_an_attempt_is_in_hand_from_entering_to_leaving(tmp_path: Path, recorder: InFlight) -> None:
    held = recorder.hold("t1", ROBOT)
    assert in_hand(tmp_path) == set()
    with held:
        assert in_hand(tmp_path) == {("t1", ROBOT)}
    assert in_hand(tmp_path) == set()


def test_an_attempt_that_raises_is_not_in_hand_any_more(tmp_path: Path, recorder: InFlight) -> None:
    with pytest.raises(TimeoutError), recorder.hold("t1", ROBOT):
        raise TimeoutError
    assert in_hand(tmp_path) == set()


def test_slots_are_used_again(tmp_path: Path, recorder: InFlight) -> None:
    for number in range(1000):
        with recorder.hold(f"t{number}", ROBOT), recorder.hold(f"t{number}", SPARE):
            assert in_hand(tmp_path) == {(f"t{number}", ROBOT), (f"t{number}", SPARE)}
    assert file_of(tmp_path).stat().st_size == 2 * SLOT_SIZE


def test_a_process_that_needs_more_slots_gets_them(tmp_path: Path, recorder: InFlight) -> None:
    with ExitStack() as hands:
        for number in range(5):
            hands.enter_context(recorder.hold(f"t{number}", ROBOT))
        assert in_hand(tmp_path) == {(f"t{number}", ROBOT) for number in range(5)}
    assert in_hand(tmp_path) == set()
    assert len(list(tmp_path.iterdir())) == 3


def test_threads_that_run_out_of_slots_together_get_one_file_more(tmp_path: Path, recorder: InFlight) -> None:
    recorder._slots._grow()  # as a thread does that waited while another one grew
    assert len(list(tmp_path.iterdir())) == 1


def test_threads_do_not_write_over_each_other(tmp_path: Path, recorder: InFlight) -> None:
    def work(worker: int) -> None:
        for number in range(300):
            with recorder.hold(f"t{worker}-{number}", ROBOT):
                assert (f"t{worker}-{number}", ROBOT) in InFlight.recover(tmp_path).in_hand

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert in_hand(tmp_path) == set()


@pytest.mark.parametrize("name", ["", "a\nb\n", "\ud800", "\0", "🚨" * 255])
def test_any_name_that_the_schema_admits_comes_back(tmp_path: Path, recorder: InFlight, name: str) -> None:
    longest = Target(PlatformName.DINGTALK, name)
    with recorder.hold("i" * 64, longest):
        assert in_hand(tmp_path) == {("i" * 64, longest)}


def test_a_record_that_does_not_fit_does_not_hinder_the_attempt(tmp_path: Path, recorder: InFlight) -> None:
    with recorder.hold("t2", ROBOT), recorder.hold("t1", Target(PlatformName.FEISHU, "x" * SLOT_SIZE)):
        assert in_hand(tmp_path) == {("t2", ROBOT)}


def test_recovering_takes_nothing_away_until_it_is_told_to_forget(tmp_path: Path, recorder: InFlight) -> None:
    with recorder.hold("t1", ROBOT):
        recovered = InFlight.recover(tmp_path)
        assert InFlight.recover(tmp_path) == recovered
        recovered.forget()
        assert in_hand(tmp_path) == set()
        recovered.forget()


def test_only_the_processes_named_are_recovered(tmp_path: Path) -> None:
    names = ("delivery-1", "delivery-10", "main-0")
    recorders = {name: InFlight(tmp_path, name) for name in names}
    with ExitStack() as hands:
        for name, recorder in recorders.items():
            hands.enter_context(recorder.hold(f"of {name}", ROBOT))
        recovered = InFlight.recover(tmp_path, {"delivery-1"})
        assert recovered.in_hand == (("of delivery-1", ROBOT),)
        recovered.forget()
        assert in_hand(tmp_path) == {("of delivery-10", ROBOT), ("of main-0", ROBOT)}


def test_a_successor_does_not_write_over_what_was_not_recovered(tmp_path: Path, recorder: InFlight) -> None:
    with recorder.hold("t1", ROBOT):
        successor = InFlight(tmp_path, "delivery-0")
        with successor.hold("t2", ROBOT):
            assert in_hand(tmp_path) == {("t1", ROBOT), ("t2", ROBOT)}
        successor.close()
        assert in_hand(tmp_path) == {("t1", ROBOT)}


def test_a_process_that_ends_in_peace_leaves_no_file(tmp_path: Path) -> None:
    recorder = InFlight(tmp_path, "delivery-0")
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_ends_with_something_in_hand_leaves_it_for_its_successor(tmp_path: Path) -> None:
    recorder = InFlight(tmp_path, "delivery-0")
    with recorder.hold("t1", ROBOT):
        recorder.close()
        assert in_hand(tmp_path) == {("t1", ROBOT)}


def test_a_directory_that_is_missing_holds_nothing(tmp_path: Path) -> None:
    assert InFlight.recover(tmp_path / "missing").in_hand == ()


def test_the_directory_is_made(tmp_path: Path) -> None:
    InFlight(tmp_path / "a" / "b", "delivery-0").close()
    assert (tmp_path / "a" / "b").is_dir()


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "inflight-notes.bin").write_text("mine")
    (tmp_path / "pushserver.db").write_text("mine too")
    InFlight.recover(tmp_path).forget()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_torn_slot_is_passed_over_and_its_neighbour_is_not(tmp_path: Path, recorder: InFlight) -> None:
    with recorder.hold("t1", ROBOT), recorder.hold("t2", ROBOT):
        content = bytearray(file_of(tmp_path).read_bytes())
    content[8] ^= 1  # the first letter of the first slot's task id
    recorder.close()
    (tmp_path / "inflight-delivery-0.0.bin").write_bytes(content)
    assert in_hand(tmp_path) == {("t2", ROBOT)}


@pytest.mark.parametrize("length", [0, 3, 8, SLOT_SIZE - 1, SLOT_SIZE, 3 * SLOT_SIZE + 5])
def test_garbage_of_any_length_is_passed_over(tmp_path: Path, length: int) -> None:
    (tmp_path / "inflight-delivery-0.0.bin").write_bytes(random.Random(length).randbytes(length))
    assert in_hand(tmp_path) == set()


def test_a_record_of_a_platform_that_is_gone_is_passed_over(tmp_path: Path, recorder: InFlight) -> None:
    gone = Target(cast("PlatformName", SimpleNamespace(value="fax")), "office")
    with recorder.hold("t1", gone), recorder.hold("t2", ROBOT):
        assert in_hand(tmp_path) == {("t2", ROBOT)}
