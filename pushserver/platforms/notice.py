"""How a push looks as a system notice, for people at a console or in a directory and for programs."""

from datetime import UTC

from pushserver.domain import NOTICE_SOURCE, Delivery, Level
from pushserver.platforms.text import clean, clean_line

_RULE = "=" * 60
_LABELS = {Level.INFO: "信息", Level.WARNING: "警告", Level.ERROR: "错误"}


def banner(delivery: Delivery) -> str:
    """The notice between rules of 60 ``=``, as it stands on a console."""
    return f"\n{_RULE}\n🚨 系统通知 🚨\n{_RULE}\n{body(delivery)}{_RULE}\n"


def body(delivery: Delivery) -> str:
    """The notice as text, ending in a line end; control characters (terminal escapes) are gone."""
    push = delivery.push
    return (
        f"标题: {clean_line(push.title)}\n"
        f"类型: {push.level} ({_LABELS[push.level]})\n"
        f"接收者: {clean_line(delivery.recipient)}\n"
        f"策略: {delivery.strategy}\n"
        f"任务: {delivery.task_id}\n"
        f"时间: {delivery.at:%Y-%m-%d %H:%M:%S}\n"
        f"内容:\n{clean(push.text)}\n"
    )


def fields(delivery: Delivery) -> dict[str, str]:
    """The notice as an HTTP receiver gets it; ``timestamp`` is RFC 3339, UTC."""
    push = delivery.push
    return {
        "title": clean_line(push.title),
        "message": clean(push.text),
        "type": push.level,
        "strategy": delivery.strategy,
        "style": push.style,
        "timestamp": f"{delivery.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "source": NOTICE_SOURCE,
        "task_id": delivery.task_id,
    }
