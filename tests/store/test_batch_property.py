"""A batch means what its commands mean one by one, and both mean what the model says."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from pushserver.domain import Fallback, StoredTask, TaskStatus
from pushserver.domain.messages import (
    CountResumptions,
    EndFallback,
    EndTask,
    FetchTask,
    FetchUnfinished,
    ListOverdue,
    PurgeTasks,
    RecordAttempt,
    SubmitTasks,
    TaskStarted,
)
from pushserver.store import Outcome, TaskCommand, TaskTable, apply, open_writer
from tests.store.conftest import NewStore
from tests.store.model import Model
from tests.store.samples import NOON, ROBOT, SECOND, SPARE, a_task, an_attempt

BUFFER_SIZE = 4
PURGE_LIMIT = 2
IDS = [f"t{number}" for number in range(6)]
RECIPIENTS = ["ops_alert", "Ops_Alert"]

ids = st.sampled_from(IDS)
targets = st.sampled_from([ROBOT, SPARE])
moments = st.integers(0, 9).map(lambda number: NOON + number * SECOND)
new_tasks = st.builds(a_task, ids, st.sampled_from(RECIPIENTS), moments)
commands: st.SearchStrategy[TaskCommand] = st.one_of(
    st.builds(SubmitTasks, st.lists(new_tasks, max_size=3).map(tuple)),
    st.builds(TaskStarted, ids),
    st.builds(RecordAttempt, st.builds(an_attempt, ids, targets, st.integers(1, 3))),
    st.builds(EndTask, ids, st.sampled_from(TaskStatus), moments, st.sampled_from(Fallback)),
    st.builds(EndFallback, ids),
    st.builds(CountResumptions, st.lists(st.tuples(ids, targets), max_size=3).map(tuple)),
    st.builds(PurgeTasks, moments),
    st.builds(FetchTask, ids),
    st.builds(FetchUnfinished, st.sampled_from(RECIPIENTS)),
    st.builds(ListOverdue, moments),
)
batches = st.lists(st.lists(commands, max_size=12), max_size=4)


@contextmanager
def a_store(new_store: NewStore) -> Iterator[Connection]:
    engine = open_writer(new_store())
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def run(connection: Connection, commands: Sequence[TaskCommand]) -> list[Outcome]:
    return apply(connection, commands, buffer_size=BUFFER_SIZE, purge_limit=PURGE_LIMIT)


def comparable(outcomes: Sequence[Outcome]) -> list[object]:
    return [type(outcome) if isinstance(outcome, Exception) else outcome for outcome in outcomes]


def everything(connection: Connection) -> tuple[int, list[StoredTask | None]]:
    with connection.begin():
        table = TaskTable(connection)
        return table.backlog(), [table.fetch(task_id) for task_id in IDS]


@settings(max_examples=150, deadline=None)
@given(batches=batches)
def test_a_batch_means_what_its_commands_mean_one_by_one(
    new_store: NewStore, batches: list[list[TaskCommand]]
) -> None:
    model = Model(BUFFER_SIZE, PURGE_LIMIT)
    with a_store(new_store) as batched, a_store(new_store) as single:
        for batch in batches:
            expected = comparable([model.execute(command) for command in batch])
            assert comparable(run(batched, batch)) == expected
            assert (
                comparable([outcome for command in batch for outcome in run(single, [command])]) == expected
            )
            state = (model.backlog(), [model.stored(task_id) for task_id in IDS])
            assert everything(batched) == state
            assert everything(single) == state
