"""A million tasks in the store: ``python -m tests.bench.million``, about three minutes.

A store with a thousand finished tasks and one with a million, measured in turn, several times: POST and task
query may be 20 % slower at most.
"""

import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from actors.cpu import pin
from pushserver.domain import (
    Attempt,
    Delivered,
    Fallback,
    PlatformName,
    Push,
    Strategy,
    Target,
    Task,
    TaskStatus,
)
from pushserver.domain.messages import EndTask
from pushserver.store import open_writer
from pushserver.store.tasks import TaskTable
from tests.bench import sink
from tests.bench.helper import process
from tests.bench.load import offer
from tests.bench.running import arrived, started, to_few, wait_for, warm_up
from tests.system.server_process import PushServer

THERE = 1
SIZES = (1_000, 1_000_000)
BATCH = 10_000
ROUNDS = 7
REQUESTS = 2_000
_TARGET = Target(PlatformName.FEISHU, "主告警机器人")


def task_id(number: int) -> str:
    """As long as a real one, and in no order that an index would like."""
    return f"task_20240101_120000_{number * 2_654_435_761 % 2**32:012x}"


def fill(store: Path, count: int) -> None:
    """Put so many finished tasks into a store, each with its attempt."""
    engine = open_writer(f"sqlite:///{store}")
    for first in range(0, count, BATCH):
        with engine.begin() as connection:
            _insert(TaskTable(connection), range(first, min(first + BATCH, count)))
    engine.dispose()


def _insert(table: TaskTable, numbers: range) -> None:
    now = datetime.now(UTC) - timedelta(minutes=1)
    push = Push("标题", "正文" * 20)
    ids = [task_id(number) for number in numbers]
    table.insert([Task(id_, f"r{n % 16}", Strategy.FAILOVER, None, push, now) for n, id_ in enumerate(ids)])
    table.record([(Attempt(id_, _TARGET, 1, 1, Delivered(), now, 0.05), "") for id_ in ids])
    table.end([EndTask(id_, TaskStatus.COMPLETED, now, Fallback.NONE) for id_ in ids])


def queries(count: int, size: int) -> list[bytes]:
    """So many questions after tasks all over the store."""
    step = max(1, size // count)
    return [
        f"GET /api/v1/task/{task_id(number * step % size)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        for number in range(count)
    ]


def measure(server: PushServer, pipe: Connection, size: int) -> tuple[float, float]:
    """Median milliseconds of a POST and of a task query."""
    before = arrived(pipe)
    posted = offer(server.port, to_few(REQUESTS), connections=1)
    wait_for(pipe, before + REQUESTS)
    asked = offer(server.port, queries(REQUESTS, size), connections=1)
    return posted.p50, asked.p50


def main() -> None:
    """Measure both stores in turn, and print the medians and their ratio."""
    pin(THERE)
    with ExitStack() as stack:
        pipe = stack.enter_context(process(sink.run, THERE))
        port = pipe.recv()
        servers = {}
        for size in SIZES:
            servers[size], _ = stack.enter_context(started(port, 16))
            fill(servers[size].directory / "data" / "store.db", size)
            warm_up(servers[size].port, pipe)
        found = [
            {size: measure(server, pipe, size) for size, server in servers.items()} for _ in range(ROUNDS)
        ]
    for index, what in enumerate(("POST", "task query")):
        few, many = ([times[size][index] for times in found] for size in SIZES)
        ratio = median(b / a for a, b in zip(few, many, strict=True))
        sys.stdout.write(
            f"{what:12} p50 with {SIZES[0]}: {median(few):.2f} ms, "
            f"with {SIZES[1]}: {median(many):.2f} ms, ratio {ratio:.2f} (at most 1.20)\n"
        )


if __name__ == "__main__":
    main()
