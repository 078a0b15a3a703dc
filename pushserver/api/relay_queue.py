"""``/api/v1/smtp-relay/queue``: the mails that the relay has taken, and what operators may do to them."""

import re
from http import HTTPStatus
from typing import Any, Final

import falcon

from pushserver.api.body import read_json
from pushserver.api.envelope import answer
from pushserver.api.near_miss import near_miss
from pushserver.api.ports import Relay
from pushserver.api.query import MOST, Query
from pushserver.api.task_view import rfc3339
from pushserver.domain.mail import ListedMail, MailRecipient, MailState

_PARAMETERS: Final = ("state", "limit", "offset")
ALL: Final = "all"
STATES: Final = (*(state.value for state in MailState), ALL)
IDS: Final = "mail_ids"
_BODY_LIMIT: Final = 256 * 1024
ID: Final = "^[!-~]{1,100}$"
"""What can be the id of a mail."""


class MailsResource:
    """The mails, newest first; those that somebody waits for unless another state is asked for."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show a page of them."""
        query = Query(req, _PARAMETERS)
        state = query.word("state", STATES) or MailState.WAITING.value
        limit, offset = query.limit(), query.offset()
        page = self._relay.mails(None if state == ALL else MailState(state), limit, offset)
        pagination = {"total": page.total, "limit": limit, "offset": offset, "count": len(page.items)}
        data = {"mails": [view_mail(mail) for mail in page.items], "pagination": pagination}
        answer(resp, HTTPStatus.OK, "获取SMTP中继队列成功", data)


class RetryMailsResource:
    """Another try, now."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Try those named, or ``{"mail_ids": "all"}``; an account at rest keeps resting."""
        mail_ids = _read_ids(read_json(req, _BODY_LIMIT), all_allowed=True)
        req.context.target = ALL if mail_ids is None else list(mail_ids)
        answer(resp, HTTPStatus.OK, "已安排立即重试", {"retried_count": self._relay.retry(mail_ids)})


class DropMailsResource:
    """The end of a mail that nobody wants any more."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Give up those named; their senders are told nothing."""
        mail_ids = _read_ids(read_json(req, _BODY_LIMIT), all_allowed=False) or ()
        req.context.target = list(mail_ids)
        dropped = self._relay.drop(mail_ids)
        answer(resp, HTTPStatus.OK, "已放弃邮件", {"dropped_count": dropped})


def view_mail(mail: ListedMail) -> dict[str, Any]:
    """An item of ``data.mails``."""
    return {
        "id": mail.id,
        "from": mail.sender,
        "subject": mail.subject,
        "size": mail.size,
        "received_at": rfc3339(mail.received_at),
        "next_try_at": rfc3339(mail.next_try_at) if mail.next_try_at else None,
        "finished_at": rfc3339(mail.finished_at) if mail.finished_at else None,
        "notified": mail.notified,
        "is_dsn": mail.is_dsn,
        "recipients": [_view_recipient(recipient) for recipient in mail.recipients],
    }


def _view_recipient(recipient: MailRecipient) -> dict[str, Any]:
    return {
        "email": recipient.address,
        "state": recipient.state.value,
        "tries": recipient.tries,
        "code": recipient.last_code,
        "reason": recipient.last_reason or None,
        "account": recipient.account or None,
    }


def _read_ids(body: object, *, all_allowed: bool) -> tuple[str, ...] | None:
    """``None`` means all of them."""
    if not isinstance(body, dict):
        raise falcon.HTTPBadRequest(description='需要JSON对象，如 {"mail_ids": ["mail_…"]}')
    if IDS not in body:
        written = next((key for key in body if near_miss(key, (IDS,))), None)
        hint = f"（收到了 {written}，是否想写 {IDS}？）" if written else ""
        raise falcon.HTTPBadRequest(description=f"{IDS} 缺少必填字段{hint}")
    given = body[IDS]
    if all_allowed and given == ALL:
        return None
    if isinstance(given, list) and 0 < len(given) <= MOST and all(map(_is_id, given)):
        return tuple(given)
    or_all = f'，或 "{ALL}"' if all_allowed else ""
    raise falcon.HTTPBadRequest(description=f"{IDS} 必须是 1 到 {MOST} 个邮件ID的数组{or_all}")


def _is_id(given: object) -> bool:
    return isinstance(given, str) and re.fullmatch(ID, given) is not None
