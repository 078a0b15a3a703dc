"""An SMTP server that keeps what it gets, and behaves as badly as it is told to."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from pushserver.sandbox.journal import KEEP, Bell, Journal
from pushserver.sandbox.mail import Mail
from pushserver.sandbox.mail_script import MailScript, Stage
from pushserver.sandbox.robot import Clock
from pushserver.sandbox.smtp import BUSY, MailSettings, SmtpHandler, SmtpSession


class MailSink:
    """Mailboxes for everybody, on a port of its own.

    Made by :meth:`pushserver.sandbox.Sandbox.smtp`; every method may be called from any thread.

    Attributes:
        name: what the admin API calls it.
        host: where it listens.
        port: where it listens.
        settings: how it is set up.
        journal: every mail that came as far as the final dot.
    """

    def __init__(
        self,
        name: str,
        sock: socket.socket,
        settings: MailSettings,
        *,
        bell: Bell,
        clock: Clock,
        keep: int = KEEP,
    ) -> None:
        self.name = name
        self.host, self.port = sock.getsockname()[:2]
        self.settings = settings
        self.journal: Journal[Mail] = Journal(bell, keep)
        self._sock = sock
        self._clock = clock
        self._script = MailScript()
        self._server: asyncio.Server | None = None
        self._sessions: WeakSet[SmtpSession] = WeakSet()

    def __repr__(self) -> str:
        return f"<MailSink {self.name}: {self.journal.count} arrived, {self.journal.accepted_count} accepted>"

    # what reached it

    @property
    def arrivals(self) -> list[Mail]:
        """All mails that are kept, refused ones too, oldest first."""
        return self.journal.entries

    @property
    def mails(self) -> list[Mail]:
        """The accepted mails that are kept, oldest first."""
        return self.journal.accepted

    @property
    def count(self) -> int:
        """How many were accepted, forgotten ones too."""
        return self.journal.accepted_count

    def wait(self, count: int = 1, timeout: float = 5.0) -> list[Mail]:
        """Wait until ``count`` mails were accepted and return them.

        Raises:
            NothingArrivedError: fewer were accepted within ``timeout`` seconds.
        """
        return self.journal.wait(count, timeout)

    def wait_for(self, predicate: Callable[[Journal[Mail]], bool], timeout: float = 5.0) -> None:
        """Wait until ``predicate(journal)`` holds; it is asked again after every arrival.

        Raises:
            NothingArrivedError: it did not hold within ``timeout`` seconds.
        """
        self.journal.wait_for(predicate, timeout)

    def clear(self) -> None:
        """Forget what arrived."""
        self.journal.clear()

    # faults on demand

    @property
    def faults(self) -> tuple[str, ...]:
        """The names of the stages at which something is scripted."""
        return self._script.active

    def reply(
        self, stage: Stage | str, reply: str, *, mailbox: str | None = None, times: int | None = 1
    ) -> None:
        """Reply the next ``times`` (``None``: always) at a stage with one line: ``450 4.2.0 greylisted``.

        With ``mailbox`` only a ``RCPT`` for it, or a ``DATA`` of a mail to it, is meant. After a 421 the
        connection is closed.
        """
        self._script.reply(Stage(stage), reply, mailbox, times)

    def refuse(self, mailbox: str, reply: str = "550 5.1.1 No such user", times: int | None = None) -> None:
        """Refuse a mailbox at ``RCPT``, until told otherwise."""
        self.reply(Stage.RCPT, reply, mailbox=mailbox, times=times)

    def busy(self, times: int | None = 1) -> None:
        """Greet the next ``times`` with 421 and close."""
        self.reply(Stage.GREETING, BUSY, times=times)

    def drop(self, stage: Stage | str = Stage.DATA, times: int | None = 1) -> None:
        """Close the connection instead of replying.

        At ``DATA`` that is after the final dot: the mail has arrived, and nobody knows.
        """
        self._script.drop(Stage(stage), times)

    def delay(self, seconds: float) -> None:
        """Reply so many seconds late after the final dot; 0 ends it."""
        self._script.delay(seconds)

    def hang(self, stage: Stage | str = Stage.DATA) -> None:
        """Say nothing at a stage until :meth:`release`."""
        self._script.hang(Stage(stage))

    def release(self) -> None:
        """Let every session go on."""
        self._script.release()

    def recover(self) -> None:
        """End every fault; who was held back goes on."""
        self._script.clear()

    # serving

    async def start(self) -> None:
        """Accept connections, on the loop that runs this."""
        loop = asyncio.get_running_loop()
        handler = SmtpHandler(self.settings, self._script, self._deliver)

        def build() -> SmtpSession:
            session = SmtpSession(handler, self.settings, loop)
            self._sessions.add(session)
            return session

        self._server = await loop.create_server(build, sock=self._sock, ssl=self.settings.tls)

    async def stop(self) -> None:
        """Close the socket and every session, whatever it waits for."""
        if self._server is not None:
            self._server.close()
        for session in tuple(self._sessions):
            session.abort()
        await asyncio.sleep(0)

    def _deliver(self, fields: dict[str, Any]) -> Mail:
        return self.journal.record(
            lambda number: Mail(number=number, at=self._clock(), sink=self.name, **fields)
        )
