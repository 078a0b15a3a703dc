"""The file's shape: recipients and platforms as they are nested in YAML, before they become targets."""

from typing import Any

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, field_validator, model_validator

from pushserver.config.auth import AuthSettings
from pushserver.config.bursts import BreakerSettings, DigestChoice, DigestSettings
from pushserver.config.kinds import Alias, Label, Section
from pushserver.config.relay import RelaySettings, SmtpAccount
from pushserver.config.sections import (
    HttpSettings,
    LogSettings,
    NotificationSettings,
    ProcessSettings,
    QueueSettings,
    ServerSettings,
    StorageSettings,
    TaskSettings,
)
from pushserver.config.targets import Mailbox, Notice, Robot
from pushserver.domain import PlatformName


class RobotChannel(Section):
    """``feishu``, ``dingtalk`` or ``wechat`` of a recipient."""

    enabled: bool = True
    webhooks: tuple[Robot, ...] = ()


class MailChannel(Section):
    """``email`` of a recipient."""

    enabled: bool = True
    smtp: SmtpAccount | None = None
    recipients: tuple[Mailbox, ...] = ()


class NoticeChannel(Section):
    """``system``, of a recipient or at the top level."""

    enabled: bool = True
    notifications: tuple[Notice, ...] = ()


AnyChannel = RobotChannel | MailChannel | NoticeChannel


class Platforms(Section):
    """The channels of a recipient; their order in the file is the order of failover."""

    feishu: RobotChannel | None = None
    dingtalk: RobotChannel | None = None
    wechat: RobotChannel | None = None
    email: MailChannel | None = None
    system: NoticeChannel | None = None

    _written: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="wrap")
    @classmethod
    def _keep_order(cls, data: Any, handler: ModelWrapValidatorHandler["Platforms"]) -> "Platforms":
        platforms = handler(data)
        written = tuple(data) if isinstance(data, dict) else ()
        platforms._written = written  # noqa: SLF001 - of this very class
        return platforms

    def in_order(self) -> list[tuple[PlatformName, AnyChannel]]:
        """The channels that are there and enabled, in the order of the file."""
        channels = ((PlatformName(key), getattr(self, key)) for key in self._written)
        return [(platform, channel) for platform, channel in channels if channel and channel.enabled]


class RecipientEntry(Section):
    """One entry of ``recipients``."""

    name: Label = ""
    digest: DigestChoice = DigestChoice()
    platforms: Platforms = Field(default_factory=Platforms)


class Document(Section):
    """The whole file."""

    server: ServerSettings = ServerSettings()
    auth: AuthSettings = AuthSettings()
    log: LogSettings = LogSettings()
    queue: QueueSettings = QueueSettings()
    digest: DigestSettings = DigestSettings()
    breaker: BreakerSettings = BreakerSettings()
    task: TaskSettings = TaskSettings()
    notifications: NotificationSettings = NotificationSettings()
    storage: StorageSettings = StorageSettings()
    processes: ProcessSettings = ProcessSettings()
    http: HttpSettings = HttpSettings()
    smtp_relay: RelaySettings = RelaySettings()
    recipients: dict[Alias, RecipientEntry]
    system: NoticeChannel | None = None

    @field_validator("recipients", mode="before")
    @classmethod
    def _empty_entries(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {alias: {} if entry is None else entry for alias, entry in value.items()}
        return value
