"""What a push can be sent to: webhooks, mailboxes, notices. In the service a target is known by its name."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, SecretStr

from pushserver.config.bursts import OptionalShare
from pushserver.config.kinds import (
    EmailAddress,
    Headers,
    Label,
    Name,
    Proxy,
    Secret,
    Section,
    WebUrl,
    seconds,
)
from pushserver.config.rate import Rate, parse_rates
from pushserver.config.relay import SmtpAccount
from pushserver.domain import PlatformName

MAIL_TARGET = "email"
"""The name of a channel's one mail target."""

Rates = Annotated[
    tuple[Rate, ...] | None,
    PlainValidator(parse_rates),
    Field(description='rates like ["5/s", "90/min"], or off'),
]


class Robot(Section):
    """A webhook as it is written in YAML.

    ``rate``: see :func:`~.rate.parse_rates`; ``reserve`` is a share of it, ``None`` for everybody's.
    """

    url: WebUrl = SecretStr("")
    secret: Secret = SecretStr("")
    name: Name = ""
    rate: Rates = None
    reserve: OptionalShare = None
    proxy: Proxy = None


class Webhook(Robot):
    """A robot of a group chat. ``secret`` may be empty; ``proxy`` goes before ``http.proxy``."""

    platform: PlatformName


class Mailbox(Section):
    """A reader of mails; ``name`` may be empty."""

    email: EmailAddress = ""
    name: Label = ""


class Mail(BaseModel):
    """All mailboxes of a recipient: readers, not spares. ``smtp`` is ``None`` for the relay's accounts."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    smtp: SmtpAccount | None
    mailboxes: tuple[Mailbox, ...]
    name: str = MAIL_TARGET


class Notice(Section):
    """A system notice. ``path`` is for ``file``; ``url``, ``timeout`` (seconds), ``headers`` for ``http``."""

    type: Literal["console", "file", "syslog", "http"]
    name: Name = ""
    enabled: bool = True
    path: Label = "notifications/"
    url: WebUrl = SecretStr("")
    timeout: float = seconds(10, high=600)
    headers: Headers = Field(default_factory=dict)


TargetSettings = Webhook | Mail | Notice
