"""What people read of a verdict, in the API and in notices."""

from pushserver.domain.attempt import Attempt
from pushserver.domain.push import PlatformName
from pushserver.domain.verdict import (
    Delivered,
    EndpointBroken,
    MessageRefused,
    RateLimited,
    RefusedHere,
    Transient,
    Uncertain,
    Verdict,
)

_MESSAGES: dict[type[Verdict], str] = {
    Delivered: "发送成功",
    RateLimited: "发送频率受限",
    Transient: "网络或平台暂时故障",
    EndpointBroken: "webhook地址无效",
    RefusedHere: "被该机器人拒绝 (关键词、IP或签名)",
    MessageRefused: "消息内容被平台拒绝",
    Uncertain: "结果未知，可能已送达",
}
_BROKEN = {PlatformName.EMAIL: "邮箱账户不可用", PlatformName.SYSTEM: "系统通知方式不可用"}


def message_of(attempt: Attempt) -> str:
    """The ``message`` of an attempt: its verdict in words, without codes."""
    if isinstance(attempt.verdict, EndpointBroken):
        return _BROKEN.get(attempt.target.platform, _MESSAGES[EndpointBroken])
    return _MESSAGES[type(attempt.verdict)]
