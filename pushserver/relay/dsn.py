"""Delivery status notifications: what the sender of a mail is told when it could not be delivered.

RFC 3464 (the machine's part), RFC 3462 (the report around it), RFC 3834 (answers of machines).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from email.utils import format_datetime

from pushserver.domain.mail import Mail, MailResult, MailState, new_mail_id
from pushserver.relay.header import header_end

SUBJECT = "Undelivered Mail Returned to Sender"
_POLICY = SMTP.clone(cte_type="7bit")
_REASONS = {
    MailState.BOUNCED: "refused for good",
    MailState.EXPIRED: "not delivered in time; no further tries will be made",
}
_STATUS = {MailState.BOUNCED: "5.0.0", MailState.EXPIRED: "4.4.7"}


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: ``hostname`` as the relay calls itself, ``address`` as the author of reports."""

    hostname: str
    address: str


def owes_report(sender: str, *, is_dsn: bool) -> bool:
    """Is anybody to be told? Never about a mail of the null sender, and never about a report."""
    return bool(sender) and not is_dsn


def report(
    mail: Mail, original: bytes, failed: Sequence[MailResult], reporter: Reporter, at: datetime
) -> Mail:
    """The report on ``failed`` recipients of ``mail``, to its sender, from the null sender.

    ``original`` is the mail's content, of which the header comes back. ``at`` is aware, in local time.
    """
    content = _message(mail, original, failed, reporter, at).as_bytes()
    return Mail(
        id=new_mail_id(at),
        sender="",
        recipients=(mail.sender,),
        received_at=at,
        size=len(content),
        subject=SUBJECT,
        message_id=f"<{mail.id}.dsn@{reporter.hostname}>",
        content=content,
    )


def _message(
    mail: Mail, original: bytes, failed: Sequence[MailResult], reporter: Reporter, at: datetime
) -> MIMEMultipart:
    message = MIMEMultipart("report", policy=_POLICY, report_type="delivery-status")
    message["From"] = f"Mail Delivery System <{reporter.address}>"
    message["To"] = mail.sender
    message["Subject"] = SUBJECT
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{mail.id}.dsn@{reporter.hostname}>"
    message["Auto-Submitted"] = "auto-replied"
    message.attach(MIMEText(_text(mail, failed), "plain", "utf-8", policy=_POLICY))
    message.attach(_delivery_status(mail, failed, reporter))
    message.attach(MIMEText(_original_header(original), "rfc822-headers", "utf-8", policy=_POLICY))
    return message


def _text(mail: Mail, failed: Sequence[MailResult]) -> str:
    lines = [
        "您的邮件未能送达以下收件人。",
        "Your message could not be delivered to the recipients below.",
        "",
        f"Subject: {mail.subject}",
        "",
    ]
    lines += [f"<{result.address}>: {_reason(result)}" for result in failed]
    return "\n".join(lines) + "\n"


def _reason(result: MailResult) -> str:
    code = f"{result.code} " if result.code is not None else ""
    return f"{_REASONS[result.state]} ({code}{result.reason})"


def _delivery_status(mail: Mail, failed: Sequence[MailResult], reporter: Reporter) -> MIMENonMultipart:
    """One block for the message and one for each recipient (RFC 3464 section 2.1)."""
    blocks: list[Message | str] = [
        _block({"Reporting-MTA": f"dns; {reporter.hostname}", "Arrival-Date": _date(mail.received_at)})
    ]
    for result in failed:
        fields = {
            "Final-Recipient": f"rfc822; {result.address}",
            "Action": "failed",
            "Status": _status(result),
        }
        if result.code is not None:
            fields["Diagnostic-Code"] = f"smtp; {result.code} {_plain(result.reason)}"
        blocks.append(_block(fields))
    part = MIMENonMultipart("message", "delivery-status", policy=_POLICY)
    part.set_payload(blocks)
    return part


def _block(fields: dict[str, str]) -> Message | str:
    """The generator writes such a part from messages that are only a header."""
    block = Message(policy=_POLICY)
    for name, value in fields.items():
        block[name] = value
    return block


def _status(result: MailResult) -> str:
    """The enhanced status code that the server gave, or the plainest one that is true."""
    first = result.reason.split(" ", 1)[0]
    digits = first.split(".")
    is_status = len(digits) == 3 and all(digit.isdecimal() for digit in digits)  # noqa: PLR2004 - class.subject.detail
    return first if is_status and first[0] in "45" else _STATUS[result.state]


def _original_header(original: bytes) -> str:
    return original[: header_end(original)].decode("utf-8", "replace").replace("\r\n", "\n")


def _date(moment: datetime) -> str:
    return format_datetime(moment)


def _plain(text: str) -> str:
    """One line of ASCII: a field of the machine's part has no room for more."""
    return " ".join(text.split()).encode("ascii", "replace").decode("ascii")
