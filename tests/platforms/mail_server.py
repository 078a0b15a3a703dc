"""A real SMTP server on a port of its own, whose replies the test scripts."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "bot@corp.example", "p4ss-word"


@dataclass
class Inbox:
    """What arrived, and what the server says instead of 250. A scripted ``""`` hangs up without a word."""

    sender_reply: str = "250 OK"
    recipient_replies: dict[str, str] = field(default_factory=dict)
    content_reply: str = "250 OK"
    senders: list[str] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's hook
        if self.sender_reply.startswith("250"):
            envelope.mail_from = address
            self.senders.append(address)
        return self.sender_reply

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's hook
        reply = self.recipient_replies.get(address, "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's hook
        self.recipients.append(envelope.rcpt_tos)
        self.contents.append(envelope.content)
        if not self.content_reply:
            transport = server.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
        return self.content_reply or "250 OK"

    def mail(self) -> EmailMessage:
        """The one mail that arrived, parsed."""
        (content,) = self.contents
        mail = message_from_bytes(content, policy=SMTP_POLICY)
        assert isinstance(mail, EmailMessage)
        return mail


class MailServer(Controller):
    """aiosmtpd's controller, on any free port; counts connections."""

    def __init__(self, inbox: Inbox, **options: Any) -> None:
        self.connections = 0
        self._options = options
        implicit = options.pop("implicit_tls", None)
        super().__init__(inbox, hostname="127.0.0.1", port=0, ssl_context=implicit)

    def factory(self) -> SMTP:
        self.connections += 1
        return SMTP(self.handler, hostname="mx.example", **self._options)

    def _trigger_server(self) -> None:
        # The base class connects once to see whether it is up: not a connection of the test's.
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call] # aiosmtpd left this one untyped
        self.connections = 0


def check_password(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@contextmanager
def receiving(inbox: Inbox, **options: Any) -> Iterator[MailServer]:
    server = MailServer(inbox, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def starttls(context: ssl.SSLContext, **options: Any) -> dict[str, Any]:
    """Options of a server that demands STARTTLS and then a login."""
    return {
        "tls_context": context,
        "require_starttls": True,
        "authenticator": check_password,
        "auth_required": True,
        **options,
    }
