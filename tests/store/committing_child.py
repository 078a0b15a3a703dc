"""A process that accepts, works on and ends tasks until it is killed, and says what it has committed.

``python -m tests.store.committing_child URL``: one line a commit, the ids that it stored.
"""

import sys
from itertools import count

from pushserver.domain.messages import RecordAttempt, SubmitTasks, TaskStarted
from pushserver.store import TaskCommand, apply, open_writer
from tests.store.samples import a_task, an_attempt, completed

BATCH = 7


def commands(ids: list[str]) -> list[TaskCommand]:
    """All of the ids are accepted; the first is delivered at once, the second is under way."""
    return [
        SubmitTasks(tuple(a_task(task_id) for task_id in ids)),
        RecordAttempt(an_attempt(ids[0])),
        completed(ids[0]),
        TaskStarted(ids[1]),
    ]


def main() -> None:
    with open_writer(sys.argv[1]).connect() as connection:
        for number in count():
            ids = [f"task-{number}-{place}" for place in range(BATCH)]
            apply(connection, commands(ids), buffer_size=10**9)
            sys.stdout.write(" ".join(ids) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
