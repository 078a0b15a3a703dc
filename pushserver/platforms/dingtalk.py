"""DingTalk (钉钉) custom robots.

Manual: https://open.dingtalk.com/document/orgapp/custom-robot-access, signature:
https://open.dingtalk.com/document/orgapp/customize-robot-security-settings

``POST https://oapi.dingtalk.com/robot/send?access_token={token}``, signed by ``timestamp`` and ``sign`` in
the query. The whole JSON body may have 20,000 bytes. Answers are HTTP 200 also for failures: ``errcode``
decides. The code for "too fast" has changed three times, so the text is looked at before the code.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pushserver.domain import Level, Style
from pushserver.platforms.http import Answer
from pushserver.platforms.query import without_parameters
from pushserver.platforms.ruling import (
    Reply,
    Ruler,
    Ruling,
    broken,
    passing,
    read,
    refused_here,
    rule,
    throttled,
    too_fancy,
    too_long,
    unacceptable,
    unknown,
)
from pushserver.platforms.text import json_bytes, json_cost
from pushserver.platforms.webhook import UNSIGNED, Payload, Signature, Words

# 20 messages a minute, and beyond that the robot may be locked for ten.
_too_fast = throttled(60, 600)
# 10,000 calls in 20 seconds from one address: everything from here is blocked for five minutes.
_address_blocked = throttled(300, whole_platform=True)


def _missing_parameter(code: int, text: str) -> Ruling:
    return (broken if "access_token" in text else too_fancy)(code, text)


_CODES: Mapping[int, Ruler] = {
    -1: passing(retries=3),  # 系统繁忙
    40035: _missing_parameter,  # 缺少参数 …
    43002: unacceptable,  # 需要POST请求
    43004: unacceptable,  # 无效的HTTP HEADER Content-Type
    90002: _too_fast,  # sub-code of 88
    90018: _too_fast,  # sub-code of 88
    90030: throttled(600, 3600),  # webhook over limit: a daily quota
    130101: _too_fast,  # send too fast, exceed 20 times per minute
    300001: broken,  # token is not exist
    300005: broken,  # token is not exist
    310000: refused_here,  # keywords, signature, timestamp or IP
    400013: broken,  # 群已被解散
    400101: broken,  # access_token不存在
    400102: broken,  # 机器人已停用
    400105: too_fancy,  # 不支持的消息类型
    400106: broken,  # 机器人不存在
    410100: _too_fast,  # 发送速度太快而限流
    430101: unacceptable,  # unsafe link
    430102: unacceptable,  # unsafe text
    430103: unacceptable,  # unsafe image
    430104: unacceptable,  # unsafe content
    460101: too_long,  # message too long, exceed 20000 bytes
    660026: _too_fast,  # sending too many messages per minute
}
_SINGLE_LINE_END = re.compile(r"(?<!\n)\n(?!\n)")
_GENERIC_GATEWAY = 88
_SUB_CODE = re.compile(r"sub_?code\W{0,3}(-?\d{1,9})", re.IGNORECASE | re.ASCII)
_TOO_FAST = re.compile(r"too fast|too many|exceed .{0,40}per minute|限流|太快", re.IGNORECASE)
_ADDRESS_BLOCKED = re.compile(r'"source"\s*:\s*"x5"|"punish"\s*:\s*"deny"')


class DingTalk:
    """A :class:`~pushserver.platforms.webhook.Robot`; ``secret`` is the whole ``SEC…``, or empty."""

    icons: Mapping[Level, str] = {Level.INFO: "ℹ️", Level.WARNING: "⚠️", Level.ERROR: "❌"}
    limits: Mapping[Style, int] = {Style.TEXT: 20_000, Style.CARD: 20_000}
    harmless: Mapping[str, Any] | None = None

    def __init__(self, secret: str = "") -> None:
        self._secret = secret

    def cost(self, text: str, /) -> int:
        """Bytes within the JSON body."""
        return json_cost(text)

    def size(self, body: Payload) -> int:
        """Bytes of the whole body."""
        return len(json_bytes(body))

    def prepare(self, words: Words, style: Style) -> Payload:
        """A ``text`` message or, as a card, ``markdown``: an ``actionCard`` would need a button."""
        if style is Style.TEXT:
            return {"msgtype": "text", "text": {"content": f"{words.title}\n{words.text}"}}
        text = f"### {words.title}\n\n{words.text}\n\n---\n\n**发送时间:** {words.time}"
        return {"msgtype": "markdown", "markdown": {"title": words.title, "text": text}}

    def phrase(self, text: str, style: Style, /) -> str:
        """In markdown, single line ends become hard ones: DingTalk runs such lines together otherwise."""
        return _SINGLE_LINE_END.sub("  \n", text) if style is Style.CARD else text

    def sign(self, at: datetime, /) -> Signature:
        """Query parameters ``timestamp`` (milliseconds) and ``sign``, percent-encoded exactly once."""
        if not self._secret:
            return UNSIGNED
        timestamp = str(int(at.timestamp() * 1000))
        sign = dingtalk_sign(self._secret, timestamp)
        return Signature({}, f"timestamp={timestamp}&sign={quote(sign, safe='')}", sign)

    def judge(self, answer: Answer) -> Ruling:
        """By ``errcode``; throttling also by text."""
        reply = read(answer)
        code, text = reply.code("errcode"), reply.text("errmsg")
        if code != 0 and _ADDRESS_BLOCKED.search(reply.raw):
            return _address_blocked(code or answer.status, text or "调用过于频繁，本机IP被限制")
        if code and _TOO_FAST.search(text):
            return _too_fast(code, text)
        if code == _GENERIC_GATEWAY:
            code = _sub_code(reply, text)
        return rule(reply, code, text, _CODES, unknown)


def robot_url(url: str) -> str:
    """The URL without a ``timestamp`` and ``sign`` that were pasted along with it: they are long stale."""
    return without_parameters(url, "timestamp", "sign")


def dingtalk_sign(secret: str, timestamp: str) -> str:
    r"""Base64 of HMAC-SHA256 over ``{timestamp}\n{secret}``, keyed with the secret; not percent-encoded."""
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _sub_code(reply: Reply, text: str) -> int:
    """What code 88 of the generic gateway stands for."""
    named = reply.code("sub_code", "subcode")
    match = _SUB_CODE.search(text)
    return named or (int(match[1]) if match else 0) or _GENERIC_GATEWAY
