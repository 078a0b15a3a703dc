"""What must be done once, before any actor of a service starts: the lock, the schema, the doors' sockets."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from pushserver.api import open_socket
from pushserver.config import Settings
from pushserver.domain import PushServerError
from pushserver.domain.messages import CountResumptions
from pushserver.store import InFlight, apply, database_file, open_writer
from pushserver.store.migrations import migrate


class AlreadyRunning(PushServerError):  # noqa: N818 - a state, not a mistake
    """Another service works on the same store."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """What the doors listen on; without ``smtp``, mails are not taken."""

    http: socket.socket
    smtp: socket.socket | None = None

    @property
    def smtp_port(self) -> int | None:
        """The port of the SMTP door."""
        return None if self.smtp is None else int(self.smtp.getsockname()[1])


@contextmanager
def groundwork(settings: Settings) -> Iterator[Sockets]:
    """Lay it, and hold it: the listening sockets of the doors.

    Raises:
        PushServerError: a port is taken, another service runs, or the store cannot be used.
    """
    relay = settings.smtp_relay
    with (
        open_socket(settings.server.host, settings.server.port) as http,
        open_socket(relay.host, relay.port, section="smtp_relay") if relay.enabled else nullcontext() as smtp,
        _lock(data_directory(settings)),
    ):
        migrate(settings.storage.url)
        _count_leftovers(settings)
        yield Sockets(http, smtp)


def data_directory(settings: Settings) -> Path:
    """Where the store and what belongs to it lie."""
    return database_file(settings.storage.url).parent


@contextmanager
def _lock(directory: Path) -> Iterator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / "pushserver.lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise AlreadyRunning(
            f"another service works on the store in {directory}; stop it, or name another place "
            "in storage.url"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _count_leftovers(settings: Settings) -> None:
    """What processes had in their hands when the last service died, whatever they were called."""
    recovered = InFlight.recover(data_directory(settings))
    if recovered.in_hand:
        engine = open_writer(settings.storage.url, durability=settings.storage.durability)
        with engine.connect() as connection:
            apply(connection, [CountResumptions(recovered.in_hand)], buffer_size=settings.queue.buffer_size)
        engine.dispose()
    recovered.forget()
