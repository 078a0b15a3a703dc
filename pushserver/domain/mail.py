"""Mails on their way through the relay: the values, and the messages that cross layers about them.

A mail is owed from the moment its :class:`AcceptMail` was answered until every recipient of its envelope has
a final :class:`MailState`. All are frozen and made of values, so that they may cross processes.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

# Values ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SpooledContent:
    """Content too large for a row: the absolute path of a file that is on the disk before its row is.

    ``is_ascii`` is known to whoever has written it, and ``None`` when it comes from the store.
    """

    path: str
    is_ascii: bool | None = field(default=None, compare=False)


MailContent = bytes | SpooledContent
"""A message as it was received, with CRLF line ends, not dot-stuffed."""


@dataclass(frozen=True, slots=True)
class Mail:
    """An envelope and its message. ``received_at`` is aware, UTC; ``size`` is the content's bytes.

    ``sender`` is the envelope's, empty for the null sender; ``recipients`` are the envelope's, each once.
    ``subject`` is decoded, at most 200 characters, for people; ``message_id`` is the header's or empty.
    """

    id: str
    sender: str
    recipients: tuple[str, ...]
    received_at: datetime
    size: int
    subject: str
    message_id: str
    content: MailContent = field(repr=False)


class MailState(StrEnum):
    """What has become of a mail for one recipient of its envelope; all but the first are final."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    """Refused for good."""
    EXPIRED = "expired"
    """Tried in vain until it was too old."""
    DROPPED = "dropped"
    """Given up by an operator."""

    @property
    def final(self) -> bool:
        """True once nothing more will be tried."""
        return self is not MailState.WAITING


@dataclass(frozen=True, slots=True)
class MailRecipient:
    """Where a mail stands for one recipient of its envelope.

    ``tries`` counts the results so far; ``last_code`` (SMTP's, where there was one), ``last_reason`` and
    ``account`` are the last one's, empty before the first.
    """

    address: str
    state: MailState = MailState.WAITING
    tries: int = 0
    last_code: int | None = None
    last_reason: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """A mail that somebody still waits for, with every recipient in the envelope's order.

    ``notified`` says that an operator has been told of its trouble; ``is_dsn`` that it is a delivery status
    notification of the relay's own, which never causes another.
    """

    mail: Mail
    recipients: tuple[MailRecipient, ...]
    next_try_at: datetime
    notified: bool = False
    is_dsn: bool = False


@dataclass(frozen=True, slots=True)
class ListedMail:
    """What a list shows of a mail: all but its content.

    ``next_try_at`` is ``None`` and ``finished_at`` is set exactly when every recipient's state is final.
    """

    id: str
    sender: str
    recipients: tuple[MailRecipient, ...]
    received_at: datetime
    size: int
    subject: str
    message_id: str
    next_try_at: datetime | None
    finished_at: datetime | None
    notified: bool
    is_dsn: bool


@dataclass(frozen=True, slots=True)
class MailPage:
    """Some mails, newest first, and how many there are in ``total`` over all pages."""

    items: tuple[ListedMail, ...]
    total: int


@dataclass(frozen=True, slots=True)
class MailBacklog:
    """The mails that are not finished: how many, since when the oldest, when the next is due.

    Both moments are ``None`` when there are none.
    """

    waiting: int
    oldest: datetime | None = None
    next_try_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MailResult:
    """What one try has come to for one recipient; ``MailState.WAITING``: it failed, for now.

    ``code`` is SMTP's where there was one, ``account`` the account that tried.
    """

    address: str
    state: MailState
    code: int | None = None
    reason: str = ""
    account: str = ""


class MailCounts(NamedTuple):
    """How many mails an account has sent and has failed to send, since ever."""

    sent: int = 0
    failed: int = 0


def new_mail_id(local: datetime) -> str:
    """``mail_YYYYMMDD_HHMMSS_`` and 16 random characters; ``local`` is the moment in local time."""
    return f"mail_{local:%Y%m%d_%H%M%S}_{secrets.token_hex(8)}"


# To the mail store: from the door --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AcceptMail:
    """Owe this mail. Reply: ``None`` once it is committed and on the disk, or :class:`Duplicate`.

    ``digest`` tells a message with its envelope from every other. Raises
    :class:`~.errors.StoreUnavailable`: nothing was stored.
    """

    mail: Mail
    digest: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The answer to :class:`AcceptMail` for a mail that is owed already: nothing was stored.

    The first time is ``mail_id``; its digest is not remembered any longer.
    """

    mail_id: str


@dataclass(frozen=True, slots=True)
class RememberUnconfirmed:
    """The client was gone before it was told that this mail is accepted: it will send it again.

    The next :class:`AcceptMail` with this digest within ten minutes of ``at`` is a :class:`Duplicate`. Told.
    """

    digest: str
    mail_id: str
    at: datetime


# To the mail store: from the queue and the accounts --------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchDueMails:
    """Reply: tuple of up to ``limit`` :class:`QueuedMail` to be tried at ``now``, the longest due first.

    ``exclude`` are the ids of those that the asker has already.
    """

    now: datetime
    limit: int
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountCounts:
    """What to add to an account's counters. Told by itself, or part of :class:`RecordMailResults`."""

    account: str
    sent: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class RecordMailResults:
    """Store what tries at ``at`` came to, with the mails and counts they cause, all or nothing.

    Reply: ``None`` once committed. A recipient's first final state stays. ``next_try_at`` is for those who
    still wait; ``None`` leaves it. ``dsns`` are queued at once, as delivery status notifications. When all
    of ``results`` are about recipients in a final state already, this is a repetition and stores nothing.
    """

    mail_id: str
    results: tuple[MailResult, ...]
    at: datetime
    next_try_at: datetime | None = None
    dsns: tuple[Mail, ...] = ()
    counts: tuple[AccountCounts, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkNotified:
    """An operator has been told of this mail's trouble. Reply: ``None`` once committed."""

    mail_id: str


@dataclass(frozen=True, slots=True)
class FetchAccountCounts:
    """Reply: ``dict`` of :class:`MailCounts` by account name; one that never counted is not in it."""


@dataclass(frozen=True, slots=True)
class FetchMailBacklog:
    """Reply: :class:`MailBacklog`."""


@dataclass(frozen=True, slots=True)
class PurgeMails:
    """Delete up to a batch of mails finished before ``before``. Reply: how many went."""

    before: datetime


# To the mail store: from operators -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListMails:
    """Reply: :class:`MailPage`, of mails with a recipient in ``state`` (``None``: of all)."""

    limit: int
    offset: int = 0
    state: MailState | None = None


@dataclass(frozen=True, slots=True)
class RetryMails:
    """Try these at ``at``, whatever their schedule says; ``None``: all. Reply: how many still wait."""

    mail_ids: tuple[str, ...] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DropMails:
    """Give these up, for whoever still waits for them, without a bounce. Reply: how many still waited."""

    mail_ids: tuple[str, ...]
    at: datetime


# To the queue ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MailsReady:
    """Mails have been stored or are to be tried at once. Told at most once; the sweep finds the others.

    ``mails`` have just been stored, and are as :class:`FetchDueMails` would have them. ``others``: there may
    be more, to be fetched.
    """

    mails: tuple[QueuedMail, ...] = ()
    others: bool = False


# To an account ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MailEnvelope:
    """A message and whom it is for, as an account is to submit it."""

    sender: str
    recipients: tuple[str, ...]
    content: MailContent = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubmitMail:
    """Send this now, over one connection of this account. Reply: :class:`MailReceipt`.

    ``mail_id`` is the mail's, or the task's for a push by e-mail.
    """

    envelope: MailEnvelope
    mail_id: str


class MailErrorKind(StrEnum):
    """Why an account has not sent a mail to anybody; only :attr:`UNCERTAIN` may have arrived."""

    UNREACHABLE = "unreachable"
    """No connection, no trusted TLS, or it broke before the mail was complete."""
    RESTING = "resting"
    """The account's breaker is open; nothing was tried."""
    BUSY = "busy"
    """All connections have work, or the server asks to come again later."""
    AUTH = "auth"
    """The login was refused."""
    SENDER_REFUSED = "sender_refused"
    DATA_REFUSED_FOR_NOW = "data_refused_for_now"
    DATA_REFUSED = "data_refused"
    UNCERTAIN = "uncertain"
    """The connection was lost after the final dot."""


@dataclass(frozen=True, slots=True)
class MailError:
    """What kept a mail from everybody. ``code`` is SMTP's where there was one."""

    kind: MailErrorKind
    code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MailRefusal:
    """A server's no to one recipient: passing below 500, for good from there on."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class MailReceipt:
    """The answer of ``account``: who got the mail, and who was refused, by address; or the ``error``.

    ``mail_id`` is what was submitted: whoever told rather than asked knows it again by that.
    """

    account: str
    accepted: tuple[str, ...] = ()
    refused: Mapping[str, MailRefusal] = field(default_factory=dict)
    error: MailError | None = None
    mail_id: str = ""


# To the relay's desk ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchRelayState:
    """Reply: :class:`RelayState`."""


@dataclass(frozen=True, slots=True)
class RelayState:
    """How the relay is: ``connections`` at its door now, and the names of the accounts that ``rest``."""

    connections: int = 0
    resting: tuple[str, ...] = ()
