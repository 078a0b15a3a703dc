"""E-mail: one mail to all mailboxes of a target, and a verdict that remembers who did not get it.

The mailboxes are readers, not spares: they are one target. A server may accept some of them, refuse some for
good and some for now; the mail then counts as delivered, and whoever was refused for now is asked again alone
(:attr:`Delivery.only`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from email.headerregistry import Address
from email.utils import parseaddr

from pushserver.domain import (
    Delivered,
    Delivery,
    EndpointBroken,
    MessageRefused,
    RefusedMailbox,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.platforms.errors import AnswerLost, Misconfigured, PlatformError, SmtpRefused, Stage
from pushserver.platforms.letter import Letterhead, compose
from pushserver.platforms.scrub import Scrubber
from pushserver.platforms.smtp import Envelope, Mailer, Receipt, Refusal
from pushserver.platforms.text import clean_line

MAX_RECIPIENTS = 50
"""Recipients a transaction; servers must take 100 (RFC 5321 section 4.5.3.1.8), not all do."""

# RFC 5321 section 4.1.2, without quoted local parts: every parser reads those differently.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Za-z.:]+\]")
_ACCOUNT_CODES = frozenset({530, 534, 535})  # TLS or login demanded, or refused: RFC 4954 section 6
_TOO_LARGE = 552
_LATER = 451


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A reader: address and, where known, name."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is known of every mailbox that was addressed, by its address as configured."""

    accepted: tuple[str, ...]
    refused: Mapping[str, Refusal]


class Email:
    """A :class:`~pushserver.platforms.platform.Platform`: a set of mailboxes behind one mailer.

    ``sender`` is an address, with or without a display name. Raises :class:`Misconfigured` when it is none.
    """

    def __init__(
        self, name: str, sender: str, mailboxes: Iterable[Mailbox], mailer: Mailer, scrubber: Scrubber
    ) -> None:
        self._mailer = mailer
        self._scrubber = scrubber
        readers = {box.email: _address(box.email, box.name) for box in mailboxes}
        self._readers = {email: address for email, address in readers.items() if address is not None}
        self._unreachable = tuple(email for email, address in readers.items() if address is None)
        self._head = Letterhead(_sender(sender), tuple(self._readers.values()), name)

    def deliver(self, delivery: Delivery) -> Verdict:
        """See :meth:`~pushserver.platforms.platform.Platform.deliver`."""
        wanted = tuple(email for email in self._readers if not delivery.only or email in delivery.only)
        lost = self._lost(delivery.only)
        if not wanted:
            return _nobody(delivery.only, lost)
        try:
            outcome = self._submit(compose(delivery, self._head), wanted, delivery)
        except PlatformError as error:
            return self._scrubbed(judge_error(error))
        return self._scrubbed(judge_receipt(outcome.accepted, outcome.refused, lost))

    def close(self) -> None:
        """See :meth:`~pushserver.platforms.platform.Platform.close`."""
        self._mailer.close()

    def _lost(self, only: tuple[str, ...]) -> tuple[RefusedMailbox, ...]:
        """Mailboxes that no attempt will reach: unusable addresses, and owed ones no longer configured."""
        unusable = tuple(email for email in self._unreachable if not only or email in only)
        gone = tuple(email for email in only if email not in self._readers and email not in unusable)
        return (
            *(RefusedMailbox(email, None, "邮箱地址无效或含有非ASCII字符") for email in unusable),
            *(RefusedMailbox(email, None, "邮箱已不在配置中") for email in gone),
        )

    def _submit(self, content: bytes, wanted: tuple[str, ...], delivery: Delivery) -> _Outcome:
        """In batches. Once a batch was accepted, the failure of a later one is its recipients' alone."""
        accepted: list[str] = []
        refused: dict[str, Refusal] = {}
        for start in range(0, len(wanted), MAX_RECIPIENTS):
            batch = {
                self._readers[email].addr_spec: email for email in wanted[start : start + MAX_RECIPIENTS]
            }
            envelope = Envelope(self._head.sender.addr_spec, tuple(batch), content)
            try:
                receipt = self._mailer.submit(envelope, delivery.at)
            except PlatformError as error:
                if not accepted:
                    raise
                receipt = Receipt((), dict.fromkeys(batch, _refusal(error)))
            accepted += [batch[address] for address in receipt.accepted]
            refused |= {batch[address]: refusal for address, refusal in receipt.refused.items()}
        return _Outcome(tuple(accepted), refused)

    def _scrubbed(self, verdict: Verdict) -> Verdict:
        detail = self._scrubber.detail(verdict.detail)
        if not isinstance(verdict, Delivered):
            return replace(verdict, detail=detail)
        refused = tuple(replace(box, reason=self._scrubber.detail(box.reason)) for box in verdict.refused)
        return replace(verdict, detail=detail, refused=refused)


def judge_receipt(
    accepted: tuple[str, ...], refused: Mapping[str, Refusal], lost: tuple[RefusedMailbox, ...] = ()
) -> Verdict:
    """Somebody accepted: delivered, and the rest remembered. Nobody: by what the server said to all."""
    if accepted:
        for_good = (
            RefusedMailbox(email, no.code, no.reason) for email, no in refused.items() if not no.passing
        )
        for_now = tuple(email for email, no in refused.items() if no.passing)
        return Delivered(refused=(*lost, *for_good), deferred=for_now)
    for no in refused.values():
        if no.passing:
            return Transient(code=no.code, detail=no.reason)
    first = next(iter(refused.values()))
    if all(no.code in _ACCOUNT_CODES for no in refused.values()):
        return EndpointBroken(code=first.code, detail=first.reason)
    return MessageRefused(code=first.code, detail=first.reason)


def judge_error(error: PlatformError) -> Verdict:
    """What a failed submission means."""
    match error:
        case SmtpRefused():
            return _judge_refusal(error)
        case AnswerLost():
            return Uncertain(detail=error.reason)
        case Misconfigured():
            return EndpointBroken(detail=error.reason)
        case _:
            return Transient(detail=error.reason)


def _judge_refusal(refused: SmtpRefused) -> Verdict:
    """Content and size speak of the message; greeting, login and sender of the account."""
    if refused.passing:
        return Transient(code=refused.code, detail=refused.reason)
    about_message = refused.stage is Stage.CONTENT or refused.code == _TOO_LARGE
    if about_message and refused.code not in _ACCOUNT_CODES:
        return MessageRefused(code=refused.code, detail=refused.reason)
    return EndpointBroken(code=refused.code, detail=refused.reason)


def _nobody(only: tuple[str, ...], lost: tuple[RefusedMailbox, ...]) -> Verdict:
    """Nobody left to write to: after a partial delivery that ends it, else the mail reaches no one."""
    if only:
        return Delivered(refused=lost)
    return MessageRefused(detail="没有可用的收件邮箱")


def _refusal(error: PlatformError) -> Refusal:
    return Refusal(error.code if isinstance(error, SmtpRefused) else _LATER, error.reason)


def _sender(sender: str) -> Address:
    name, email = parseaddr(sender)
    address = _address(email, name)
    if address is None:
        raise Misconfigured("from 不是有效的邮箱地址，请检查 smtp.from")
    return address


def _address(email: str, name: str) -> Address | None:
    """The address in ASCII (the domain by IDNA), or ``None``: other local parts need SMTPUTF8 all the way."""
    local, _, domain = email.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
    except UnicodeError:
        return None
    if not _LOCAL_PART.fullmatch(local) or not _DOMAIN.fullmatch(ascii_domain):
        return None
    return Address(clean_line(name), local, ascii_domain)
