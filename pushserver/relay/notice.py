"""What people are told of a mail in trouble: the seed's last line. Pure."""

from datetime import datetime
from typing import Final

from pushserver.domain import Level, Notification, Strategy, Style
from pushserver.domain.mail import Mail, MailResult
from pushserver.domain.messages import RaiseNotice
from pushserver.relay.queue import EXPIRED, Trouble

TITLE: Final = "SMTP中继发送失败"
NO_ACCOUNT: Final = "没有可用的SMTP账户"
_FOR_NOW: Final = "所有SMTP账户均发送失败，邮件保留在队列中继续重试"
_FOR_GOOD: Final = "邮件超过最长重试时间，已放弃并退回发件人"
_MOST_SHOWN: Final = 10
"""Recipients that are named; a mail may have thousands."""


def notice_of(trouble: Trouble, notification_id: str, at: datetime) -> RaiseNotice:
    """The notice of this trouble, once a mail and kind of trouble. ``at`` is aware, UTC."""
    mail = trouble.mail
    reason = _FOR_GOOD if trouble.expired else _FOR_NOW
    notification = Notification(
        id=notification_id,
        task_id=mail.id + EXPIRED if trouble.expired else mail.id,
        reason=reason,
        title=TITLE,
        text=_text(trouble, reason, at.astimezone()),
        level=Level.ERROR,
        strategy=Strategy.FAILOVER,
        style=Style.TEXT,
        created_at=at,
    )
    return RaiseNotice(notification, _recipients(trouble))


def _text(trouble: Trouble, reason: str, local: datetime) -> str:
    mail: Mail = trouble.mail
    shown = trouble.results[:_MOST_SHOWN]
    lines = [
        f"收件人: {_recipients(trouble)}",
        f"主题: {mail.subject}",
        f"发件人: {mail.sender or '<>'}",
        f"失败原因: {reason}",
        f"邮件ID: {mail.id}",
        f"时间: {local:%Y-%m-%d %H:%M:%S}",
        "错误:",
        *(f"- {result.address}: {_error(result)}" for result in shown),
    ]
    if len(trouble.results) > len(shown):
        lines.append(f"- …另有 {len(trouble.results) - len(shown)} 个收件人")
    return "\n".join(lines)


def _recipients(trouble: Trouble) -> str:
    addresses = [result.address for result in trouble.results]
    more = f" 等 {len(addresses)} 个" if len(addresses) > _MOST_SHOWN else ""
    return ", ".join(addresses[:_MOST_SHOWN]) + more


def _error(result: MailResult) -> str:
    account = f"{result.account}: " if result.account else ""
    code = f"{result.code} " if result.code is not None else ""
    return f"{account}{code}{result.reason or NO_ACCOUNT}"
