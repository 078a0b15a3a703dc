"""WeCom's group robot (企业微信群机器人, "消息推送").

Source: https://developer.work.weixin.qq.com/document/path/91770. Every answer is HTTP 200. The key is the
only secret: there is no signature, no keyword and no address list.
"""

from collections.abc import Mapping
from typing import Any

from pushserver.sandbox import wechat_form
from pushserver.sandbox.answer import Answer, json_answer
from pushserver.sandbox.journal import Code
from pushserver.sandbox.rate import Rate
from pushserver.sandbox.request import Head, Request
from pushserver.sandbox.vendor import Call, Check, Documented, Refusal, over_rate

RATE = Rate(windows=((20, 60.0),))
DEBUG_RATE = Rate(windows=((5, 60.0),))
"""What ``debug=1`` in the URL lowers the limit to."""

_PATH = "/cgi-bin/webhook/send"
_SUCCESS = json_answer({"errcode": 0, "errmsg": "ok"})
_HINT = ", hint: [{hint}], from ip: {ip}, more info at https://open.work.weixin.qq.com/devtool/query?e={code}"
_WRONG_JSON = "invalid message type. Warning: wrong json format. "

DOCUMENTED: Mapping[Code, Documented] = {
    -1: Documented("system busy"),
    6000: Documented("data version conflict"),
    40008: Documented("invalid message type"),
    40009: Documented("invalid image size"),
    40033: Documented("invalid request char"),
    40035: Documented("invalid parameter"),
    40058: Documented("invalid Request Parameter"),
    40063: Documented("some parameters are empty"),
    41006: Documented("missing media_id"),
    44004: Documented("empty content"),
    45002: Documented("content size out of limit"),
    45009: Documented("api freq out of limit"),
    45033: Documented("api concurrent out of limit"),
    93000: Documented("invalid webhook url"),
    93004: Documented("robot is disabled"),
    93006: Documented("invalid chatid"),
    93008: Documented("robot not in the group"),
}


def _method(call: Call) -> Refusal | None:
    return None if call.request.head.method == "POST" else Refusal(40058)


def _enabled(call: Call) -> Refusal | None:
    return Refusal(93004) if call.settings.stopped else None


def _json(call: Call) -> Refusal | None:
    return None if isinstance(call.payload, dict) else Refusal(40008, _WRONG_JSON)


def _kind(call: Call) -> Refusal | None:
    kind = call.message.get("msgtype")
    return None if isinstance(kind, str) and kind in wechat_form.FORMS else Refusal(40008)


def _rate(call: Call) -> Refusal | None:
    debug = call.request.head.params.get("debug") == "1"
    return over_rate(call, DEBUG_RATE if debug else RATE, 45009)


def _form(call: Call) -> Refusal | None:
    kind = str(call.message.get("msgtype"))
    check = wechat_form.FORMS.get(kind)
    return None if check is None else check(kind, call.part(kind))


class WeChat:
    """The rules of WeCom's robot."""

    name = "wechat"
    checks: Mapping[str, Check] = {
        "method": _method,
        "enabled": _enabled,
        "json": _json,
        "kind": _kind,
        "rate": _rate,
        "form": _form,
    }
    documented = DOCUMENTED
    unknown = 93000

    def path(self, token: str) -> str:
        """``/cgi-bin/webhook/send?key={token}``."""
        return f"{_PATH}?key={token}"

    def token(self, head: Head) -> str | None:
        """``key`` of the query."""
        return head.params.get("key", "") if head.path == _PATH else None

    def stray(self, head: Head, unknown: Refusal) -> Refusal:  # noqa: ARG002 - the key alone decides
        """An absent key and an unknown one are the same to it."""
        return unknown

    def shown(self, call: Call) -> Any:
        """The message, with the titles and descriptions of news cut as the platform cuts them."""
        return wechat_form.with_cut_news(call.message) or call.payload

    def accept(self) -> Answer:
        """``errcode`` 0."""
        return _SUCCESS

    def refuse(self, refusal: Refusal, text: str, request: Request, now: float) -> Answer:
        """HTTP 200, and a hint for the vendor's own debugging page in the text."""
        hint = f"{now:.0f}{request.head.peer.replace('.', ''):0>12}"
        tail = _HINT.format(hint=hint, ip=request.head.peer, code=refusal.code)
        return json_answer({"errcode": refusal.code, "errmsg": text + tail}, refusal.status or 200)
