"""The way to one other process: frames go out in batches, over a connection renewed when it breaks."""

import logging
import pickle
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

from actors.errors import ActorUnavailable, MailboxFull
from actors.processes.frames import Frame
from actors.processes.handshake import dial, hang_up

_log = logging.getLogger(__name__)

CAPACITY: Final = 20_000
"""Frames that may wait for a peer."""
CAPACITY_BYTES: Final = 64 * 2**20
"""Bytes that may wait for a peer; one frame that is larger still goes when nothing else waits."""
BATCH: Final = 200
"""Most frames in one write."""
BATCH_BYTES: Final = 2**20
"""A write is complete when it has so many bytes."""


class Peer:
    """Sends frames to one process from a thread of its own, so that nobody who tells ever blocks.

    A peer that cannot be reached loses what waits for it (a tell is at most once); ``on_lost`` is given those
    frames. ``on_gone`` is called when a connection ends: what was written to it may be lost as well. Thus
    askers need not wait for their deadline. Both are called on threads of the peer and must not block.
    """

    def __init__(
        self,
        name: str,
        path: str,
        authkey: bytes,
        *,
        on_lost: Callable[[Sequence[Frame]], None],
        on_gone: Callable[[], None],
    ) -> None:
        self._name = name
        self._path = path
        self._authkey = authkey
        self._on_lost = on_lost
        self._on_gone = on_gone
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._condition = threading.Condition()
        self._stopping = False
        self._given_up = threading.Event()
        self._connection: Connection | None = None
        self._watch: threading.Thread | None = None
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
            if len(self._frames) >= CAPACITY or self._bytes >= CAPACITY_BYTES:
                waiting = f"{len(self._frames)} messages of {self._bytes} bytes wait"
                raise MailboxFull(f"{self._name} does not take messages as fast as they come: {waiting}")
            self._frames.append(frame)
            self._bytes += len(frame.payload)
            self._condition.notify()

    def stop(self) -> None:
        """Take no more frames, send those that wait, then end; :meth:`join` waits for it."""
        with self._condition:
            self._stopping = True
            self._condition.notify()

    def join(self, timeout: float) -> bool:
        """Wait for the end after :meth:`stop`; past ``timeout`` seconds what is not sent yet is lost.

        Returns ``True`` if everything was handed over.
        """
        self._thread.join(timeout)
        handed_over = not self._thread.is_alive()
        self._given_up.set()
        connection = self._connection
        if connection is not None:
            hang_up(connection)
        return handed_over

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._write(batch)
            except OSError as error:
                self._lose(batch, error)
        self._disconnect()

    def _next(self) -> list[Frame]:
        with self._condition:
            while not self._frames and not self._stopping:
                self._condition.wait()
            batch: list[Frame] = []
            size = 0
            while self._frames and len(batch) < BATCH and size < BATCH_BYTES:
                batch.append(self._frames.popleft())
                size += len(batch[-1].payload)
            self._bytes -= size
            return batch

    def _write(self, batch: list[Frame]) -> None:
        data = pickle.dumps(tuple(batch), protocol=pickle.HIGHEST_PROTOCOL)
        if self._connection is not None:
            try:
                self._connection.send_bytes(data)
            except OSError:
                # The peer was restarted, most likely. It cannot have read this batch to its end.
                self._disconnect()
            else:
                return
        self._connect().send_bytes(data)

    def _connect(self) -> Connection:
        if self._given_up.is_set():
            raise ConnectionError("this process is stopping")
        connection = self._connection = dial(self._path, self._authkey)
        self._watch = threading.Thread(
            target=self._wait_for_end, args=(connection,), name=f"watch-{self._name}", daemon=True
        )
        self._watch.start()
        if self._given_up.is_set():  # while we dialled
            hang_up(connection)
        return connection

    def _wait_for_end(self, connection: Connection) -> None:
        """Nobody writes to us on this connection: a read ends when the other process does."""
        with suppress(EOFError, OSError):
            connection.recv_bytes()
        self._on_gone()

    def _lose(self, batch: list[Frame], error: OSError) -> None:
        self._disconnect()
        _log.debug("%s cannot be reached: %s; %d messages lost", self._name, error, len(batch))
        self._on_lost(batch)

    def _disconnect(self) -> None:
        """Whoever waited for something over this connection is told before there is another one."""
        connection, self._connection = self._connection, None
        watch, self._watch = self._watch, None
        if connection is not None:
            hang_up(connection)
            if watch is not None:
                watch.join()
            connection.close()
