"""DingTalk's custom robot (钉钉自定义机器人).

Source: https://open.dingtalk.com/document/orgapp/custom-robot-access and the pages beside it. Every answer
is HTTP 200 and JSON.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from pushserver.sandbox.answer import Answer, json_answer
from pushserver.sandbox.journal import Code
from pushserver.sandbox.rate import Rate
from pushserver.sandbox.request import Head, Request
from pushserver.sandbox.vendor import (
    SIGNATURE_WINDOW,
    Call,
    Check,
    Documented,
    Refusal,
    address_allowed,
    has_keyword,
    over_rate,
)

RATE = Rate(windows=((20, 60.0),), lock=600.0)
SIZE_LIMIT = 20_000
_PATH = "/robot/send"

X5 = "x5"
"""The code that stands for the whole address being blocked: a body without any ``errcode``."""

_SUCCESS = json_answer({"errcode": 0, "errmsg": "ok"})
_BLOCKED = {
    "status": 1111,
    "wait": 5,
    "source": "x5",
    "punish": "deny",
    "uuid": "5f0c1f3f0d6b4a5ab1f1f0a0c3f1e2d4",
}

DOCUMENTED: Mapping[Code, Documented] = {
    -1: Documented("系统繁忙"),
    88: Documented(
        "ding talk error[subcode=90018,submsg=您的服务器调用钉钉开放平台所有接口的请求都被暂时禁用了]"
    ),
    40035: Documented("缺少参数 json"),
    43002: Documented("需要POST请求"),
    43004: Documented("无效的HTTP HEADER Content-Type"),
    90030: Documented("webhook over limit"),
    130101: Documented("send too fast, exceed 20 times per minute"),
    300001: Documented("token is not exist"),
    300005: Documented("token is not exist"),
    310000: Documented("keywords not in content"),
    400013: Documented("群已被解散"),
    400101: Documented("access_token不存在"),
    400102: Documented("机器人已停用"),
    400105: Documented("不支持的消息类型"),
    400106: Documented("机器人不存在"),
    410100: Documented("发送速度太快而限流"),
    430101: Documented("含有不安全的外链"),
    430102: Documented("含有不合适的文本"),
    430103: Documented("含有不合适的图片"),
    430104: Documented("含有不合适的内容"),
    460101: Documented("message too long, exceed 20000 bytes"),
    660026: Documented("sending too many messages per minute"),
    X5: Documented("您的IP已被限制访问"),
}


def sign(secret: str, timestamp: str | int) -> str:
    """The signature of a URL before its encoding: the secret is the key, ``timestamp`` is in milliseconds."""
    message = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def _method(call: Call) -> Refusal | None:
    return _wrong_method(call.request.head)


def _content_type(call: Call) -> Refusal | None:
    return _wrong_content_type(call.request.head)


def _wrong_method(head: Head) -> Refusal | None:
    return None if head.method == "POST" else Refusal(43002)


def _wrong_content_type(head: Head) -> Refusal | None:
    given = head.headers.get("content-type", "")
    return None if given.split(";")[0].strip().lower() == "application/json" else Refusal(43004)


def _enabled(call: Call) -> Refusal | None:
    return Refusal(400102) if call.settings.stopped else None


def _rate(call: Call) -> Refusal | None:
    return over_rate(call, RATE, 660026)


def _size(call: Call) -> Refusal | None:
    limit = call.settings.size_limit or SIZE_LIMIT
    return Refusal(460101) if len(call.request.body) > limit else None


def _signature(call: Call) -> Refusal | None:
    secret = call.settings.secret
    if secret is None:
        return None
    params = call.request.head.params
    timestamp = params.get("timestamp", "")
    if not _recent(timestamp, call.now):
        return Refusal(310000, "invalid timestamp")
    given = params.get("sign", "").encode()
    return (
        None
        if hmac.compare_digest(given, sign(secret, timestamp).encode())
        else Refusal(310000, "sign not match")
    )


def _recent(timestamp: str, now: float) -> bool:
    return (
        timestamp.isascii() and timestamp.isdigit() and abs(now - int(timestamp) / 1000) <= SIGNATURE_WINDOW
    )


def _address(call: Call) -> Refusal | None:
    return None if address_allowed(call) else Refusal(310000, f"ip {call.request.head.peer} not in whitelist")


def _json(call: Call) -> Refusal | None:
    return None if isinstance(call.payload, dict) else Refusal(40035, "缺少参数 json")


def _kind(call: Call) -> Refusal | None:
    kind = call.message.get("msgtype")
    return None if isinstance(kind, str) and kind in _FORMS else Refusal(400105)


def _form(call: Call) -> Refusal | None:
    kind = str(call.message.get("msgtype"))
    missing = _missing(call.part(kind), _FORMS.get(kind, ())) or _MORE.get(kind, _nothing)(call.part(kind))
    return Refusal(40035, f"缺少参数 {kind}.{missing}") if missing else None


def _keyword(call: Call) -> Refusal | None:
    return None if has_keyword(call) else Refusal(310000)


def _missing(part: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if not _filled(part.get(name))), None)


def _filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _nothing(_part: dict[str, Any]) -> str | None:
    return None


def _buttons(card: dict[str, Any]) -> str | None:
    """An action card wants one button (``singleTitle`` and ``singleURL``) or a list of them."""
    buttons = card.get("btns")
    if buttons is None:
        return _missing(card, ("singleTitle", "singleURL"))
    return _listed(buttons, "btns", ("title", "actionURL"))


def _links(feed: dict[str, Any]) -> str | None:
    return _listed(feed.get("links"), "links", ("title", "messageURL", "picURL"))


def _listed(items: Any, name: str, wanted: tuple[str, ...]) -> str | None:
    if not isinstance(items, list) or not items:
        return name
    lacks = (_missing(item, wanted) if isinstance(item, dict) else wanted[0] for item in items)
    return next((f"{name}.{lack}" for lack in lacks if lack), None)


_FORMS: Mapping[str, tuple[str, ...]] = {
    "text": ("content",),
    "markdown": ("title", "text"),
    "link": ("title", "text", "messageUrl"),
    "actionCard": ("title", "text"),
    "feedCard": (),
}
_MORE = {"actionCard": _buttons, "feedCard": _links}


class DingTalk:
    """The rules of DingTalk's robot."""

    name = "dingtalk"
    checks: Mapping[str, Check] = {
        "method": _method,
        "content_type": _content_type,
        "enabled": _enabled,
        "rate": _rate,
        "size": _size,
        "signature": _signature,
        "address": _address,
        "json": _json,
        "kind": _kind,
        "form": _form,
        "keyword": _keyword,
    }
    documented = DOCUMENTED
    unknown = 300005

    def path(self, token: str) -> str:
        """``/robot/send?access_token={token}``."""
        return f"{_PATH}?access_token={token}"

    def token(self, head: Head) -> str | None:
        """``access_token`` of the query."""
        return head.params.get("access_token", "") if head.path == _PATH else None

    def stray(self, head: Head, unknown: Refusal) -> Refusal:
        """Method and content type come before the token, a missing token before an unknown one."""
        if refusal := _wrong_method(head) or _wrong_content_type(head):
            return refusal
        return unknown if self.token(head) else Refusal(40035, "缺少参数 access_token")

    def shown(self, call: Call) -> Any:
        """The message as it came."""
        return call.payload

    def accept(self) -> Answer:
        """``errcode`` 0."""
        return _SUCCESS

    def refuse(self, refusal: Refusal, text: str, request: Request, now: float) -> Answer:  # noqa: ARG002 - Vendor's
        """HTTP 200 and an ``errcode``; a blocked address gets neither."""
        if refusal.code == X5:
            return json_answer(_BLOCKED, refusal.status or 200)
        return json_answer({"errcode": refusal.code, "errmsg": text}, refusal.status or 200)
