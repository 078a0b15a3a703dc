"""Callers in a hurry: many pushes from several threads, each with a marker of its own."""

import http.client
import itertools
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from tests.system.api_client import push_body
from tests.system.deadline import PATIENCE


@dataclass(frozen=True)
class Accepted:
    marker: str
    task_id: str
    recipient: str


class Burst:
    """Pushes ``count`` messages to the recipients in turn, and tries again what was not answered with 200.

    Every try has a marker of its own as its title: a push whose answer was lost may have been stored, and is
    none of those that were accepted. ``port`` is asked for before every connection; ``refused`` counts those
    that nobody took. As a context manager it ends all threads.
    """

    def __init__(
        self, port: Callable[[], int], recipients: Sequence[str], count: int, threads: int = 8, **fields: str
    ) -> None:
        self.accepted: list[Accepted] = []
        self.refused = 0
        self._port = port
        self._recipients = recipients
        self._count = count
        self._fields = fields
        self._numbers = itertools.count()
        self._news = threading.Condition()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Whatever is not accepted by now never will be."""
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def wait(self, count: int, patience: float = PATIENCE) -> None:
        """Wait until so many are accepted."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.accepted) >= count, patience), (
                f"only {len(self.accepted)} accepted"
            )

    def _run(self) -> None:
        caller = _Caller(self._port)
        try:
            for number in iter(self._next, None):
                for attempt in itertools.count():
                    if self._over.is_set():
                        return
                    if self._push(caller, number, f"<{number}.{attempt}>"):
                        break
                    self._over.wait(0.01)
        finally:
            caller.hang_up()

    def _next(self) -> int | None:
        number = next(self._numbers)
        return number if number < self._count else None

    def _push(self, caller: "_Caller", number: int, marker: str) -> bool:
        recipient = self._recipients[number % len(self._recipients)]
        try:
            task_id = caller.push(push_body(recipient, marker, **self._fields))
        except ConnectionRefusedError:
            self.refused += 1
            return False
        if task_id is None:
            return False
        with self._news:
            self.accepted.append(Accepted(marker, task_id, recipient))
            self._news.notify_all()
        return True


class _Caller:
    """One thread's connection, kept while it works."""

    def __init__(self, port: Callable[[], int]) -> None:
        self._port = port
        self._connection: http.client.HTTPConnection | None = None

    def push(self, body: bytes) -> str | None:
        """The task's id; ``None`` if the push was not accepted, or nobody can say.

        Raises:
            ConnectionRefusedError: nobody listens.
        """
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=5)
        try:
            self._connection.request("POST", "/api/v1/push", body)
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except ConnectionRefusedError:
            self.hang_up()
            raise
        except (OSError, http.client.HTTPException):
            self.hang_up()
            return None
        return str(json.loads(text)["data"]["task_id"]) if answer.status == 200 else None

    def hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
