"""The SMTP server: an asyncio loop on a thread of its own, serving a listening socket of somebody else's."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from weakref import WeakSet

from pushserver.domain.mail import RememberUnconfirmed, new_mail_id
from pushserver.relay.budget import DataBudget
from pushserver.relay.commands import Client
from pushserver.relay.errors import NoGreeting
from pushserver.relay.greeting import greets
from pushserver.relay.guests import Guests
from pushserver.relay.house import Access, House, Tally
from pushserver.relay.intake import Accept, Intake
from pushserver.relay.limits import Limits
from pushserver.store import Spool

BACKLOG: Final = 1024
"""Connections that wait in the kernel while nobody accepts them."""
GREETING_TIMEOUT: Final = 10.0
"""Seconds for a door that has been opened to greet."""

_DISK_THREADS: Final = 4
_BEAT: Final = 1.0
_LAST_GRACE: Final = 1.0
_FEW: Final = 8
"""Turns of the loop, more than asyncio needs between accepting a connection and telling its protocol."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DoorPlan:
    """What a door is built from, again in each life.

    ``hostname`` is what it calls itself. ``access`` is called once a life, so that a renewed certificate is
    read. ``accept`` (:data:`~.intake.Accept`) and ``remember`` are called on the door's loop and must not
    block it. ``now`` is aware, UTC; ``new_id`` takes the same moment in local time.
    """

    hostname: str
    access: Callable[[], Access]
    limits: Limits
    spool: Spool
    accept: Accept
    remember: Callable[[RememberUnconfirmed], None]
    tally: Tally = field(default_factory=Tally)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[datetime], str] = new_mail_id

    def house(self, disk: ThreadPoolExecutor) -> House:
        """For one life."""
        limits = self.limits
        self.tally.guests = guests = Guests(limits.connections, limits.connections_per_address)
        return House(
            hostname=self.hostname,
            access=self.access(),
            limits=limits,
            guests=guests,
            budget=DataBudget(limits.data_bytes),
            intake=Intake(self.accept, self.remember, spool=self.spool, disk=disk, now=self.now),
            spool=self.spool,
            disk=disk,
            tally=self.tally,
            now=self.now,
            new_id=self.new_id,
        )


class SmtpServer:
    """One life of the door; started once.

    The given socket stays the caller's and stays open: between two lives, clients wait in the backlog.
    ``clock`` is monotonic.
    """

    def __init__(
        self, plan: DoorPlan, sock: socket.socket, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sock = sock
        self._clock = clock
        self._disk = ThreadPoolExecutor(_DISK_THREADS, "smtp-disk")
        self._house = plan.house(self._disk)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="smtp-loop", daemon=True)
        self._clients: WeakSet[Client] = WeakSet()
        self._stopping = asyncio.Event()
        self._drain = 0.0
        self._beat_at = clock()

    @property
    def alive(self) -> bool:
        """Whether the loop runs: false before the start, after the stop, and should it ever crash."""
        return self._thread.is_alive()

    @property
    def silent_for(self) -> float:
        """Seconds since the loop last had a turn; about one while all is well."""
        return self._clock() - self._beat_at

    def start(self) -> None:
        """Begin to accept, those first who wait in the backlog; return once a client has been greeted.

        Raises:
            NoGreeting: that was not the case within :data:`GREETING_TIMEOUT`.
        """
        self._thread.start()
        if not greets(self._sock, GREETING_TIMEOUT):
            self.stop(0.0)
            raise NoGreeting("SMTP中继已打开端口，但没有应答问候；原因见此前的日志")

    def stop(self, drain: float = 10.0) -> bool:
        """Accept no more, send the idle away, finish what is under way; cut off the rest after ``drain`` s.

        Returns true when the loop has ended.
        """
        self._drain = drain
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self.alive:
            self._thread.join(drain + _LAST_GRACE)
        self._disk.shutdown(wait=False)
        return not self.alive

    # The loop -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._loop.set_exception_handler(_report)
            self._loop.run_until_complete(self._serve())
        except Exception:  # noqa: BLE001 - whatever it is, `alive` says so and the supervisor acts
            _log.exception("SMTP中继循环异常终止", extra={"action": "smtp_loop_crashed"})
        finally:
            self._end()

    async def _serve(self) -> None:
        listener = await self._loop.create_server(self._client, sock=self._sock.dup(), backlog=BACKLOG)
        beat = self._loop.create_task(self._beat())
        try:
            await self._stopping.wait()
            await self._accept_no_more(listener)
        finally:
            listener.close()
            beat.cancel()
        await self._drained()

    async def _accept_no_more(self, listener: asyncio.Server) -> None:
        """Closed at once, asyncio's server would forget a connection that it has accepted in this turn."""
        for sock in listener.sockets:
            self._loop.remove_reader(sock.fileno())
        await _few_turns()

    def _client(self) -> Client:
        client = Client(self._house, self._loop)
        self._clients.add(client)
        return client

    async def _beat(self) -> None:
        while True:
            self._beat_at = self._clock()
            await asyncio.sleep(_BEAT)

    async def _drained(self) -> None:
        """Until the last client has gone, or has to."""
        until = self._loop.time() + self._drain
        for guest in self._house.guests:
            guest.wind_up()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._house.guests.gone.wait(), self._drain)
        for guest in self._house.guests:
            guest.abort()
        await self._house.intake.settle(max(until - self._loop.time(), 0.0))

    def _end(self) -> None:
        """Nothing of this loop is left, not even after a crash."""
        try:
            self._loop.run_until_complete(self._ended())
        finally:
            self._loop.close()

    async def _ended(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in tuple(self._clients):
            client.abort()  # guests, and those who were still being told that they cannot be
        await _few_turns()  # transports close in their next one


async def _few_turns() -> None:
    """Let the loop do what it has begun."""
    for _ in range(_FEW):
        await asyncio.sleep(0)


def _report(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What asyncio could not tell anybody: no file descriptor left for a new connection, for instance."""
    error = context.get("exception")
    _log.error(
        "SMTP中继循环: %s",
        context.get("message", ""),
        extra={"action": "smtp_loop_error", "error": f"{type(error).__name__}: {error}" if error else ""},
    )
