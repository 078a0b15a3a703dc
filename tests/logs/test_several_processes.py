import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from pushserver.logs import Rotation
from pushserver.logs.files import backups_of
from pushserver.logs.retention import Retention
from tests.logs import writer
from tests.logs.parts import lines_of

PROCESSES = 4
LINES = 50_000
MB = 1024 * 1024
PATIENCE = 60.0

spawn = multiprocessing.get_context("spawn")


def rotate_while(writers: Sequence[BaseProcess], rotation: Rotation) -> None:
    """Look as often as the machine lets us, until all have ended and everything is compressed."""
    deadline = time.monotonic() + PATIENCE
    while any(process.is_alive() for process in writers):
        assert time.monotonic() < deadline, "the writers do not end"
        rotation.look()
        writers[0].join(0.01)


@pytest.mark.kill
def test_no_line_is_lost_torn_or_doubled_while_four_processes_write_and_files_rotate(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    rotation = Rotation([path], Retention(MB, keep=0, keep_for=0), pace=writer.PACE)
    processes = [
        spawn.Process(target=writer.write_lines, args=(path, name, LINES)) for name in "abcd"[:PROCESSES]
    ]
    for process in processes:
        process.start()
    try:
        rotate_while(processes, rotation)
    finally:
        for process in processes:
            process.kill()
            process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES

    backups = backups_of(path)
    assert len(backups) > 5
    assert [backup for backup in backups if backup.packed], "nothing was compressed while they wrote"
    files = [backup.path for backup in backups] + [path] * path.exists()
    counted = Counter(_identity(line) for file in files for line in lines_of(file))
    expected = {(name, number) for name in "abcd"[:PROCESSES] for number in range(LINES)}
    assert counted.keys() == expected
    assert counted.total() == PROCESSES * LINES


def _identity(line: str) -> tuple[str, int]:
    read = json.loads(line)
    return read["writer"], read["number"]
