"""Reading tasks from any thread, beside the actors that write them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from pushserver.domain import StoredTask
from pushserver.store.errors import outages_as_store_unavailable
from pushserver.store.tasks import TaskTable


class TaskReader:
    """What was committed, as of the moment of the call; safe to share between threads.

    ``engine`` is :func:`~pushserver.store.database.open_reader`'s. All methods raise ``StoreUnavailable``.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fetch(self, task_id: str) -> StoredTask | None:
        """All that is known of a task, or ``None``."""
        with self._table() as table:
            return table.fetch(task_id)

    def unfinished_recipients(self) -> tuple[str, ...]:
        """Who has unfinished tasks, each once: whom a starting process has to wake."""
        with self._table() as table:
            return table.unfinished_recipients()

    def backlog(self) -> int:
        """How many tasks are not final."""
        with self._table() as table:
            return table.backlog()

    @contextmanager
    def _table(self) -> Iterator[TaskTable]:
        with outages_as_store_unavailable(), self._engine.connect() as connection:
            yield TaskTable(connection)
