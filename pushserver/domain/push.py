"""What a caller asks for: a push to a recipient, and the task that it becomes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pushserver.domain.strategy import Strategy


class Level(StrEnum):
    """How bad it is; the API calls this ``type``."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Style(StrEnum):
    """How a message looks where the platform has a choice."""

    TEXT = "text"
    CARD = "card"


class PlatformName(StrEnum):
    """The channels a recipient may have; ``wechat`` is WeCom (企业微信)."""

    FEISHU = "feishu"
    DINGTALK = "dingtalk"
    WECHAT = "wechat"
    EMAIL = "email"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Push:
    """What is to be said, independent of who hears it and how."""

    title: str
    text: str
    level: Level = Level.INFO
    style: Style = Style.TEXT


@dataclass(frozen=True, slots=True)
class Task:
    """An accepted push: from here on the service owes its delivery.

    ``platform`` is set exactly when ``strategy`` is :attr:`Strategy.PLATFORM`. ``created_at`` is aware, UTC.
    """

    id: str
    recipient: str
    strategy: Strategy
    platform: PlatformName | None
    push: Push
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One push on its way to one target: all that a platform gets to see.

    ``at`` is the moment of this attempt, aware and in local time, as people read it; signatures are made
    from it too. ``only`` names the mailboxes that are still owed a mail; empty means all of them.
    """

    task_id: str
    recipient: str
    strategy: Strategy
    push: Push
    at: datetime
    only: tuple[str, ...] = ()
