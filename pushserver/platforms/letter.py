"""How a push looks as a mail: plain text first, then HTML, in headers that survive any title.

RFC 3834 (Auto-Submitted), RFC 5322. The body is sent 7-bit (base64 or quoted-printable): ``smtplib`` sends
8-bit whatever the server offers.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from pushserver.domain import Delivery, Level, Style
from pushserver.platforms.text import TITLE_NOTE, clean, clean_line, cut, escape_html, utf8_cost

_POLICY = SMTP.clone(cte_type="7bit")
_LABELS = {Level.INFO: "信息", Level.WARNING: "警告", Level.ERROR: "错误"}
_ICONS = {Level.INFO: "🔵", Level.WARNING: "🟡", Level.ERROR: "🔴"}
_COLOURS = {Level.INFO: "#17a2b8", Level.WARNING: "#ffc107", Level.ERROR: "#dc3545"}
_SUBJECT_BYTES = 500
_NOT_ATEXT = re.compile(r"[^A-Za-z0-9_-]")

_PAGE = """\
<!DOCTYPE html>
<html lang="zh-CN">
<head><meta charset="utf-8"><title>{title}</title></head>
<body style="margin:16px;font-family:sans-serif;color:#333">
{content}
</body>
</html>
"""
_TEXT = """\
<h2 style="color:{colour}">{icon} {title}</h2>
<div style="white-space:pre-wrap">{text}</div>
<hr>
<p style="color:#888">发送时间: {time}</p>"""
_CARD = """\
<table role="presentation" cellpadding="12" cellspacing="0" style="width:100%;max-width:640px;border:1px solid #ddd;border-collapse:collapse">
<tr><td style="background:{colour};color:#fff;font-size:18px;font-weight:bold">{icon} {title}</td></tr>
<tr><td style="white-space:pre-wrap">{text}</td></tr>
<tr><td style="border-top:1px solid #ddd;color:#888;font-size:12px">类型: {label} · 发送时间: {time}</td></tr>
</table>"""  # noqa: E501 - mail clients want one element's style in one attribute


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all mails of one target share: who writes, to whom, and the target's name."""

    sender: Address
    readers: tuple[Address, ...]
    target: str


def compose(delivery: Delivery, head: Letterhead) -> bytes:
    """The finished message, with CRLF line ends.

    Its Message-ID depends on task and target only, so that a mail sent twice is recognised as one.
    """
    push = delivery.push
    message = EmailMessage(policy=_POLICY)
    message["From"] = head.sender
    message["To"] = head.readers
    message["Subject"] = subject(push.level, push.title)
    message["Date"] = format_datetime(delivery.at)
    message["Message-ID"] = message_id(delivery.task_id, head)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(plain(delivery))
    message.add_alternative(page(delivery), subtype="html")
    return message.as_bytes()


def subject(level: Level, title: str) -> str:
    """``[信息|警告|错误] T`` on one line, cut to 500 bytes; the body has the title in full."""
    return cut(f"[{_LABELS[level]}] {clean_line(title)}", _SUBJECT_BYTES, utf8_cost, TITLE_NOTE)


def message_id(task_id: str, head: Letterhead) -> str:
    """``<task.target@our domain>``; the target as a hash, since a name may hold anything."""
    digest = hashlib.sha256(_identity(head.target, head.readers).encode("utf-8", "replace")).hexdigest()
    return f"<{_NOT_ATEXT.sub('-', task_id)}.{digest[:12]}@{head.sender.domain}>"


def plain(delivery: Delivery) -> str:
    """The message for readers without HTML."""
    push = delivery.push
    title = f"{_ICONS[push.level]} {clean_line(push.title)}"
    return f"{title}\n\n{clean(push.text)}\n\n发送时间: {_time(delivery)}\n"


def page(delivery: Delivery) -> str:
    """The message as a page, or in a table as a card; whatever the caller wrote is escaped."""
    push = delivery.push
    title = escape_html(clean_line(push.title))
    content = (_CARD if push.style is Style.CARD else _TEXT).format(
        colour=_COLOURS[push.level],
        icon=_ICONS[push.level],
        label=_LABELS[push.level],
        title=title,
        text=escape_html(clean(push.text)),
        time=_time(delivery),
    )
    return _PAGE.format(title=title, content=content)


def _time(delivery: Delivery) -> str:
    return f"{delivery.at:%Y-%m-%d %H:%M:%S}"


def _identity(target: str, readers: Sequence[Address]) -> str:
    return "\n".join((target, *(reader.addr_spec for reader in readers)))
