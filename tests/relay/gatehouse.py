"""The door as an actor, with a real mail store behind it, in a process of its own: the test's."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, event

from actors import ActorSystem, Address, ChildSpec, Clock, Context, SystemClock
from pushserver.domain.mail import FetchDueMails, QueuedMail
from pushserver.relay import SmtpDoor, SmtpServer, StoreDesk, Tally
from pushserver.store import MailEstate, MailStore, Receipts, Retention, Spool, open_writer
from pushserver.store.migrations import migrate
from tests.relay.doors import Client, Vault, plan

PATIENCE = 20.0
RETENTION = Retention(86_400.0, 300.0)


class Gatehouse:
    """A store and a door in one system; ``servers`` are the lives of the door so far."""

    def __init__(self, directory: Path, listening: socket.socket, clock: Clock, **options: float) -> None:
        self.url = f"sqlite:///{directory / 'store.db'}"
        migrate(self.url)
        self.clock = clock
        self.port: int = listening.getsockname()[1]
        self.servers: list[SmtpServer] = []
        self.tally = Tally()
        self.commits = 0
        self.spool = Spool(directory / "spool")
        self._estate = MailEstate()
        self._receipts = Receipts(directory, "relay-0")
        self._listening = listening
        self._options = options
        self._directory = directory
        children = {
            "mails": ChildSpec(kind="mails", start=self._store, batch=100),
            "smtp": ChildSpec(kind="smtp", start=self._door),
        }
        root = ChildSpec(kind="root", children=children, starts=("mails", "smtp"))
        self.system = ActorSystem("relay-0", root, clock=clock)

    def _store(self, context: Context) -> MailStore:
        return MailStore(
            context,
            engine=self._engine,
            spool=self.spool,
            retention=RETENTION,
            estate=self._estate,
            receipts=self._receipts,
        )

    def _engine(self) -> Engine:
        engine = open_writer(self.url, durability="power")
        event.listen(engine, "commit", self._count)
        return engine

    def _count(self, _: object) -> None:
        self.commits += 1

    def _door(self, context: Context) -> SmtpDoor:
        return SmtpDoor(context, server=self._server, drain=5.0)

    def _server(self) -> SmtpServer:
        desk = StoreDesk(self.system.ref("mails"), self.clock.monotonic)
        basis = plan(Vault(), self._directory / "spool", self.tally, None, **self._options)
        server = SmtpServer(
            replace(basis, accept=desk.accept, remember=desk.tell),
            self._listening,
            clock=self.clock.monotonic,
        )
        self.servers.append(server)
        return server

    def restart_door(self) -> None:
        restarted = threading.Event()
        self.system.begin_restart(Address("relay-0", ("smtp",)), lambda _: restarted.set())
        assert restarted.wait(PATIENCE)

    def logged_in(self) -> Client:
        client = Client(self.port)
        assert client.reply().startswith("220 ")
        client.say("EHLO client.example")
        assert client.say("AUTH PLAIN AHJlbGF5X3VzZXIAcmVsYXlfcGFzcw==").startswith("235 ")
        return client

    def queued(self) -> tuple[QueuedMail, ...]:
        due = FetchDueMails(self.clock.now(), 10_000)
        mails: tuple[QueuedMail, ...] = self.system.ref("mails").ask(due, PATIENCE)
        return mails

    def until_restarted(self, lives: int) -> None:
        """Until the door is in at least its ``lives``-th life, and open."""
        eventually(lambda: len(self.servers) >= lives and self.servers[-1].alive)


def eventually(happened: Callable[[], bool]) -> None:
    pause = threading.Event()
    give_up = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < give_up
        pause.wait(0.005)


@contextmanager
def gatehouse(directory: Path, clock: Clock | None = None, **options: float) -> Iterator[Gatehouse]:
    """One that is open inside; ``options`` are those of the door's :class:`Limits`."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        house = Gatehouse(directory, listening, clock or SystemClock(), **options)
        try:
            house.system.start()
            yield house
        finally:
            assert house.system.stop(10.0)
