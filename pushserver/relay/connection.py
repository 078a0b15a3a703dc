"""One kept connection of an account: sends one mail at a time, and says what became of each recipient."""

from collections.abc import Callable
from dataclasses import dataclass

from actors import Actor, Context, receives
from pushserver.domain.mail import (
    MailContent,
    MailError,
    MailErrorKind,
    MailReceipt,
    MailRefusal,
    SpooledContent,
    SubmitMail,
)
from pushserver.platforms import (
    AnswerLost,
    Envelope,
    Mailer,
    Misconfigured,
    NotSent,
    SmtpRefused,
    Stage,
    Streamed,
)
from pushserver.platforms.scrub import Scrubber
from pushserver.relay.content import FromPolicy, OutgoingStream, envelope_sender, outgoing
from pushserver.store import Receipts

_PERMANENT = 500
_CLOSING = 421


@dataclass(frozen=True, slots=True)
class Appearance:
    """How the mails of an account look: its name and address, and what becomes of a mail's own sender."""

    account: str
    address: str
    policy: FromPolicy


@dataclass(frozen=True, slots=True)
class LineEnded:
    """Connection to account: the mail that you gave me is done with, and I am free."""

    line: str
    receipt: MailReceipt


class Connection(Actor):
    """Submits mails over a connection of its own, which it keeps between them.

    ``receipts`` keeps who has got a mail until that is stored. ``scrubber`` keeps the account's password out
    of what its server is quoted with.
    """

    def __init__(
        self,
        context: Context,
        *,
        mailer: Mailer,
        appearance: Appearance,
        open_spool: Callable[[SpooledContent], Streamed],
        receipts: Receipts,
        scrubber: Scrubber | None = None,
    ) -> None:
        super().__init__(context)
        self._receipts = receipts
        self._scrubber = scrubber or Scrubber()
        self._mailer = mailer
        self._appearance = appearance
        self._open_spool = open_spool

    @receives(SubmitMail)
    def submit(self, submit: SubmitMail) -> LineEnded:
        """Send a mail now; every answer of the server is a receipt, none is an exception."""
        receipt = self._send(submit)
        self._receipts.keep(receipt, self.context.clock.now())
        return LineEnded(self.context.address.name, receipt)

    def _send(self, submit: SubmitMail) -> MailReceipt:
        try:
            receipt = self._mailer.submit(self._envelope(submit), self.context.clock.now())
        except (NotSent, AnswerLost, SmtpRefused, Misconfigured) as error:
            return self._receipt(submit, error=_error(error, self._scrubber.detail(str(error))))
        refused = {
            address: MailRefusal(refusal.code, self._scrubber.detail(refusal.reason))
            for address, refusal in receipt.refused.items()
        }
        return self._receipt(submit, accepted=receipt.accepted, refused=refused)

    def _envelope(self, submit: SubmitMail) -> Envelope:
        given, look = submit.envelope, self._appearance
        sender = envelope_sender(given.sender, look.policy, look.address)
        return Envelope(sender, given.recipients, self._outgoing(given.content))

    def _outgoing(self, content: MailContent) -> bytes | Streamed:
        look = self._appearance
        if isinstance(content, bytes):
            return outgoing(content, look.policy, look.address)
        return OutgoingStream(self._open_spool(content), look.policy, look.address)

    def _receipt(
        self,
        submit: SubmitMail,
        *,
        accepted: tuple[str, ...] = (),
        refused: dict[str, MailRefusal] | None = None,
        error: MailError | None = None,
    ) -> MailReceipt:
        return MailReceipt(self._appearance.account, accepted, refused or {}, error, submit.mail_id)

    def on_stop(self) -> None:
        """Close the connection."""
        self._mailer.close()

    def on_failure(self, *_: object) -> None:
        """Close the connection; the next life opens its own."""
        self._mailer.close()


def _error(error: NotSent | AnswerLost | SmtpRefused | Misconfigured, reason: str) -> MailError:
    match error:
        case AnswerLost():
            return MailError(MailErrorKind.UNCERTAIN, None, reason)
        case SmtpRefused():
            return MailError(_refusal(error.stage, error.code), error.code, reason)
        case Misconfigured():
            return MailError(MailErrorKind.AUTH, None, reason)
        case _:
            return MailError(MailErrorKind.UNREACHABLE, None, reason)


def _refusal(stage: Stage, code: int) -> MailErrorKind:
    if code == _CLOSING or stage is Stage.GREETING:
        return MailErrorKind.BUSY if code < _PERMANENT else MailErrorKind.UNREACHABLE
    if stage is Stage.AUTH:
        return MailErrorKind.AUTH
    if stage is Stage.SENDER:
        return MailErrorKind.SENDER_REFUSED
    return MailErrorKind.DATA_REFUSED_FOR_NOW if code < _PERMANENT else MailErrorKind.DATA_REFUSED
