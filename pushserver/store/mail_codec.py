"""Mails to rows and back, without loss; see :mod:`pushserver.store.codec`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from pushserver.domain.mail import (
    ListedMail,
    Mail,
    MailContent,
    MailRecipient,
    MailResult,
    MailState,
    QueuedMail,
)
from pushserver.store.codec import Parameters, from_microseconds, storable, to_microseconds


def mail_to_row(mail: Mail, spool: str | None, *, is_dsn: bool) -> Parameters:
    """The row of a mail that was just accepted, due at once; its number is the database's."""
    return {
        "id": mail.id,
        "sender": storable(mail.sender),
        "subject": storable(mail.subject),
        "message_id": storable(mail.message_id),
        "size": mail.size,
        "spool": spool,
        "received_at": (received_at := to_microseconds(mail.received_at)),
        "waiting": True,
        "next_try_at": received_at,
        "finished_at": None,
        "notified": False,
        "is_dsn": is_dsn,
    }


def recipients_to_rows(mail: Mail) -> list[Parameters]:
    """The rows of everybody in the envelope of a mail that was just accepted."""
    return [
        {
            "mail_id": mail.id,
            "place": place,
            "address": storable(address),
            "state": MailState.WAITING.value,
            "tries": 0,
            "last_code": None,
            "last_reason": "",
            "account": "",
        }
        for place, address in enumerate(mail.recipients)
    ]


def queued_when_new(mail: Mail) -> QueuedMail:
    """A mail that was just accepted, as :func:`queued_from_row` would have it from its rows."""
    recipients = tuple(MailRecipient(storable(address)) for address in mail.recipients)
    stored = replace(
        mail,
        sender=storable(mail.sender),
        recipients=tuple(recipient.address for recipient in recipients),
        subject=storable(mail.subject),
        message_id=storable(mail.message_id),
    )
    return QueuedMail(stored, recipients, mail.received_at)


def result_to_parameters(mail_id: str, result: MailResult) -> Parameters:
    """What changes in the row of the recipient that a result is about."""
    return {
        "of_mail": mail_id,
        "of_address": storable(result.address),
        "new_state": result.state.value,
        "code": result.code,
        "reason": storable(result.reason),
        "by_account": storable(result.account),
    }


def recipient_from_row(row: Row[Any]) -> MailRecipient:
    """The recipient of a row of ``mail_recipients``."""
    return MailRecipient(
        row.address, MailState(row.state), row.tries, row.last_code, row.last_reason, row.account
    )


def queued_from_row(row: Row[Any], recipients: Sequence[MailRecipient], content: MailContent) -> QueuedMail:
    """The mail of a row of ``mails`` that somebody waits for."""
    mail = Mail(
        id=row.id,
        sender=row.sender,
        recipients=tuple(recipient.address for recipient in recipients),
        received_at=from_microseconds(row.received_at),
        size=row.size,
        subject=row.subject,
        message_id=row.message_id,
        content=content,
    )
    return QueuedMail(mail, tuple(recipients), from_microseconds(row.next_try_at), row.notified, row.is_dsn)


def listed_from_row(row: Row[Any], recipients: Iterable[MailRecipient]) -> ListedMail:
    """What a list shows of a row of ``mails``."""
    return ListedMail(
        id=row.id,
        sender=row.sender,
        recipients=tuple(recipients),
        received_at=from_microseconds(row.received_at),
        size=row.size,
        subject=row.subject,
        message_id=row.message_id,
        next_try_at=moment_or_none(row.next_try_at),
        finished_at=moment_or_none(row.finished_at),
        notified=row.notified,
        is_dsn=row.is_dsn,
    )


def moment_or_none(count: int | None) -> datetime | None:
    """The moment of a column that may be null."""
    return None if count is None else from_microseconds(count)
