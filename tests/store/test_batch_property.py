"""A batch means what its commands mean one by one, and both mean what the model says."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, update

from pushserver.domain import Fallback, StoredTask, TaskStatus
from pushserver.domain.messages import (
    CountResumptions,
    EndFallback,
    EndTask,
    FetchCalls,
    FetchTask,
    FetchUnfinished,
    ListOverdue,
    PurgeTasks,
    RecordAttempt,
    RecordDigest,
    SubmitTasks,
    TaskStarted,
)
from pushserver.store import Outcome, TaskCommand, TaskTable, apply, open_writer
from pushserver.store.schema import attempts, backlog, resumptions, tasks
from tests.store.conftest import NewStore
from tests.store.model import Model
from tests.store.samples import NOON, ROBOT, SECOND, SPARE, a_task, an_attempt

BUFFER_SIZE = 3
PURGE_LIMIT = 2
IDS = ["t0", "t1", "t2", "t3"]
RECIPIENTS = ["ops_alert", "Ops_Alert"]

ids = st.sampled_from(IDS)
targets = st.sampled_from([ROBOT, SPARE])
moments = st.integers(0, 5).map(lambda number: NOON + number * SECOND)
new_tasks = st.builds(a_task, ids, st.sampled_from(RECIPIENTS), moments)
submissions = st.builds(SubmitTasks, st.lists(new_tasks, min_size=1, max_size=2).map(tuple))
some_attempts = st.builds(an_attempt, ids, targets, st.integers(1, 3))
callers = st.sampled_from(["", *RECIPIENTS])
ends = st.builds(
    EndTask,
    ids,
    st.sampled_from([TaskStatus.COMPLETED, TaskStatus.FAILED]),
    moments,
    st.sampled_from(Fallback),
)
life: list[st.SearchStrategy[TaskCommand]] = [
    submissions,
    submissions,
    submissions,
    st.builds(TaskStarted, ids),
    st.builds(RecordAttempt, some_attempts, callers),
    st.builds(RecordDigest, st.lists(some_attempts, min_size=1, max_size=3).map(tuple), callers),
    ends,
    ends,
    st.builds(EndFallback, ids),
]
seldom: list[st.SearchStrategy[TaskCommand]] = [
    st.builds(SubmitTasks, st.lists(new_tasks, max_size=4).map(tuple)),
    st.builds(EndTask, ids, st.sampled_from(TaskStatus), moments, st.sampled_from(Fallback)),
    st.builds(CountResumptions, st.lists(st.tuples(ids, targets), min_size=1, max_size=3).map(tuple)),
    st.builds(PurgeTasks, moments),
    st.builds(FetchTask, ids),
    st.builds(FetchCalls, st.sampled_from(RECIPIENTS), targets, moments),
    st.builds(FetchUnfinished, st.sampled_from(RECIPIENTS)),
    st.builds(ListOverdue, moments),
]
batches = st.lists(
    st.lists(st.one_of(*life), min_size=2, max_size=16) | st.lists(st.one_of(*life, *seldom), max_size=8),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def two_stores(new_store: NewStore) -> Iterator[list[Connection]]:
    engines = [open_writer(new_store()), open_writer(new_store())]
    connections = [engine.connect() for engine in engines]
    yield connections
    for connection in connections:
        connection.close()
        connection.engine.dispose()


def emptied(connection: Connection) -> Connection:
    with connection.begin():
        for table in (tasks, attempts, resumptions):
            connection.execute(delete(table))
        connection.execute(update(backlog).values(tasks=0))
    return connection


def run(connection: Connection, commands: Sequence[TaskCommand]) -> list[object]:
    outcomes = apply(connection, commands, buffer_size=BUFFER_SIZE, purge_limit=PURGE_LIMIT)
    return [comparable(outcome) for outcome in outcomes]


def comparable(outcome: Outcome) -> object:
    return type(outcome) if isinstance(outcome, Exception) else outcome


def everything(connection: Connection) -> tuple[int, list[StoredTask | None]]:
    with connection.begin():
        table = TaskTable(connection)
        return table.backlog(), [table.fetch(task_id) for task_id in IDS]


@settings(max_examples=400, deadline=None)
@given(batches=batches)
def test_a_batch_means_what_its_commands_mean_one_by_one(
    two_stores: list[Connection], batches: list[list[TaskCommand]]
) -> None:
    batched, single = map(emptied, two_stores)
    model = Model(BUFFER_SIZE, PURGE_LIMIT)
    for batch in batches:
        expected = [comparable(model.execute(command)) for command in batch]
        assert run(batched, batch) == expected
        assert [outcome for command in batch for outcome in run(single, [command])] == expected
        state = (model.backlog(), [model.stored(task_id) for task_id in IDS])
        assert everything(batched) == state
        assert everything(single) == state
