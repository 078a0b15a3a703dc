"""Configuration: a YAML file and the environment become frozen settings, or every fault at once."""

from pushserver.config.auth import ApiKey, AuthSettings, Scope
from pushserver.config.bursts import BreakerSettings, DigestSettings
from pushserver.config.changes import Change, Effect, Kind, compare
from pushserver.config.errors import ConfigError, Fault
from pushserver.config.loader import Loaded, load
from pushserver.config.rate import Rate
from pushserver.config.recipient import Channel, Recipient
from pushserver.config.relay import RelayAccount, RelayAuth, RelayLimits, RelaySettings, RelayTls, SmtpAccount
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
from pushserver.config.settings import Settings, SystemSettings
from pushserver.config.summary import Summary, describe
from pushserver.config.targets import MAIL_TARGET, Mail, Mailbox, Notice, TargetSettings, Webhook

__all__ = [
    "MAIL_TARGET",
    "ApiKey",
    "AuthSettings",
    "BreakerSettings",
    "Change",
    "Channel",
    "ConfigError",
    "DigestSettings",
    "Effect",
    "Fault",
    "HttpSettings",
    "Kind",
    "Loaded",
    "LogSettings",
    "Mail",
    "Mailbox",
    "Notice",
    "NotificationSettings",
    "ProcessSettings",
    "QueueSettings",
    "Rate",
    "Recipient",
    "RelayAccount",
    "RelayAuth",
    "RelayLimits",
    "RelaySettings",
    "RelayTls",
    "Scope",
    "ServerSettings",
    "Settings",
    "SmtpAccount",
    "StorageSettings",
    "Summary",
    "SystemSettings",
    "TargetSettings",
    "TaskSettings",
    "Webhook",
    "compare",
    "describe",
    "load",
]
