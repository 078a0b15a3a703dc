"""Reads a push request: either a value that can be stored as it stands, or a refusal that names every fault.

Pure: a decoded JSON value and the recipients go in, a :class:`PushRequest` or a :class:`Refused` comes out.
Faults are found in the order of the contract: the shape of the request (``请求参数错误``), then ``type``,
``strategy``, ``style`` and ``platform``, then what the recipient can take. The first gives the refusal its
text.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from pushserver.api.near_miss import near_miss
from pushserver.api.ports import Recipient
from pushserver.domain import Level, PlatformName, Push, Strategy, Style
from pushserver.metrics import Refusal

_Choice = TypeVar("_Choice", Level, Strategy, Style, PlatformName)

MOST_PUSHES: Final = 1000
"""The most pushes that a batch may have."""

_LEVELS = {level.value: level for level in Level}
_STYLES = {style.value: style for style in Style}
_PLATFORMS = {platform.value: platform for platform in PlatformName}
STRATEGIES = {strategy.value: strategy for strategy in Strategy if strategy is not Strategy.PLATFORM}

_OPTIONAL = ("type", "strategy", "platform", "style")
_KNOWN = frozenset({"recipient_alias", "content", *_OPTIONAL})

# NUL and lone surrogates: no store, socket or vendor takes them. The text around them still has to arrive.
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_LONGEST_QUOTE = 64
# Comparing names is the one thing here that costs more than reading them: nobody slips a hundred times.
_MOST_UNKNOWN = 100

_JSON_TYPES = {dict: "对象", list: "数组", str: "字符串", bool: "布尔值", int: "数字", float: "数字"}


@dataclass(frozen=True, slots=True)
class PushRequest:
    """A push that may be stored: everything in it is valid for its recipient.

    ``platform`` is set exactly when ``strategy`` is :attr:`Strategy.PLATFORM`.
    """

    recipient: str
    strategy: Strategy
    platform: PlatformName | None
    push: Push


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the field, the reason, and what the refusal says if this fault comes first."""

    field: str
    reason: str
    message: str
    kind: Refusal = Refusal.INVALID


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that cannot be stored; ``message`` is the first fault's, and ``kind`` what it counts as."""

    message: str
    faults: tuple[Fault, ...] = ()
    kind: Refusal = Refusal.INVALID

    @property
    def errors(self) -> list[dict[str, str]]:
        """All faults, as the envelope lists them."""
        return [{"field": fault.field, "reason": fault.reason} for fault in self.faults]


def read_push(body: object, recipients: Mapping[str, Recipient]) -> PushRequest | Refused:
    """Read one push from a decoded JSON value."""
    if not isinstance(body, dict):
        return Refused(f"请求参数错误: 需要JSON对象，收到的是{_json_type(body)}")
    reader = _Reader(body, recipients)
    request = reader.read()
    if reader.faults:
        first = reader.faults[0]
        return Refused(first.message, tuple(reader.faults), first.kind)
    return request


def read_pushes(body: object) -> list[object] | Refused:
    """The pushes of a batch, each still to be read, from a decoded JSON value."""
    if not isinstance(body, dict):
        return Refused(f"请求参数错误: 需要JSON对象，收到的是{_json_type(body)}")
    pushes = body.get("pushes")
    if "pushes" not in body:
        fault = _shape_fault("pushes", "缺少必填字段")
    elif not isinstance(pushes, list):
        fault = _shape_fault("pushes", f"必须是数组，收到的是{_json_type(pushes)}")
    elif len(pushes) > MOST_PUSHES:
        fault = _shape_fault("pushes", f"最多 {MOST_PUSHES} 条，收到了 {len(pushes)} 条")
    else:
        return pushes
    return Refused(fault.message, (fault,))


def _json_type(value: object) -> str:
    """What JSON calls this value, in Chinese."""
    return _JSON_TYPES.get(type(value), "null")


class _Reader:
    """One reading of one body. Faults gather in reading order; with any of them the result is worthless."""

    def __init__(self, body: Mapping[str, Any], recipients: Mapping[str, Recipient]) -> None:
        self._body = body
        self._recipients = recipients
        self.faults: list[Fault] = []

    def read(self) -> PushRequest:
        self._check_names()
        alias = self._required(self._body, "recipient_alias")
        title, text = self._content()
        given = self._given_options()
        level = self._choose("type", given, _LEVELS, "无效的消息类型: {}，只支持 info, warning, error")
        strategy = self._choose("strategy", given, STRATEGIES, "无效的发送策略: {}")
        style = self._choose("style", given, _STYLES, "无效的消息样式: {}，只支持 text, card")
        platform = self._choose("platform", given, _PLATFORMS, "无效的推送平台: {}")
        if alias:
            self._check_recipient(alias, platform)
        return PushRequest(
            recipient=alias,
            strategy=Strategy.PLATFORM if platform else strategy or Strategy.FAILOVER,
            platform=platform,
            push=Push(_storable(title), _storable(text), level or Level.INFO, style or Style.TEXT),
        )

    # The shape of the request -------------------------------------------------------------------------

    def _check_names(self) -> None:
        """Refuse a near miss of an optional field: dropped silently, it would change where a message goes."""
        for name in islice((name for name in self._body if name not in _KNOWN), _MOST_UNKNOWN):
            if meant := near_miss(name, _OPTIONAL):
                self._misshapen(_quote(name), f"是未知字段，是否想写 {meant}？")

    def _content(self) -> tuple[str, str]:
        content = self._body.get("content")
        if isinstance(content, dict):
            return self._required(content, "title", "content."), self._required(content, "msg", "content.")
        reason = f"必须是对象，收到的是{_json_type(content)}" if "content" in self._body else "缺少必填字段"
        self._misshapen("content", reason)
        return "", ""

    def _required(self, within: Mapping[str, Any], name: str, prefix: str = "") -> str:
        value = within.get(name)
        if isinstance(value, str) and value.strip():
            return value
        self._misshapen(prefix + name, self._why_not(within, name))
        return ""

    @staticmethod
    def _why_not(within: Mapping[str, Any], name: str) -> str:
        if name in within:
            value = within[name]
            return "不能为空" if value is None or isinstance(value, str) else _not_a_string(value)
        written = next((key for key in islice(within, _MOST_UNKNOWN) if near_miss(key, (name,))), None)
        return f"缺少必填字段（收到了 {_quote(written)}，是否想写 {name}？）" if written else "缺少必填字段"

    def _given_options(self) -> dict[str, str]:
        """The optional fields that are there; ``null`` and the empty string are absence."""
        given = {name: self._body[name] for name in _OPTIONAL if self._body.get(name) not in (None, "")}
        if "platform" in given:
            given.pop("strategy", None)
        for name in [name for name, value in given.items() if not isinstance(value, str)]:
            self._misshapen(name, _not_a_string(given.pop(name)))
        return given

    def _misshapen(self, field: str, reason: str) -> None:
        self.faults.append(_shape_fault(field, reason))

    # The values ---------------------------------------------------------------------------------------

    def _choose(
        self, name: str, given: Mapping[str, str], choices: Mapping[str, _Choice], message: str
    ) -> _Choice | None:
        written = given.get(name)
        if written is None:
            return None
        if written not in choices:
            reason = f"收到 {_quote(written)}，只支持 {', '.join(choices)}"
            self.faults.append(Fault(name, reason, message.format(_quote(written))))
            return None
        return choices[written]

    def _check_recipient(self, alias: str, platform: PlatformName | None) -> None:
        recipient = self._recipients.get(alias)
        if recipient is None:
            self._unreachable("recipient_alias", "接收者不存在", f"接收者不存在: {_quote(alias)}")
            return
        usable = {channel.platform for channel in recipient.channels if channel.targets}
        if platform and platform not in usable:
            self._unreachable("platform", "接收者未启用该平台", f"接收者未启用平台: {platform}")
        if not usable:
            self._unreachable("recipient_alias", "接收者没有可用渠道", f"接收者没有可用渠道: {_quote(alias)}")

    def _unreachable(self, field: str, reason: str, message: str) -> None:
        self.faults.append(Fault(field, reason, message, Refusal.RECIPIENT))


def _shape_fault(field: str, reason: str) -> Fault:
    return Fault(field, reason, f"请求参数错误: {field} {reason}")


def _not_a_string(value: object) -> str:
    return f"必须是字符串，收到的是{_json_type(value)}"


def _storable(text: str) -> str:
    return _NOT_TEXT.sub("\ufffd", text)


def _quote(written: str) -> str:
    return written if len(written) <= _LONGEST_QUOTE else f"{written[:_LONGEST_QUOTE]}…"
