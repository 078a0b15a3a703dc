"""The worker's end of the line, looked at in the process of the test."""

import signal
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection

import pytest

from actors.processes import Link
from actors.processes.words import Beat, Lines, Ready, RestartProcess, Word, line_of
from tests.actors.cast import PATIENCE


@pytest.fixture
def line() -> Iterator[tuple[Connection, Link]]:
    root, worker = Pipe()
    with root, worker:
        yield root, Link(worker)


def test_waiting_ends_when_the_worker_is_to_stop_and_ever_after(line: tuple[Connection, Link]) -> None:
    _, link = line
    assert link.wait(0.001) is False
    link.stop()
    assert [link.wait(PATIENCE) for _ in range(3)] == [True, True, True]


def test_all_who_wait_are_told(line: tuple[Connection, Link]) -> None:
    _, link = line
    told: list[bool] = []
    waiting = [threading.Thread(target=lambda: told.append(link.wait(PATIENCE))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    link.stop()
    for thread in waiting:
        thread.join(PATIENCE)
    assert told == [True, True, True]


@pytest.mark.timeout(20, method="thread")
def test_a_signal_in_the_middle_of_waiting_cannot_lock_the_worker_up(line: tuple[Connection, Link]) -> None:
    """An Event would: its lock may be in the hands of the very thread that the handler interrupts."""
    _, link = line
    before = signal.signal(signal.SIGVTALRM, lambda *_: link.stop())
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.0001, 0.0001)
    try:
        for _ in range(100_000):
            link.wait(0)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert link.wait(0) is True


def test_a_root_that_is_gone_is_no_error_for_who_speaks(line: tuple[Connection, Link]) -> None:
    root, link = line
    root.close()
    link.beat()
    link.ready()


@pytest.mark.parametrize("word", [Ready(), Beat(), RestartProcess("delivery-0"), RestartProcess("日 本")])
def test_a_word_is_understood_however_it_is_cut(word: Word) -> None:
    line = line_of(word)
    for cut in range(len(line) + 1):
        lines = Lines()
        assert [*lines.feed(line[:cut]), *lines.feed(line[cut:])] == [word]


def test_several_words_come_at_once() -> None:
    assert [*Lines().feed(b"ready\nbeat\nrestart a\nbe")] == [Ready(), Beat(), RestartProcess("a")]


@pytest.mark.parametrize("nonsense", [b"\n", b"restart\n", b"READY\n", b"\xff\xfe\x00\n", b"ready now\n"])
def test_nonsense_is_passed_over(nonsense: bytes) -> None:
    assert [*Lines().feed(nonsense + b"beat\n")] == [Beat()]


def test_nonsense_without_end_takes_no_memory() -> None:
    lines = Lines()
    for _ in range(100):
        assert [*lines.feed(b"x" * 10_000)] == []
    assert len(lines._rest) == 4096
