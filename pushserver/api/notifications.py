"""``/api/v1/notifications``: what the last line of defence has raised, newest first."""

import re
from http import HTTPStatus
from typing import Any, Final

import falcon

from pushserver.api.envelope import answer
from pushserver.api.ports import Notifications
from pushserver.api.query import Query
from pushserver.api.task_view import rfc3339
from pushserver.domain import NOTICE_SOURCE, Notification, NotificationStatus

_PARAMETERS: Final = ("status", "limit", "offset")
_ALL: Final = "all"
STATUSES: Final = (*(status.value for status in NotificationStatus), _ALL)
_PLAUSIBLE_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")

_GOT = "获取系统通知成功"


class NotificationsResource:
    """All of them."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show a page of them."""
        query = Query(req, _PARAMETERS)
        status, limit, offset = query.word("status", STATUSES), query.limit(), query.offset()
        wanted = NotificationStatus(status) if status and status != _ALL else None
        page = self._notifications.page(wanted, limit, offset)
        pagination = {"total": page.total, "limit": limit, "offset": offset, "count": len(page.items)}
        shown = [view_notification(item) for item in page.items]
        answer(resp, HTTPStatus.OK, _GOT, {"notifications": shown, "pagination": pagination})

    def on_delete(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Delete them."""
        answer(resp, HTTPStatus.OK, "清空所有通知成功", {"cleared_count": self._notifications.clear()})


class NotificationResource:
    """One of them; looking at it does not mark it as read."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    def on_get(self, _req: falcon.Request, resp: falcon.Response, notification_id: str) -> None:
        """Show it."""
        found = self._notifications.fetch(notification_id) if _is_plausible(notification_id) else None
        if found is None:
            _answer_unknown(resp, notification_id)
        else:
            answer(resp, HTTPStatus.OK, _GOT, {"notification": view_notification(found)})

    def on_delete(self, req: falcon.Request, resp: falcon.Response, notification_id: str) -> None:
        """Delete it."""
        req.context.target = notification_id
        if _is_plausible(notification_id) and self._notifications.delete(notification_id):
            answer(resp, HTTPStatus.OK, "删除通知成功", {"notification_id": notification_id})
        else:
            _answer_unknown(resp, notification_id)


class ReadResource:
    """Whether one has been read."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    def on_put(self, _req: falcon.Request, resp: falcon.Response, notification_id: str) -> None:
        """It has; said twice, that changes nothing."""
        if _is_plausible(notification_id) and self._notifications.mark_read(notification_id):
            answer(resp, HTTPStatus.OK, "标记为已读成功", {"notification_id": notification_id})
        else:
            _answer_unknown(resp, notification_id)


class ReadAllResource:
    """Whether all have been read."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    def on_put(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """They have."""
        marked = self._notifications.mark_all_read()
        answer(resp, HTTPStatus.OK, "标记所有通知为已读成功", {"marked_count": marked})


class NotificationStatisticsResource:
    """How many there are."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Count them as they are now."""
        counted = self._notifications.statistics()
        statistics = {
            "total": counted.total,
            "unread": counted.unread,
            "read": counted.read,
            "by_type": {level.value: count for level, count in counted.by_type.items()},
        }
        answer(resp, HTTPStatus.OK, "获取通知统计成功", {"statistics": statistics})


def view_notification(notification: Notification) -> dict[str, Any]:
    """An item of ``data.notifications``."""
    return {
        "id": notification.id,
        "title": notification.title,
        "message": notification.text,
        "type": notification.level.value,
        "strategy": notification.strategy,
        "style": notification.style.value,
        "source": NOTICE_SOURCE,
        "task_id": notification.task_id,
        "reason": notification.reason,
        "created_at": rfc3339(notification.created_at),
        "status": notification.status.value,
    }


def _is_plausible(notification_id: str) -> bool:
    """What cannot be an id is not worth a question to the store (which might not even take a NUL)."""
    return _PLAUSIBLE_ID.fullmatch(notification_id) is not None


def _answer_unknown(resp: falcon.Response, notification_id: str) -> None:
    answer(resp, HTTPStatus.NOT_FOUND, "通知不存在", {"notification_id": notification_id})
