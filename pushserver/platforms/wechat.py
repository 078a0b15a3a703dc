"""WeCom (企业微信) group robots, 消息推送.

Manual: https://developer.work.weixin.qq.com/document/path/91770, codes: path/90313

``POST https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={key}``, unsigned. The limits are bytes of the
decoded field: 2,048 for ``text.content``, 4,096 for ``markdown.content``. Answers are HTTP 200 also for
failures: ``errcode`` decides, and its text only tells a message that is too long from one that is wrong.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pushserver.domain import Level, Style
from pushserver.platforms.http import Answer
from pushserver.platforms.query import without_parameters
from pushserver.platforms.ruling import (
    Ruler,
    Ruling,
    broken,
    passing,
    read,
    rule,
    throttled,
    too_fancy,
    too_long,
    unacceptable,
    unknown,
)
from pushserver.platforms.text import utf8_cost
from pushserver.platforms.webhook import UNSIGNED, Payload, Signature, Words

_TOO_LONG = re.compile(r"exceed max length", re.IGNORECASE)


def _unless_too_long(ruler: Ruler) -> Ruler:
    return lambda code, text: (too_long if _TOO_LONG.search(text) else ruler)(code, text)


_CODES: Mapping[int, Ruler] = {
    -1: passing(retries=3),  # system busy
    6000: passing(),  # data version conflict
    40008: too_fancy,  # invalid message type
    40033: too_fancy,  # invalid character
    40035: too_fancy,  # invalid parameter
    40058: _unless_too_long(too_fancy),  # invalid Request Parameter
    40063: too_fancy,  # missing parameter
    41006: too_fancy,  # missing media_id
    44004: unacceptable,  # empty content
    45002: too_long,  # content too large
    45009: throttled(60),  # api freq out of limit
    45033: throttled(2),  # api concurrent out of limit
    93000: _unless_too_long(broken),  # invalid webhook url
    93004: broken,  # robot disabled
    93006: unacceptable,  # bad group id
    93008: broken,  # robot not in group
}


class WeChat:
    """A :class:`~pushserver.platforms.webhook.Robot` without a signature."""

    icons: Mapping[Level, str] = {Level.INFO: "📋", Level.WARNING: "⚠️", Level.ERROR: "🚨"}
    limits: Mapping[Style, int] = {Style.TEXT: 2048, Style.CARD: 4096}
    harmless: Mapping[str, Any] | None = None

    def cost(self, text: str, /) -> int:
        """Bytes as the reader will have them."""
        return utf8_cost(text)

    def size(self, body: Payload) -> int:
        """Bytes of the ``content`` field, as the reader will have it."""
        return utf8_cost(body[body["msgtype"]]["content"])

    def prepare(self, words: Words, style: Style) -> Payload:
        """A ``text`` message or, as a card, ``markdown``."""
        if style is Style.TEXT:
            return {"msgtype": "text", "text": {"content": f"{words.title}\n{words.text}"}}
        content = f"### {words.title}\n\n{words.text}\n\n---\n\n**发送时间:** {words.time}"
        return {"msgtype": "markdown", "markdown": {"content": content}}

    def phrase(self, text: str, _style: Style, /) -> str:
        """As it is: a card's text is markdown, which callers use on purpose."""
        return text

    def sign(self, _at: datetime, /) -> Signature:
        """The key in the URL is all there is."""
        return UNSIGNED

    def judge(self, answer: Answer) -> Ruling:
        """By ``errcode``."""
        reply = read(answer)
        return rule(reply, reply.code("errcode"), reply.text("errmsg"), _CODES, unknown)


def robot_url(url: str) -> str:
    """The URL without ``debug``: with it the robot takes 5 messages a minute instead of 20."""
    return without_parameters(url, "debug")
