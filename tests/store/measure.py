"""What the store costs here and now: ``python -m tests.store.measure``."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time

from sqlalchemy import Connection

from pushserver.domain.messages import RecordAttempt, SubmitTasks, TaskStarted
from pushserver.store import InFlight, TaskCommand, apply, open_writer
from pushserver.store.migrations import migrate
from tests.store.samples import ROBOT, a_task, an_attempt, completed

ROWS = 20_000
BATCH_SIZES = (1, 10, 100)
Kind = Callable[[str], TaskCommand]

KINDS: dict[str, Kind] = {
    "submit": lambda task_id: SubmitTasks((a_task(task_id),)),
    "start": TaskStarted,
    "attempt": lambda task_id: RecordAttempt(an_attempt(task_id)),
    "end": completed,
}


def say(what: str, wall: float, cpu: float, times: int) -> None:
    sys.stdout.write(f"{what:<28}{wall / times * 1e6:8.1f} µs   {cpu / times * 1e6:8.1f} µs CPU\n")


def measure_batches(connection: Connection, kind: str, size: int) -> None:
    commands = [KINDS[kind](f"task_20260102_120000_{size}_{number:08}") for number in range(ROWS)]
    batches = [commands[start : start + size] for start in range(0, ROWS, size)]
    wall, cpu = perf_counter(), process_time()
    apply_all(connection, batches)
    say(f"{kind}, {size} a batch", perf_counter() - wall, process_time() - cpu, ROWS)


def apply_all(connection: Connection, batches: Sequence[Sequence[TaskCommand]]) -> None:
    for batch in batches:
        apply(connection, batch, buffer_size=10**9)


def measure_hold(directory: Path) -> None:
    recorder = InFlight(directory, "main-0")
    wall, cpu = perf_counter(), process_time()
    for _ in range(ROWS):
        with recorder.hold("task_20260102_120000_abcdefghijkl", ROBOT):
            pass
    say("hold and release", perf_counter() - wall, process_time() - cpu, ROWS)
    recorder.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/store.db"
        migrate(url)
        engine = open_writer(url)
        with engine.connect() as connection:
            for size in BATCH_SIZES:
                for kind in KINDS:
                    measure_batches(connection, kind, size)
        engine.dispose()
        measure_hold(Path(directory) / "inflight")


if __name__ == "__main__":
    main()
