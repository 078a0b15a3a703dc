"""The statements about tasks, on a connection whose transaction is the caller's."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice, repeat

from sqlalchemy import (
    Connection,
    String,
    Update,
    bindparam,
    case,
    delete,
    false,
    insert,
    null,
    select,
    true,
    update,
)

from pushserver.domain import Attempt, Fallback, StoredTask, Target, Task, TaskStatus
from pushserver.domain.messages import Calls, EndTask, FetchCalls
from pushserver.store import codec, prepared
from pushserver.store.schema import alarms, attempts, backlog, resumptions, tasks

# Statements are built once: SQLAlchemy finds the compiled form of a statement by the statement itself, and
# building one costs more than SQLite needs to run it.
#
# What comes many at a time is one statement with many values, not one statement many times: sqlite3 lets go
# of the interpreter lock for each, and a store's thread would stand in line for it with a hundred others, row
# by row, while it holds the write lock that other processes wait for.

_OPEN = tasks.c.completed_at.is_(null())
_THESE_TASKS = tasks.c.id.in_(bindparam("task_ids", expanding=True))

_INSERT_TASK = insert(tasks)
_START_TASKS = update(tasks).where(_THESE_TASKS, tasks.c.status == "pending").values(status="processing")


def _end_tasks(count: int) -> Update:
    """One fate for so many tasks, each at a moment of its own: ``id_0``, ``at_0``, ``id_1`` and so on."""
    ids = [bindparam(f"id_{place}", type_=String) for place in range(count)]
    at = case(*((tasks.c.id == ids[place], bindparam(f"at_{place}")) for place in range(count)))
    return (
        update(tasks)
        .where(tasks.c.id.in_(ids), _OPEN)
        .values(
            status=bindparam("end_status"),
            completed_at=at,
            fallback=bindparam("end_fallback"),
            unfinished=bindparam("owed"),
        )
    )


_MOST_ENDS = 128
_END_TASKS = [_end_tasks(1 << power) for power in range(_MOST_ENDS.bit_length())]
"""For 1, 2, 4 … tasks: fewer than that are filled up with the last one."""
_END_FALLBACKS = (
    update(tasks).where(_THESE_TASKS, tasks.c.fallback == "owed").values(fallback="done", unfinished=False)
)
_INSERT_ATTEMPT = insert(attempts)

_THE_BACKLOG = backlog.c.id == 1
_READ_BACKLOG = select(backlog.c.tasks).where(_THE_BACKLOG)
_LOCK_BACKLOG = _READ_BACKLOG.with_for_update()
_MOVE_BACKLOG = update(backlog).where(_THE_BACKLOG).values(tasks=backlog.c.tasks + bindparam("delta"))

_THIS_TASK = tasks.c.id == bindparam("task_id")
_UNFINISHED = tasks.c.unfinished == true()
_OF_RECIPIENT = (tasks.c.recipient == bindparam("recipient")) & _UNFINISHED

_FETCH_TASK = select(tasks).where(_THIS_TASK)
_FETCH_ATTEMPTS = select(attempts).where(attempts.c.task_id == bindparam("task_id")).order_by(attempts.c.id)
_FETCH_RESUMPTIONS = select(resumptions).where(resumptions.c.task_id == bindparam("task_id"))

_LAST_CALLS = 8
"""More calls in a row than any vendor's rests grow."""
_OF_ENDPOINT = (
    (attempts.c.called_by == bindparam("recipient"))
    & (attempts.c.platform == bindparam("of_platform"))
    & (attempts.c.target == bindparam("of_target"))
)
_FETCH_CALLS = (
    select(attempts.c.started_at, attempts.c.duration)
    .where(_OF_ENDPOINT, attempts.c.started_at >= bindparam("since"))
    .order_by(attempts.c.started_at)
)
_FETCH_LAST_CALLS = (
    select(attempts)
    .where(_OF_ENDPOINT)
    .order_by(attempts.c.started_at.desc(), attempts.c.id.desc())
    .limit(_LAST_CALLS)
)
_FETCH_IN_HAND = (
    select(resumptions.c.task_id)
    .join(tasks, tasks.c.id == resumptions.c.task_id)
    .where(
        _OF_RECIPIENT,
        resumptions.c.platform == bindparam("of_platform"),
        resumptions.c.target == bindparam("of_target"),
    )
    .limit(1)
)

_UNFINISHED_TASKS = select(tasks).where(_OF_RECIPIENT).order_by(tasks.c.created_at, tasks.c.id)
_UNFINISHED_ATTEMPTS = (
    select(attempts)
    .join(tasks, tasks.c.id == attempts.c.task_id)
    .where(_OF_RECIPIENT)
    .order_by(attempts.c.id)
)
_UNFINISHED_RESUMPTIONS = (
    select(resumptions).join(tasks, tasks.c.id == resumptions.c.task_id).where(_OF_RECIPIENT)
)
_UNFINISHED_RECIPIENTS = select(tasks.c.recipient).where(_UNFINISHED).distinct().order_by(tasks.c.recipient)
_OVERDUE = (
    select(tasks.c.recipient, tasks.c.id)
    .where(_UNFINISHED, tasks.c.created_at < bindparam("before"))
    .order_by(tasks.c.created_at, tasks.c.id)
)
_IS_UNFINISHED = select(tasks.c.id).where(_THIS_TASK, _UNFINISHED)

_PURGEABLE = (
    select(tasks.c.id)
    .where(tasks.c.unfinished == false(), tasks.c.completed_at < bindparam("before"))
    .order_by(tasks.c.completed_at, tasks.c.id)
    .limit(bindparam("most"))
)
_DELETES = [
    delete(table).where(column.in_(bindparam("task_ids", expanding=True)))
    for table, column in (
        (attempts, attempts.c.task_id),
        (resumptions, resumptions.c.task_id),
        (alarms, alarms.c.task_id),
        (tasks, tasks.c.id),
    )
]

_THIS_RESUMPTION = (
    (resumptions.c.task_id == bindparam("of_task"))
    & (resumptions.c.platform == bindparam("of_platform"))
    & (resumptions.c.target == bindparam("of_target"))
)
_RESUME_AGAIN = update(resumptions).where(_THIS_RESUMPTION).values(times=resumptions.c.times + 1)
_RESUME_FIRST = insert(resumptions)


def _fates(ends: Sequence[EndTask]) -> Iterator[tuple[codec.Parameters, list[tuple[str, int]]]]:
    """Each fate with the tasks that have it and when they ended; the first that is said of a task counts."""
    for end in ends:
        if not end.status.final:
            raise ValueError(f"a task ends completed or failed, not {end.status}")
    by_fate: defaultdict[tuple[TaskStatus, Fallback], list[tuple[str, int]]] = defaultdict(list)
    for end in {end.task_id: end for end in reversed(ends)}.values():
        by_fate[end.status, end.fallback].append((end.task_id, codec.to_microseconds(end.at)))
    for (status, fallback), ended in by_fate.items():
        fate = {
            "end_status": status.value,
            "end_fallback": fallback.value,
            "owed": fallback is Fallback.OWED,
        }
        yield fate, ended


class TaskTable:
    """Tasks with their attempts and resumptions, and the backlog that counts them.

    Commits nothing and catches nothing: every method is a statement or three in the transaction that the
    connection is in. The backlog is moved by whoever ends the transaction (:meth:`move_backlog`), once.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Writing; what is empty costs nothing ------------------------------------------------------------

    def insert(self, accepted: Sequence[Task]) -> None:
        """Store new tasks, pending."""
        prepared.write(self._connection, _INSERT_TASK, [codec.task_to_row(task) for task in accepted])

    def start(self, task_ids: Iterable[str]) -> None:
        """Pending tasks become processing; others stay what they are."""
        if started := [*task_ids]:
            self._connection.execute(_START_TASKS, {"task_ids": started})

    def record(self, made: Sequence[tuple[Attempt, str]]) -> None:
        """Store attempts in the order in which they were made, each with who has called a vendor with it."""
        rows = [codec.attempt_to_row(attempt, called_by) for attempt, called_by in made]
        prepared.write(self._connection, _INSERT_ATTEMPT, rows)

    def end(self, ends: Sequence[EndTask]) -> int:
        """Store fates; a task has only one, the first. Returns how many tasks this took off the backlog."""
        return sum(
            self._end(fate, ended[start : start + _MOST_ENDS])
            for fate, ended in _fates(ends)
            for start in range(0, len(ended), _MOST_ENDS)
        )

    def _end(self, fate: codec.Parameters, ended: list[tuple[str, int]]) -> int:
        power = (len(ended) - 1).bit_length()
        filled = enumerate(islice(chain(ended, repeat(ended[-1])), 1 << power))
        moments = {
            name: value
            for place, (task_id, at) in filled
            for name, value in ((f"id_{place}", task_id), (f"at_{place}", at))
        }
        return prepared.write(self._connection, _END_TASKS[power], [fate | moments])

    def end_fallback(self, task_ids: Iterable[str]) -> None:
        """An owed last line of defence is done; where none is owed nothing changes."""
        if raised := [*task_ids]:
            self._connection.execute(_END_FALLBACKS, {"task_ids": raised})

    def count_resumptions(self, in_hand: Iterable[tuple[str, Target]]) -> None:
        """Count one more resumption for each of these whose task is unfinished."""
        for task_id, target in in_hand:
            if self._connection.execute(_IS_UNFINISHED, {"task_id": task_id}).first():
                self._count_resumption(task_id, target)

    def _count_resumption(self, task_id: str, target: Target) -> None:
        key = {"of_task": task_id, "of_platform": target.platform.value, "of_target": target.name}
        if self._connection.execute(_RESUME_AGAIN, key).rowcount:
            return
        row = {"task_id": task_id, "platform": target.platform.value, "target": target.name, "times": 1}
        self._connection.execute(_RESUME_FIRST, row)

    def purge(self, before: datetime, most: int) -> int:
        """Delete up to ``most`` finished tasks completed before ``before``, oldest first, and all about them.

        Returns how many tasks went. One whose last line of defence is still owed is not finished.
        """
        window = {"before": codec.to_microseconds(before), "most": most}
        found = self._connection.execute(_PURGEABLE, window).scalars().all()
        if found:
            for statement in _DELETES:
                self._connection.execute(statement, {"task_ids": found})
        return len(found)

    # The backlog -------------------------------------------------------------------------------------

    def backlog(self) -> int:
        """How many tasks are not final."""
        unfinished: int = self._connection.execute(_READ_BACKLOG).scalar_one()
        return unfinished

    def lock_backlog(self) -> int:
        """The same, and no other transaction can change it until this one ends."""
        ((unfinished,),) = prepared.read(self._connection, _LOCK_BACKLOG, [{}])
        return int(unfinished)

    def move_backlog(self, delta: int) -> None:
        """Count this transaction's tasks: those inserted less those ended."""
        if delta:
            prepared.write(self._connection, _MOVE_BACKLOG, [{"delta": delta}])

    # Reading -----------------------------------------------------------------------------------------

    def fetch(self, task_id: str) -> StoredTask | None:
        """All that is known of a task, or ``None``."""
        key = {"task_id": task_id}
        row = self._connection.execute(_FETCH_TASK, key).one_or_none()
        if row is None:
            return None
        made = [codec.attempt_from_row(found) for found in self._connection.execute(_FETCH_ATTEMPTS, key)]
        resumed = self._connection.execute(_FETCH_RESUMPTIONS, key)
        return codec.task_from_row(
            row, made, {codec.target_from_row(found): found.times for found in resumed}
        )

    def unfinished(self, recipient: str) -> tuple[StoredTask, ...]:
        """The recipient's tasks that are not final or whose last line of defence is owed, oldest first."""
        key = {"recipient": recipient}
        rows = self._connection.execute(_UNFINISHED_TASKS, key).all()
        if not rows:
            return ()
        made = self._attempts_by_task(key)
        resumed = self._resumptions_by_task(key)
        return tuple(codec.task_from_row(row, made[row.id], resumed[row.id]) for row in rows)

    def _attempts_by_task(self, key: dict[str, str]) -> defaultdict[str, list[Attempt]]:
        made: defaultdict[str, list[Attempt]] = defaultdict(list)
        for row in self._connection.execute(_UNFINISHED_ATTEMPTS, key):
            made[row.task_id].append(codec.attempt_from_row(row))
        return made

    def _resumptions_by_task(self, key: dict[str, str]) -> defaultdict[str, dict[Target, int]]:
        resumed: defaultdict[str, dict[Target, int]] = defaultdict(dict)
        for row in self._connection.execute(_UNFINISHED_RESUMPTIONS, key):
            resumed[row.task_id][codec.target_from_row(row)] = row.times
        return resumed

    def calls(self, of: FetchCalls) -> Calls:
        """How an endpoint has called its vendor."""
        key = {
            "recipient": of.recipient,
            "of_platform": of.target.platform.value,
            "of_target": of.target.name,
        }
        since = codec.to_microseconds(of.since)
        ended = [
            codec.from_microseconds(row.started_at) + timedelta(seconds=row.duration)
            for row in self._connection.execute(_FETCH_CALLS, {**key, "since": since})
        ]
        last = [codec.attempt_from_row(row) for row in self._connection.execute(_FETCH_LAST_CALLS, key)]
        in_hand = self._connection.execute(_FETCH_IN_HAND, key).first() is not None
        return Calls(tuple(ended), tuple(last), in_hand)

    def unfinished_recipients(self) -> tuple[str, ...]:
        """Who has unfinished tasks, each once."""
        return tuple(self._connection.execute(_UNFINISHED_RECIPIENTS).scalars())

    def overdue(self, before: datetime) -> tuple[tuple[str, str], ...]:
        """``(recipient, task id)`` of unfinished tasks created before ``before``, oldest first."""
        rows = self._connection.execute(_OVERDUE, {"before": codec.to_microseconds(before)})
        return tuple((row.recipient, row.id) for row in rows)
