"""Feishu (飞书) and Lark custom bots.

Manual: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot

``POST https://open.feishu.cn/open-apis/bot/v2/hook/{token}``; the type's key is ``msg_type``, a card stands
beside it and not inside ``content``. The whole JSON body may have 20 KB, taken as 20,000 bytes. Failures
come in the body, mostly under HTTP 200: ``code`` decides where it is present, else the older ``StatusCode``.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pushserver.domain import Level, RateLimited, Style
from pushserver.platforms.http import Answer
from pushserver.platforms.ruling import (
    Ruler,
    Ruling,
    broken,
    malformed,
    passing,
    read,
    refused_here,
    reset_after,
    rule,
    throttled,
    too_fancy,
    too_long,
    unknown,
)
from pushserver.platforms.text import json_bytes, json_cost
from pushserver.platforms.webhook import UNSIGNED, Payload, Signature, Words

_TEMPLATES = {Level.INFO: "blue", Level.WARNING: "orange", Level.ERROR: "red"}

_busy = throttled(1, 2, 4, 8, 16, 32, 60)
_RESET_HEADERS = ("x-ogw-ratelimit-reset", "retry-after")

# 9499 is "Bad Request" for a bad format, for a body over 20 KB and for too many requests: see judge().
_CODES: Mapping[int, Ruler] = {
    2200: passing(),  # internal error
    9499: malformed,  # Bad Request
    10002: too_fancy,  # invalid color
    11232: _busy,  # frequency limited
    11310: too_fancy,  # over 200 elements in a card
    19001: broken,  # incoming webhook access token invalid
    19002: too_fancy,  # params error, msg_type need
    19003: too_fancy,  # params error, content need object
    19004: too_fancy,  # params error, text need
    19007: broken,  # Bot Not Enabled
    19021: refused_here,  # sign match fail, or timestamp over an hour off
    19022: refused_here,  # Ip Not Allowed
    19024: refused_here,  # Key Words Not Found
    19036: too_long,  # The message exceeds the size limit of 30KB
    100290: too_fancy,  # card content
    200570: too_fancy,  # card content
    200621: too_fancy,  # card content: parse failure
    200861: too_fancy,  # card content: tag not supported in schema 2.0
    230099: too_fancy,  # Failed to create card content
    99991400: _busy,  # request trigger frequency limit
}
_TOO_MANY = re.compile(r"too many request|frequency limit", re.IGNORECASE)
_BAD_CARD = re.compile(r"Failed to create card content|\bErrCode: *\d+", re.IGNORECASE)


class Feishu:
    """A :class:`~pushserver.platforms.webhook.Robot`; ``secret`` is empty where the bot has no signature."""

    icons: Mapping[Level, str] = {Level.INFO: "🔵", Level.WARNING: "🟡", Level.ERROR: "🔴"}
    limits: Mapping[Style, int] = {Style.TEXT: 20_000, Style.CARD: 20_000}
    harmless: Mapping[str, Any] | None = {}

    def __init__(self, secret: str = "") -> None:
        self._secret = secret

    def cost(self, text: str, /) -> int:
        """Bytes within the JSON body."""
        return json_cost(text)

    def size(self, body: Payload) -> int:
        """Bytes of the whole body."""
        return len(json_bytes(body))

    def prepare(self, words: Words, style: Style) -> Payload:
        """A ``text`` message or a card of JSON 1.0 (2.0 needs clients from 7.20 on)."""
        if style is Style.TEXT:
            return {"msg_type": "text", "content": {"text": f"{words.title}\n\n{words.text}"}}
        return {"msg_type": "interactive", "card": _card(words)}

    def phrase(self, text: str, _style: Style, /) -> str:
        """As it is: a card's text is ``lark_md``, which callers use on purpose."""
        return text

    def sign(self, at: datetime, /) -> Signature:
        """Fields ``timestamp`` (seconds) and ``sign`` for the body."""
        if not self._secret:
            return UNSIGNED
        timestamp = str(int(at.timestamp()))
        sign = feishu_sign(self._secret, timestamp)
        return Signature({"timestamp": timestamp, "sign": sign}, "", sign)

    def judge(self, answer: Answer) -> Ruling:
        """By ``code``, else ``StatusCode``, under any HTTP status."""
        reply = read(answer)
        code = reply.code("code") if "code" in reply.fields else reply.code("StatusCode")
        text = reply.text("msg", "StatusMessage")
        if code and _TOO_MANY.search(text):
            return _throttled(_busy(code, text), answer)
        if code and code not in _CODES and _BAD_CARD.search(text):
            return too_fancy(code, text)
        return _throttled(rule(reply, code, text, _CODES, unknown), answer)


def feishu_sign(secret: str, timestamp: str) -> str:
    r"""Base64 of HMAC-SHA256 over *nothing*, keyed with ``{timestamp}\n{secret}``."""
    digest = hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _throttled(ruling: Ruling, answer: Answer) -> Ruling:
    """Where the gateway names the seconds until its limit resets, they replace the ladder."""
    reset = reset_after(answer, *_RESET_HEADERS)
    if reset is None or not isinstance(ruling.verdict, RateLimited):
        return ruling
    return replace(ruling, verdict=replace(ruling.verdict, waits=(reset,)))


def _card(words: Words) -> Payload:
    return {
        "config": {"wide_screen_mode": True},
        "header": {
            "template": _TEMPLATES[words.level],
            "title": {"tag": "plain_text", "content": words.title},
        },
        "elements": [
            {"tag": "div", "text": {"tag": "lark_md", "content": words.text}},
            {"tag": "hr"},
            {"tag": "div", "text": {"tag": "lark_md", "content": f"**发送时间:** {words.time}"}},
        ],
    }
