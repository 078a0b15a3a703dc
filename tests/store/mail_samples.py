"""Mails as they come, with only what a test is about spelled out."""

import shutil
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pushserver.domain.mail import (
    AcceptMail,
    Mail,
    MailContent,
    MailResult,
    MailState,
    RecordMailResults,
)
from pushserver.store import Receipts
from tests.store.samples import NOON, SECOND

ANN = "ann@example.org"
BOB = "bob@example.org"
CONTENT = b"Subject: =?utf-8?B?56OB55uY5ZGK6K2m?=\r\n\r\n.disk 91% full\x00\xff\r\n"


def a_mail(
    mail_id: str = "m1",
    *recipients: str,
    sender: str = "printer@example.org",
    received_at: datetime = NOON,
    content: MailContent = CONTENT,
    size: int = len(CONTENT),
) -> Mail:
    return Mail(
        id=mail_id,
        sender=sender,
        recipients=recipients or (ANN,),
        received_at=received_at,
        size=size,
        subject="磁盘告警",
        message_id=f"<{mail_id}@example.org>",
        content=content,
    )


def accept(
    mail_id: str = "m1", *recipients: str, digest: str = "", received_at: datetime = NOON
) -> AcceptMail:
    return AcceptMail(a_mail(mail_id, *recipients, received_at=received_at), digest or f"digest of {mail_id}")


def delivered(*addresses: str, account: str = "main") -> tuple[MailResult, ...]:
    return tuple(MailResult(address, MailState.DELIVERED, 250, "ok", account) for address in addresses)


def bounced(*addresses: str) -> tuple[MailResult, ...]:
    return tuple(MailResult(address, MailState.BOUNCED, 550, "no such user", "main") for address in addresses)


def deferred(*addresses: str) -> tuple[MailResult, ...]:
    return tuple(MailResult(address, MailState.WAITING, 451, "later", "spare") for address in addresses)


def record(mail_id: str, *results: MailResult, at: datetime = NOON + SECOND) -> RecordMailResults:
    return RecordMailResults(mail_id, results, at, next_try_at=at + 60 * SECOND)


def unstored_receipts(directory: Path) -> tuple[RecordMailResults, ...]:
    """What a successor would find; it stays where it is."""
    with TemporaryDirectory() as copy:
        for file in directory.glob("receipts-*"):
            shutil.copy(file, copy)
        return Receipts(Path(copy), "successor").unstored
