"""The commands of SMTP, as a relay for one user takes them (RFC 5321 section 4.1, RFC 6409).

Method names and the session are aiosmtpd's. Offered is what is really done: no SMTPUTF8, since the servers
further on may not know it, no CHUNKING, no DSN.
"""

import asyncio
import logging
from typing import Final

from aiosmtpd.smtp import Envelope

from pushserver.domain import QueueFull
from pushserver.relay import replies
from pushserver.relay.authentication import Authentication
from pushserver.relay.conversation import Conversation
from pushserver.relay.house import House
from pushserver.relay.inbound import LineEndless, LineTooLong
from pushserver.relay.limits import LONGEST_COMMAND, LONGEST_RESPONSE
from pushserver.relay.taking import Origin, Taken, take
from pushserver.relay.transaction import Transaction

_BEFORE_TLS: Final = frozenset({"EHLO", "HELO", "HELP", "NOOP", "QUIT", "RSET", "STARTTLS"})
VERBS: Final = _BEFORE_TLS | {"AUTH", "DATA", "EXPN", "MAIL", "RCPT", "VRFY"}
_WAITS_FOR_REPLY: Final = frozenset({"AUTH", "DATA", "EHLO", "HELO", "STARTTLS"})
"""What comes behind them in one go was written by somebody who does not listen (RFC 2920 section 3.1)."""
_NOT_SMTP: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "HOST:", "OPTIONS", "POST", "PUT"})
"""A browser that was made to speak to this port: what follows may be a mail in the body of a form."""

_log = logging.getLogger(__name__)


class Client(Conversation):
    """A client's session."""

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(house, loop)
        self._authentication = Authentication(house.access.credentials, house.limits)

    async def obey(self, line: bytes) -> None:
        """See :meth:`~.conversation.Conversation.obey`."""
        verb, _, argument = line.decode("latin-1").partition(" ")
        verb = verb.upper()
        refusal = self._objection(verb, len(line))
        if refusal is None:
            await getattr(self, f"smtp_{verb}")(argument.strip())
        else:
            await self.push(refusal)

    def _objection(self, verb: str, length: int) -> str | None:
        if verb in _NOT_SMTP:
            return replies.NOT_SMTP
        if verb not in VERBS:
            return replies.UNKNOWN
        if length > LONGEST_COMMAND and verb != "AUTH":
            return replies.LINE_TOO_LONG
        if self.house.access.tls_required and not self.encrypted and verb not in _BEFORE_TLS:
            return replies.TLS_NEEDED
        hasty = self.inbound.pending and verb in _WAITS_FOR_REPLY
        return replies.SENT_TOO_EARLY if hasty and not self.authenticated else None

    def _create_envelope(self) -> Envelope:
        return Transaction()

    def _forget_transaction(self) -> None:
        self.envelope = self._create_envelope()

    def _transaction(self) -> Transaction:
        # No property: aiosmtpd looks at all of them before there is an envelope.
        assert isinstance(self.envelope, Transaction)  # noqa: S101 - made above
        return self.envelope

    # Greeting -----------------------------------------------------------------------------------------

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Say who we are and what we can."""
        await self._greet("EHLO", hostname, extended=True)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Say who we are."""
        await self._greet("HELO", hostname, extended=False)

    async def _greet(self, verb: str, hostname: str, *, extended: bool) -> None:
        if not hostname:
            await self.push(replies.syntax(f"{verb} hostname"))
            return
        assert self.session is not None  # noqa: S101 - made when the connection was
        self.session.host_name = hostname
        self.session.extended_smtp = extended
        self._forget_transaction()
        lines = [self.hostname, *(self._extensions() if extended else ())]
        *others, last = lines
        await self.push("".join(f"250-{line}\r\n" for line in others) + f"250 {last}")

    def _extensions(self) -> list[str]:
        access = self.house.access
        offers = [f"SIZE {self.house.limits.message_bytes}", "8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES"]
        if access.tls is not None and not self.encrypted:
            offers.append("STARTTLS")
        if self.encrypted or not access.tls_required:
            offers.append("AUTH PLAIN LOGIN")
        return offers

    async def smtp_STARTTLS(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Go on under TLS, and know nothing of what was said before (RFC 3207 section 4.2)."""
        if argument:
            await self.push(replies.syntax("STARTTLS"))
        elif self.house.access.tls is None:
            await self.push(replies.NO_TLS)
        elif self.encrypted:
            await self.push(replies.TLS_RUNNING)
        elif self.inbound.pending:
            await self.push(replies.SENT_TOO_EARLY)
        else:
            await super().smtp_STARTTLS("")
            self.inbound.forget()

    async def smtp_RSET(self, _: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Forget the transaction."""
        self._forget_transaction()
        await self.push(replies.OK, can_wait=True)

    async def smtp_NOOP(self, _: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Be there."""
        await self.push(replies.OK)

    async def smtp_HELP(self, _: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Name the commands."""
        await self.push("214 2.0.0 Commands: " + " ".join(sorted(VERBS)))

    async def smtp_VRFY(self, _: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Tell nobody who exists (RFC 5321 section 7.3)."""
        await self.push(replies.VERIFY)

    async def smtp_EXPN(self, _: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Tell nobody who is on a list."""
        await self.push(replies.NOT_HERE)

    async def smtp_QUIT(self, _: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Say goodbye."""
        await self.push(replies.BYE)

    # Login --------------------------------------------------------------------------------------------

    async def smtp_AUTH(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Let the client log in."""
        reply = self._no_login_now() or await self._log_in(argument)
        if reply == replies.AUTH_DONE:
            assert self.session is not None  # noqa: S101 - made when the connection was
            self.session.authenticated = True
        elif reply == replies.AUTH_FAILED:
            self._note_failure()
        await self.push(reply)

    def _no_login_now(self) -> str | None:
        assert self.session is not None  # noqa: S101 - made when the connection was
        if not self.session.extended_smtp:
            return replies.GREET_FIRST
        if self.authenticated:
            return replies.AUTHENTICATED
        return replies.AUTH_NOT_NOW if self._transaction().mail_from is not None else None

    async def _log_in(self, argument: str) -> str:
        try:
            return await self._authentication.attempt(argument, self._ask)
        except LineEndless:
            raise
        except LineTooLong:
            return replies.AUTH_LINE_TOO_LONG

    async def _ask(self, challenge: bytes) -> bytes:
        await self.push(b"334 " + challenge)
        return await self.inbound.line(LONGEST_RESPONSE, self.house.limits.idle)

    def _note_failure(self) -> None:
        self.house.tally.auth_failures += 1
        _log.warning("SMTP认证失败", extra={"action": "smtp_auth_failed", "client": self.address})

    # Transaction --------------------------------------------------------------------------------------

    async def smtp_MAIL(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Begin a mail."""
        limits, has_room = self.house.limits, self.house.has_room
        reply = self._stranger() or self._transaction().begin(argument, limits, has_room)
        await self.push(reply, can_wait=True)

    async def smtp_RCPT(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Add a recipient."""
        reply = self._stranger() or self._transaction().add(argument, self.house.limits)
        await self.push(reply, can_wait=True)

    async def smtp_DATA(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Take the message; afterwards the transaction is over, whatever has become of it."""
        refusal = self._no_content_now(argument)
        if refusal is not None:
            await self.push(refusal)
            return
        await self.push(replies.END_OF_DATA)
        origin = self._origin()
        self._forget_transaction()
        with self.house.budget.share() as share:
            self.in_content = True
            taken = await take(self.house, self.inbound, share, origin)
            self.in_content = False
            if isinstance(taken, str):
                self.house.tally.refused += 1
                await self.push(taken)
            else:
                await self._hand_over(taken)

    def _stranger(self) -> str | None:
        assert self.session is not None  # noqa: S101 - made when the connection was
        if not self.session.host_name:
            return replies.GREET_FIRST
        return None if self.authenticated else replies.AUTH_NEEDED

    def _no_content_now(self, argument: str) -> str | None:
        if (stranger := self._stranger()) is not None:
            return stranger
        if argument:
            return replies.syntax("DATA")
        if self._transaction().mail_from is None:
            return replies.NO_MAIL
        if not self._transaction().rcpt_tos:
            return replies.NO_RECIPIENTS
        return None if self.house.has_budget() else replies.NO_ROOM  # MAIL has looked at the disk

    def _origin(self) -> Origin:
        assert self.session is not None  # noqa: S101 - made when the connection was
        transaction = self._transaction()
        return Origin(
            greeting=self.session.host_name or "",
            address=self.address,
            encrypted=self.encrypted,
            sender=transaction.mail_from or "",
            recipients=tuple(transaction.rcpt_tos),
        )

    async def _hand_over(self, taken: Taken) -> None:
        """Store, then say so. Should the client not hear it, it will send the mail again."""
        stored = await self._stored(taken)
        if stored is None:
            return
        heard = not self.inbound.at_end
        try:
            await self.push(replies.accepted(stored))
        except BaseException:
            heard = False
            raise
        finally:
            if not heard:
                self.house.intake.unconfirmed(stored, taken.digest)

    async def _stored(self, taken: Taken) -> str | None:
        """The id that the mail is stored by; ``None``, and the client has been told, when it is not."""
        house, mail = self.house, taken.mail
        try:
            earlier = await house.intake.hand_over(mail, taken.digest, house.limits.accept)
        except QueueFull:
            await self.push(replies.NO_ROOM)
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, the client keeps the mail
            reason = f"{type(error).__name__}: {error}"
            _log.error("邮件无法保存", extra={"action": "mail_not_stored", "error": reason})
            await self.push(replies.OUR_FAULT)
            return None
        house.tally.count_stored(again=earlier is not None)
        _log.info(
            "邮件已接收",
            extra={"action": "mail_accepted", "mail": mail.id, "size": mail.size, "client": self.address},
        )
        return mail.id if earlier is None else earlier.mail_id
