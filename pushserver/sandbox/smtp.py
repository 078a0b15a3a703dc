"""An SMTP session of the sink: aiosmtpd's server with our script at its stages."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any, AnyStr

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pushserver.sandbox.gate import Gate
from pushserver.sandbox.mail import Mail
from pushserver.sandbox.mail_script import MailScript, Stage, Step

HOSTNAME = "sandbox.localhost"
BUSY = "421 4.3.2 Service not available, closing transmission channel"

_ACCEPTED = "250 2.0.0 OK: queued"
_CLOSES = "421"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How a sink is set up.

    Attributes:
        credentials: names and passwords that may log in; none: AUTH is not offered.
        auth_required: whether a mail is refused (530) before a login.
        starttls: offers STARTTLS with this server context.
        starttls_required: whether everything is refused (530) before it.
        tls: speaks TLS from the first byte (as on port 465) with this server context.
        size_limit: bytes of a mail, announced as SIZE.
    """

    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth_required: bool = False
    starttls: ssl.SSLContext | None = None
    starttls_required: bool = False
    tls: ssl.SSLContext | None = None
    size_limit: int = 32 * 1024 * 1024


class SandboxEnvelope(Envelope):
    """An envelope that remembers who was refused."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[tuple[str, str]] = []


class SmtpSession(SMTP):
    """One client. The script decides about the greeting; after any 421 the connection is closed."""

    def __init__(
        self, handler: "SmtpHandler", settings: MailSettings, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(
            handler,
            loop=loop,
            hostname=HOSTNAME,
            ident="PushServer sandbox",
            enable_SMTPUTF8=True,
            data_size_limit=settings.size_limit,
            tls_context=settings.starttls,
            require_starttls=settings.starttls_required,
            auth_require_tls=False,
            auth_exclude_mechanism=() if settings.credentials else ("LOGIN", "PLAIN"),
            authenticator=handler.authenticate,
        )
        self._script = handler.script
        self._greeted = False

    def _create_envelope(self) -> SandboxEnvelope:
        return SandboxEnvelope()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there; replies to what it says in one go must not wait for each other."""
        sock = transport.get_extra_info("socket")
        with suppress(OSError):  # the client has gone already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)

    def abort(self) -> None:
        """Close at once: a TLS session's farewell would wait for a client that may be silent."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def push(self, status: AnyStr) -> None:
        """Send a reply line."""
        line = _text(status)
        if not self._greeted:
            self._greeted = True
            line = await self._greeting(line)
        await super().push(line)
        if line.startswith(_CLOSES) and self.transport is not None:
            self.transport.close()

    async def _greeting(self, usual: str) -> str:
        try:
            return await perform(self, self._script.take(Stage.GREETING), usual)
        except asyncio.CancelledError:
            # aiosmtpd closes the connection of a client that leaves, but not yet at this stage.
            if self.transport is not None:
                self.transport.close()
            raise


async def perform(session: SMTP, step: Step, usual: str) -> str:
    """Wait, drop or go on as ``step`` says; what to reply."""
    if step.gate is not None:
        await _opened(step.gate)
    if step.delay:
        await asyncio.sleep(step.delay)
    if step.drop:
        await _dropped(session)
    return step.reply or usual


async def _opened(gate: Gate) -> None:
    loop = asyncio.get_running_loop()
    opened = loop.create_future()
    gate.when_open(lambda: loop.call_soon_threadsafe(_resolve, opened))
    await opened


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


async def _dropped(session: SMTP) -> None:
    """Close the connection and never go on: losing the connection cancels the session's task."""
    if isinstance(session.transport, asyncio.Transport):
        session.transport.abort()
    await asyncio.get_running_loop().create_future()


class SmtpHandler:
    """aiosmtpd's hooks: asks the script at each stage and hands finished mails to ``deliver``."""

    def __init__(
        self, settings: MailSettings, script: MailScript, deliver: Callable[[dict[str, Any]], Mail]
    ) -> None:
        self.script = script
        self._settings = settings
        self._deliver = deliver

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Check a login; a scripted reply wins."""
        step = self.script.take(Stage.AUTH)
        if step.reply is not None:
            return AuthResult(success=False, handled=False, message=step.reply)
        known = isinstance(data, LoginPassword) and self._knows(data)
        return AuthResult(success=known, handled=False, auth_data=data)

    def _knows(self, data: LoginPassword) -> bool:
        password = self._settings.credentials.get(data.login.decode("utf-8", "replace"))
        return password is not None and compare_digest(password.encode(), data.password)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        """Offer AUTH only where a login could succeed, and what aiosmtpd can and does not say."""
        session.host_name = hostname
        offers_auth = bool(self._settings.credentials)
        offered = [line for line in lines if offers_auth or not line.startswith("250-AUTH")]
        return [*offered[:-1], "250-PIPELINING", *offered[-1:]]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender, unless a login is missing or the script refuses it."""
        if self._settings.auth_required and not session.authenticated:
            return "530 5.7.0 Authentication required"
        reply = await perform(server, self.script.take(Stage.MAIL), "250 2.1.0 OK")
        if reply.startswith("2"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: SandboxEnvelope, address: str, options: list[str]
    ) -> str:
        """Take a mailbox, unless the script refuses it."""
        reply = await perform(server, self.script.take(Stage.RCPT, (address,)), "250 2.1.5 OK")
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        else:
            envelope.refused.append((address, reply))
        return reply

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: SandboxEnvelope
    ) -> str:
        """Put the mail down first, then reply, or not."""
        step = self.script.take(Stage.DATA, tuple(envelope.rcpt_tos))
        reply = step.reply or _ACCEPTED
        self._deliver(
            {
                "sender": (envelope.mail_from or "").removeprefix("<>"),
                "mailboxes": tuple(envelope.rcpt_tos),
                "refused": tuple(envelope.refused),
                "raw": envelope.original_content or b"",
                "accepted": reply.startswith("2"),
                "reply": reply,
                "peer": _peer(session),
                "login": _login(session),
                "tls": _encrypted(server),
                "answered": not step.drop,
            }
        )
        return await perform(server, step, reply)


def _text(line: str | bytes) -> str:
    return line if isinstance(line, str) else line.decode("utf-8", "replace")


def _peer(session: Session) -> str:
    peer: Any = session.peer  # declared as a string, in truth the socket's (host, port)
    return str(peer[0]) if peer else ""


def _login(session: Session) -> str | None:
    data: Any = session.auth_data  # declared as None, in truth whatever the authenticator gave
    return data.login.decode("utf-8", "replace") if isinstance(data, LoginPassword) else None


def _encrypted(server: SMTP) -> bool:
    return server.transport is not None and server.transport.get_extra_info("ssl_object") is not None
