from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Select, text

from pushserver.domain import (
    Attempt,
    Fallback,
    PlatformName,
    Push,
    QueueFull,
    RateLimited,
    StoredTask,
    Strategy,
    Target,
    TaskStatus,
    Transient,
)
from pushserver.domain.messages import (
    Calls,
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
from pushserver.store import CommandRefused, Outcome, TaskCommand, TaskReader, TaskTable, apply, open_writer
from pushserver.store import tasks as statements
from tests.store.samples import (
    NOON,
    ROBOT,
    SECOND,
    SPARE,
    a_task,
    an_attempt,
    completed,
    failed_owing,
)


def run(connection: Connection, *commands: TaskCommand, buffer_size: int = 100) -> list[Outcome]:
    return apply(connection, commands, buffer_size=buffer_size)


def submit(*ids: str) -> SubmitTasks:
    return SubmitTasks(tuple(a_task(task_id) for task_id in ids))


def fetched(connection: Connection, task_id: str) -> StoredTask:
    (outcome,) = run(connection, FetchTask(task_id))
    assert isinstance(outcome, StoredTask)
    return outcome


def backlog(connection: Connection) -> int:
    with connection.begin():
        return TaskTable(connection).backlog()


def test_a_task_comes_back_as_it_was_submitted(connection: Connection) -> None:
    by_platform = replace(
        a_task("t2"),
        strategy=Strategy.PLATFORM,
        platform=PlatformName.WECHAT,
        push=Push("标题", "🚨" * 20000),
    )
    assert run(connection, SubmitTasks((a_task("t1"), by_platform))) == [None]
    assert fetched(connection, "t1") == StoredTask(a_task("t1"), TaskStatus.PENDING)
    assert fetched(connection, "t2") == StoredTask(by_platform, TaskStatus.PENDING)


def test_an_unknown_task_is_none(connection: Connection) -> None:
    assert run(connection, FetchTask("nobody's")) == [None]


def test_submissions_are_taken_all_or_none(connection: Connection) -> None:
    outcomes = run(connection, submit("t1", "t2"), submit("t3", "t4"), submit("t5"), buffer_size=3)
    assert [type(outcome) for outcome in outcomes] == [type(None), QueueFull, type(None)]
    assert backlog(connection) == 3
    assert run(connection, FetchTask("t3"), FetchTask("t4")) == [None, None]


def test_a_full_queue_says_how_much_room_there_is(connection: Connection) -> None:
    (outcome,) = run(connection, submit("t1", "t2"), buffer_size=1)
    assert str(outcome) == "the queue has room for 1 of the 2 tasks submitted; try again later"


def test_a_task_that_ends_in_the_same_batch_makes_room(connection: Connection) -> None:
    run(connection, submit("t1"), buffer_size=1)
    assert run(connection, completed("t1"), submit("t2"), buffer_size=1) == [None, None]


def test_a_buffer_made_smaller_refuses_until_it_has_drained(connection: Connection) -> None:
    run(connection, submit("t1", "t2", "t3"))
    (outcome,) = run(connection, submit("t4"), buffer_size=1)
    assert str(outcome) == "the queue has room for 0 of the 1 tasks submitted; try again later"


def test_several_writers_together_accept_no_more_than_the_buffer_holds(url: str, reader: Engine) -> None:
    def accepted(writer: int) -> int:
        engine = open_writer(url)
        with engine.connect() as connection:
            outcomes = [
                run(connection, submit(f"{writer}-{number}"), buffer_size=50)[0] for number in range(40)
            ]
        engine.dispose()
        return outcomes.count(None)

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(accepted, range(3))) == 50
    assert TaskReader(reader).backlog() == 50


def test_a_started_task_is_processing(connection: Connection) -> None:
    run(connection, submit("t1"), TaskStarted("t1"))
    assert fetched(connection, "t1").status is TaskStatus.PROCESSING


def test_starting_never_overwrites_a_final_status(connection: Connection) -> None:
    run(connection, submit("t1"), completed("t1"))
    run(connection, TaskStarted("t1"))
    assert fetched(connection, "t1").status is TaskStatus.COMPLETED


def test_a_start_is_not_written_when_the_task_ends_in_the_same_batch(connection: Connection) -> None:
    run(connection, submit("t1"))
    written: list[str] = []
    driver: Any = connection.connection.driver_connection
    driver.set_trace_callback(written.append)
    run(connection, TaskStarted("t1"), completed("t1"))
    assert [sql.split()[0] for sql in written] == ["BEGIN", "UPDATE", "UPDATE", "COMMIT"]
    assert "completed_at" in written[1]
    assert "backlog" in written[2]


def test_a_task_has_one_fate_the_first(connection: Connection) -> None:
    run(connection, submit("t1"), completed("t1"))
    run(connection, failed_owing("t1", NOON + SECOND))
    stored = fetched(connection, "t1")
    assert (stored.status, stored.completed_at, stored.fallback) == (
        TaskStatus.COMPLETED,
        NOON,
        Fallback.NONE,
    )


def test_ending_twice_leaves_the_backlog_once(connection: Connection) -> None:
    run(connection, submit("t1", "t2"))
    run(connection, completed("t1"), completed("t1"))
    run(connection, completed("t1"))
    assert backlog(connection) == 1


def test_a_task_that_is_unknown_does_not_leave_the_backlog(connection: Connection) -> None:
    run(connection, submit("t1"), completed("nobody's"))
    assert backlog(connection) == 1


def test_a_task_whose_last_line_of_defence_is_owed_is_unfinished_but_no_backlog(
    connection: Connection,
) -> None:
    run(connection, submit("t1"), failed_owing("t1"))
    assert backlog(connection) == 0
    (unfinished,) = run(connection, FetchUnfinished("ops_alert"))
    assert unfinished == (
        StoredTask(a_task("t1"), TaskStatus.FAILED, completed_at=NOON, fallback=Fallback.OWED),
    )


def test_once_the_last_line_of_defence_is_raised_nothing_is_left_to_do(connection: Connection) -> None:
    run(connection, submit("t1"), failed_owing("t1"), EndFallback("t1"))
    assert run(connection, FetchUnfinished("ops_alert")) == [()]
    assert fetched(connection, "t1").fallback is Fallback.DONE


def test_a_fallback_that_nobody_owes_is_not_ended(connection: Connection) -> None:
    run(connection, submit("t1"), EndFallback("t1"), completed("t1"), EndFallback("t1"))
    assert fetched(connection, "t1").fallback is Fallback.NONE


def test_attempts_come_back_in_the_order_in_which_they_were_made(connection: Connection) -> None:
    made = [
        an_attempt("t1", ROBOT, verdict=Transient(code=502)),
        an_attempt("t1", SPARE),
        an_attempt("t1", ROBOT, number=2, fallback=True),
    ]
    run(connection, submit("t1", "t2"), RecordAttempt(made[0]), RecordAttempt(an_attempt("t2")))
    run(connection, RecordAttempt(made[1]), RecordAttempt(made[2]))
    assert fetched(connection, "t1").attempts == tuple(made)


def test_the_unfinished_tasks_of_a_recipient_bring_all_that_is_known(connection: Connection) -> None:
    others = SubmitTasks(
        (a_task("t3", "dev_team"), a_task("t4", "OPS_ALERT"), a_task("t0", created_at=NOON + SECOND))
    )
    run(connection, submit("t2", "t1", "t5"), others, TaskStarted("t1"), completed("t5"))
    run(connection, RecordAttempt(an_attempt("t1")), RecordAttempt(an_attempt("t3")))
    run(connection, CountResumptions((("t2", ROBOT), ("t2", SPARE), ("t2", ROBOT), ("t3", ROBOT))))
    assert run(connection, FetchUnfinished("ops_alert")) == [
        (
            StoredTask(a_task("t1"), TaskStatus.PROCESSING, attempts=(an_attempt("t1"),)),
            StoredTask(a_task("t2"), TaskStatus.PENDING, resumptions={ROBOT: 2, SPARE: 1}),
            StoredTask(a_task("t0", created_at=NOON + SECOND), TaskStatus.PENDING),
        )
    ]


def test_resumptions_are_counted_over_several_deaths(connection: Connection) -> None:
    run(connection, submit("t1"), CountResumptions((("t1", ROBOT),)))
    run(connection, CountResumptions((("t1", ROBOT),)))
    assert fetched(connection, "t1").resumptions == {ROBOT: 2}


def test_nothing_is_resumed_of_a_task_that_is_finished_or_gone(connection: Connection) -> None:
    run(connection, submit("t1"), completed("t1"), CountResumptions((("t1", ROBOT), ("nobody's", ROBOT))))
    assert fetched(connection, "t1").resumptions == {}
    with connection.begin():
        assert connection.execute(text("SELECT count(*) FROM resumptions")).scalar_one() == 0


def test_overdue_are_the_unfinished_created_before(connection: Connection) -> None:
    old = [a_task(f"t{number}", created_at=NOON - SECOND) for number in (3, 2, 1)]
    run(connection, SubmitTasks(tuple(old)), submit("t0"), completed("t1"), failed_owing("t2"))
    assert run(connection, ListOverdue(NOON)) == [(("ops_alert", "t2"), ("ops_alert", "t3"))]


def test_recipients_with_unfinished_work_are_named_once(connection: Connection, reader: Engine) -> None:
    run(
        connection,
        submit("t1", "t2"),
        SubmitTasks((a_task("t3", "dev.team"), a_task("t4", "idle"))),
        completed("t4"),
    )
    assert TaskReader(reader).unfinished_recipients() == ("dev.team", "ops_alert")


def test_a_purge_takes_finished_tasks_with_all_that_belongs_to_them(connection: Connection) -> None:
    run(connection, submit("old", "owed", "new", "open"), CountResumptions((("old", ROBOT),)))
    run(connection, *(RecordAttempt(an_attempt(task_id)) for task_id in ("old", "owed", "new", "open")))
    run(
        connection,
        completed("old", NOON - SECOND),
        failed_owing("owed", NOON - SECOND),
        completed("new", NOON),
    )
    assert run(connection, PurgeTasks(NOON), FetchTask("old")) == [1, None]
    assert [fetched(connection, task_id).attempts for task_id in ("owed", "new", "open")] == [
        (an_attempt("owed"),),
        (an_attempt("new"),),
        (an_attempt("open"),),
    ]
    with connection.begin():
        assert connection.execute(text("SELECT count(*) FROM attempts")).scalar_one() == 3
        assert connection.execute(text("SELECT count(*) FROM resumptions")).scalar_one() == 0
        assert TaskTable(connection).backlog() == 1


def test_a_purge_takes_no_more_than_its_limit_oldest_first(connection: Connection) -> None:
    run(connection, submit("t1", "t2", "t3"))
    run(connection, *(completed(f"t{number}", NOON - number * SECOND) for number in (1, 2, 3)))
    assert apply(connection, [PurgeTasks(NOON)], buffer_size=1, purge_limit=2) == [2]
    assert fetched(connection, "t1").status is TaskStatus.COMPLETED
    assert run(connection, FetchTask("t2"), PurgeTasks(NOON), PurgeTasks(NOON)) == [None, 1, 0]


def test_a_read_sees_what_came_before_it_in_its_batch_and_nothing_else(connection: Connection) -> None:
    outcomes = run(connection, FetchTask("t1"), submit("t1"), FetchTask("t1"), completed("t1"))
    assert outcomes == [None, None, StoredTask(a_task("t1"), TaskStatus.PENDING), None]


def test_a_command_that_is_refused_takes_nobody_with_it(connection: Connection) -> None:
    run(connection, submit("t1"))
    unfinished_end = EndTask("t1", TaskStatus.PROCESSING, NOON, Fallback.NONE)
    outcomes = run(connection, submit("t2"), submit("t3", "t1"), unfinished_end, completed("t1"))
    assert [type(outcome) for outcome in outcomes] == [type(None), CommandRefused, CommandRefused, type(None)]
    assert str(outcomes[1]) == "the store refuses this SubmitTasks: IntegrityError"
    assert fetched(connection, "t1").status is TaskStatus.COMPLETED
    assert run(connection, FetchTask("t3")) == [None]
    assert backlog(connection) == 1


def test_hostile_text_is_stored_without_what_no_database_can_hold(connection: Connection) -> None:
    hostile = replace(a_task("t1"), push=Push("a\ud800", "b\0"))
    run(
        connection,
        SubmitTasks((hostile,)),
        RecordAttempt(an_attempt("t1", Target(PlatformName.EMAIL, "\ud800"))),
    )
    stored = fetched(connection, "t1")
    assert (stored.task.push.title, stored.task.push.text) == ("a�", "b�")


def at(seconds: float, task_id: str = "t1", digest: int = 0) -> Attempt:
    attempt = an_attempt(task_id, ROBOT)
    return replace(attempt, started_at=NOON + seconds * SECOND, duration=0.5, digest=digest)


def calls(
    connection: Connection, since: float, recipient: str = "ops_alert", target: Target = ROBOT
) -> Calls:
    (outcome,) = run(connection, FetchCalls(recipient, target, NOON + since * SECOND))
    assert isinstance(outcome, Calls)
    return outcome


def test_an_endpoint_learns_when_its_calls_had_their_answers(connection: Connection) -> None:
    run(connection, submit("t1"), *(RecordAttempt(at(number), "ops_alert") for number in range(5)))
    run(connection, RecordAttempt(at(9)), RecordAttempt(at(9), "others"))
    found = calls(connection, since=3)
    assert found.ended == (NOON + 3.5 * SECOND, NOON + 4.5 * SECOND)
    assert [attempt.started_at for attempt in found.last] == [NOON + n * SECOND for n in (4, 3, 2, 1, 0)]
    assert calls(connection, since=0, target=SPARE) == Calls((), (), in_hand=False)


def test_a_digest_is_one_call_and_many_attempts(connection: Connection) -> None:
    merged = (at(1, "t1", digest=2), at(1, "t2", digest=2))
    assert run(connection, submit("t1", "t2"), RecordDigest(merged, "ops_alert")) == [None, None]
    assert calls(connection, since=0).ended == (NOON + timedelta(seconds=1.5),)
    assert fetched(connection, "t1").attempts == merged[:1]
    assert fetched(connection, "t2").attempts == merged[1:]


def test_of_the_last_calls_the_verdicts_are_known_too(connection: Connection) -> None:
    limited = replace(at(1), verdict=RateLimited(waits=(600.0,)))
    run(connection, submit("t1"), *(RecordAttempt(at(0), "ops_alert") for _ in range(10)))
    run(connection, RecordAttempt(limited, "ops_alert"))
    last = calls(connection, since=99).last
    assert last[0] == limited
    assert len(last) == 8


def test_a_call_that_a_process_died_with_is_known_until_its_task_is_finished(connection: Connection) -> None:
    run(connection, submit("t1"), CountResumptions((("t1", ROBOT),)))
    assert calls(connection, since=0).in_hand
    assert not calls(connection, since=0, recipient="others").in_hand
    assert not calls(connection, since=0, target=SPARE).in_hand
    run(connection, completed("t1"))
    assert not calls(connection, since=0).in_hand


def test_an_empty_batch_is_nothing(connection: Connection) -> None:
    assert run(connection) == []


@pytest.fixture
def plans(connection: Connection) -> Iterator[dict[str, str]]:
    parameters = {"recipient": "r", "before": 1, "task_id": "t", "most": 9}

    def plan(statement: Select[tuple[object]]) -> str:
        compiled = statement.compile(connection)
        values = {name: parameters.get(name, value) for name, value in compiled.params.items()}
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(values.values())).all()
        return "\n".join(row[-1] for row in rows)

    with connection.begin():
        yield {
            name: plan(statement)
            for name, statement in vars(statements).items()
            if isinstance(statement, Select) and "backlog" not in str(statement)
        }


def test_no_question_costs_more_than_it_answers(plans: dict[str, str]) -> None:
    assert len(plans) == 13
    for name, plan in plans.items():
        assert "SCAN" not in plan, name
    assert (
        "ix_tasks_unfinished_recipient_created_at (unfinished=? AND recipient=?)"
        in plans["_UNFINISHED_TASKS"]
    )
    assert (
        "ix_tasks_unfinished_recipient_created_at (unfinished=? AND recipient=?)"
        in plans["_UNFINISHED_ATTEMPTS"]
    )
    assert "ix_tasks_unfinished_created_at (unfinished=? AND created_at<?)" in plans["_OVERDUE"]
    assert "ix_tasks_unfinished_completed_at (unfinished=? AND completed_at<?)" in plans["_PURGEABLE"]
    assert "(unfinished=?)" in plans["_UNFINISHED_RECIPIENTS"]
    by_endpoint = "ix_attempts_called_by_platform_target_started_at (called_by=? AND platform=? AND target=?"
    assert f"{by_endpoint} AND started_at>?)" in plans["_FETCH_CALLS"]
    assert f"{by_endpoint})" in plans["_FETCH_LAST_CALLS"]
    assert "TEMP B-TREE" not in plans["_FETCH_LAST_CALLS"]
