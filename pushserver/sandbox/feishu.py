"""Feishu's custom robot (飞书自定义机器人).

Source: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot; the order of the checks behind the
first is not documented. A token is looked at before anything else.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from pushserver.sandbox import feishu_card
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

RATE = Rate(windows=((5, 1.0), (100, 60.0)))
SIZE_LIMIT = 20 * 1024

_HOOK = "/open-apis/bot/v2/hook/"

_CARD_FAULT = "Failed to create card content, ext=ErrCode: {}; ErrMsg: {}; "
_SUCCESS = json_answer({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"})

DOCUMENTED: Mapping[Code, Documented] = {
    2200: Documented("internal error"),
    9499: Documented("Bad Request", 400),
    11232: Documented("frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"),
    19001: Documented("param invalid: incoming webhook access token invalid"),
    19002: Documented("params error, msg_type need"),
    19003: Documented("params error, content need object"),
    19004: Documented("params error, text need"),
    19007: Documented("Bot Not Enabled"),
    19021: Documented("sign match fail or timestamp is not within one hour from current time"),
    19022: Documented("Ip Not Allowed"),
    19024: Documented("Key Words Not Found"),
    19036: Documented("The message exceeds the size limit of 30KB"),
    10002: Documented(_CARD_FAULT.format(10002, "invalid color")),
    11310: Documented(_CARD_FAULT.format(11310, "element exceeds the limit")),
    100290: Documented(_CARD_FAULT.format(100290, "card content is invalid")),
    200570: Documented(_CARD_FAULT.format(200570, "card content is invalid")),
    200621: Documented(_CARD_FAULT.format(200621, "parse card json err")),
    200861: Documented(_CARD_FAULT.format(200861, "cards of schema V2 no longer support this capability")),
    230099: Documented(_CARD_FAULT.format(200621, "parse card json err")),
    99991400: Documented(
        "request trigger frequency limit",
        429,
        (("x-ogw-ratelimit-limit", "100"), ("x-ogw-ratelimit-reset", "1")),
    ),
}


def sign(secret: str, timestamp: object) -> str:
    """The signature of a body: the secret is in the key, the message is empty."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def _enabled(call: Call) -> Refusal | None:
    return Refusal(19007) if call.settings.stopped else None


def _rate(call: Call) -> Refusal | None:
    return over_rate(call, RATE, 11232)


def _size(call: Call) -> Refusal | None:
    limit = call.settings.size_limit or SIZE_LIMIT
    return _malformed(call) if len(call.request.body) > limit else None


def _json(call: Call) -> Refusal | None:
    return None if isinstance(call.payload, dict) else _malformed(call)


def _signature(call: Call) -> Refusal | None:
    secret = call.settings.secret
    if secret is None:
        return None
    timestamp, given = call.message.get("timestamp"), call.message.get("sign")
    if isinstance(given, str) and _recent(timestamp, call.now) and _same(given, sign(secret, timestamp)):
        return None
    return Refusal(19021)


def _address(call: Call) -> Refusal | None:
    return None if address_allowed(call) else Refusal(19022)


def _form(call: Call) -> Refusal | None:
    kind = call.message.get("msg_type")
    if not kind:
        return Refusal(19002)
    if kind == "interactive":
        return None
    form = _FORMS.get(kind) if isinstance(kind, str) else None
    content = call.message.get("content")
    if form is None or not isinstance(content, dict) or not form(content):
        return _malformed(call, "Bad Request: fail to parse content")
    return None


def _card(call: Call) -> Refusal | None:
    if call.message.get("msg_type") != "interactive":
        return None
    card = call.message.get("card")
    if not isinstance(card, dict):
        return _malformed(call, "Bad Request: fail to parse content")
    fault = feishu_card.fault(card)
    return None if fault is None else Refusal(fault.code, _CARD_FAULT.format(fault.code, fault.text))


def _keyword(call: Call) -> Refusal | None:
    return None if has_keyword(call) else Refusal(19024)


def _malformed(call: Call, text: str | None = None) -> Refusal:
    return Refusal(9499, text, call.settings.malformed_status)


def _recent(timestamp: Any, now: float) -> bool:
    """The documentation has a string of digits, the service takes an integer too."""
    try:
        return isinstance(timestamp, (str, int)) and abs(now - int(timestamp)) <= SIGNATURE_WINDOW
    except ValueError:
        return False


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _is_post(content: dict[str, Any]) -> bool:
    languages = content.get("post")
    if not isinstance(languages, dict) or not languages:
        return False
    return all(_is_localised_post(post) for post in languages.values())


def _is_localised_post(post: Any) -> bool:
    lines = post.get("content") if isinstance(post, dict) else None
    if not isinstance(lines, list):
        return False
    return all(
        isinstance(line, list) and all(isinstance(span, dict) and "tag" in span for span in line)
        for line in lines
    )


def _has(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda content: isinstance(content.get(name), str) and bool(content[name])


_FORMS: Mapping[str, Callable[[dict[str, Any]], bool]] = {
    "text": _has("text"),
    "post": _is_post,
    "image": _has("image_key"),
    "share_chat": _has("share_chat_id"),
}


class Feishu:
    """The rules of Feishu's robot."""

    name = "feishu"
    checks: Mapping[str, Check] = {
        "enabled": _enabled,
        "rate": _rate,
        "size": _size,
        "json": _json,
        "signature": _signature,
        "address": _address,
        "form": _form,
        "card": _card,
        "keyword": _keyword,
    }
    documented = DOCUMENTED
    unknown = 19001

    def path(self, token: str) -> str:
        """``/open-apis/bot/v2/hook/{token}``."""
        return _HOOK + token

    def token(self, head: Head) -> str | None:
        """The last part of the path; only POST leads to a robot."""
        return (
            head.path.removeprefix(_HOOK) if head.method == "POST" and head.path.startswith(_HOOK) else None
        )

    def stray(self, head: Head, unknown: Refusal) -> Refusal:  # noqa: ARG002 - the token alone decides
        """An unknown token, whatever else is wrong."""
        return unknown

    def shown(self, call: Call) -> Any:
        """The message without its signature."""
        hidden = ("timestamp", "sign")
        return {key: value for key, value in call.message.items() if key not in hidden} or call.payload

    def accept(self) -> Answer:
        """Success, with the redundant old fields."""
        return _SUCCESS

    def refuse(self, refusal: Refusal, text: str, request: Request, now: float) -> Answer:  # noqa: ARG002 - Vendor's
        """HTTP 200 for nearly all of them; the body tells."""
        documented = DOCUMENTED.get(refusal.code, Documented(text))
        status = refusal.status or documented.status
        return json_answer({"code": refusal.code, "data": {}, "msg": text}, status, documented.headers)
