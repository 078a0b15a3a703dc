import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from pushserver.logs import Rotation
from pushserver.logs.files import backups_of
from pushserver.logs.retention import Retention
from tests.logs import writer
from tests.logs.parts import lines_of

LINES = 50_000
WRITERS = {"quick-1": writer.QUICK, "quick-2": writer.QUICK, "quick-3": writer.QUICK, "late": writer.PACE}
MB = 1024 * 1024
PATIENCE = 60.0

spawn = multiprocessing.get_context("spawn")


@pytest.mark.kill
def test_no_line_is_lost_torn_or_doubled_while_four_processes_write_and_files_rotate(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    rotation = Rotation([path], Retention(MB, keep=0, keep_for=0), pace=writer.PACE)
    with _writing(path) as processes:
        _look(rotation, processes[0], lambda: not any(process.is_alive() for process in processes))
        assert [process.exitcode for process in processes] == [0] * len(WRITERS)
        _look(rotation, processes[0], lambda: all(backup.packed for backup in backups_of(path)[1:]))

    backups = [backup.path for backup in backups_of(path)]
    assert len(backups) > 5
    files = [*backups, path] if path.exists() else backups
    counted = Counter(_identity(line) for file in files for line in lines_of(file))
    assert counted.keys() == {(name, number) for name in WRITERS for number in range(LINES)}
    assert counted.total() == len(WRITERS) * LINES


@contextmanager
def _writing(path: Path) -> Iterator[Sequence[BaseProcess]]:
    processes = [
        spawn.Process(target=writer.write_lines, args=(path, name, LINES, pace))
        for name, pace in WRITERS.items()
    ]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join()


def _look(rotation: Rotation, process: BaseProcess, done: Callable[[], bool]) -> None:
    """Look again and again, with a little pause while the process lives, until it is done."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, "it is never done"
        rotation.look()
        process.join(0.01)


def _identity(line: str) -> tuple[str, int]:
    read = json.loads(line)
    return read["writer"], read["number"]
