"""The way to one other process: frames go out in batches, over a connection renewed when it breaks."""

import logging
import pickle
import threading
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Client, Connection
from typing import Final

from actors.errors import ActorUnavailable, MailboxFull
from actors.processes.frames import Frame

_log = logging.getLogger(__name__)

CAPACITY: Final = 20_000
"""Frames that may wait for a peer."""
BATCH: Final = 200
"""Most frames in one write."""


class Peer:
    """Sends frames to one process from a thread of its own, so that nobody who tells ever blocks.

    A peer that cannot be reached loses what waits for it (a tell is at most once); ``on_lost`` is given those
    frames, so that askers need not wait for their deadline.
    """

    def __init__(
        self, name: str, path: str, authkey: bytes, on_lost: Callable[[Sequence[Frame]], None]
    ) -> None:
        self._name = name
        self._path = path
        self._authkey = authkey
        self._on_lost = on_lost
        self._frames: deque[Frame] = deque()
        self._condition = threading.Condition()
        self._stopping = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name=f"to-{name}", daemon=True)
        self._thread.start()

    def send(self, frame: Frame) -> None:
        """Queue a frame.

        Raises:
            MailboxFull: the peer takes frames more slowly than they come, or not at all.
            ActorUnavailable: this process is stopping.
        """
        with self._condition:
            if self._stopping:
                raise ActorUnavailable(f"{self._name} cannot be told: this process is stopping")
            if len(self._frames) >= CAPACITY:
                raise MailboxFull(f"{CAPACITY} messages wait for {self._name}")
            self._frames.append(frame)
            self._condition.notify()

    def stop(self) -> None:
        """Send what waits, then end; does not wait for it."""
        with self._condition:
            self._stopping = True
            self._condition.notify()

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._write(batch)
            except OSError as error:
                self._give_up(batch, error)
        self._disconnect()

    def _next(self) -> list[Frame]:
        with self._condition:
            while not self._frames and not self._stopping:
                self._condition.wait()
            return [self._frames.popleft() for _ in range(min(BATCH, len(self._frames)))]

    def _write(self, batch: list[Frame]) -> None:
        data = pickle.dumps(tuple(batch), protocol=pickle.HIGHEST_PROTOCOL)
        if self._connection is not None:
            try:
                self._connection.send_bytes(data)
            except OSError:
                # The peer was restarted, most likely. What was written before is lost; this was not sent.
                self._disconnect()
            else:
                return
        self._connection = Client(self._path, family="AF_UNIX", authkey=self._authkey)
        self._connection.send_bytes(data)

    def _give_up(self, batch: list[Frame], error: OSError) -> None:
        self._disconnect()
        _log.debug("%s cannot be reached: %s; %d messages lost", self._name, error, len(batch))
        self._on_lost(batch)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
