"""The settings as the service reads them: the file's sections, and recipients with their targets."""

from collections.abc import Iterator, Mapping
from itertools import starmap

from pydantic import BaseModel, ConfigDict

from pushserver.config.auth import AuthSettings
from pushserver.config.bursts import BreakerSettings, DigestSettings
from pushserver.config.checks import is_loopback
from pushserver.config.document import (
    AnyChannel,
    Document,
    MailChannel,
    NoticeChannel,
    RecipientEntry,
    RobotChannel,
)
from pushserver.config.recipient import Channel, Recipient
from pushserver.config.relay import RelayAccount, RelaySettings, SmtpAccount
from pushserver.config.rules import default_name
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
from pushserver.config.targets import Mail, Mailbox, Notice, TargetSettings, Webhook
from pushserver.domain import PlatformName


class SystemSettings(BaseModel):
    """The last line of defence: the notices that are switched on, in the order of the file."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    notifications: tuple[Notice, ...] = ()


class Settings(BaseModel):
    """A checked configuration: frozen, picklable, and without secrets in its ``repr``.

    ``recipients`` stand in the order of the file. ``system`` is ``None`` where there is no such block, or it
    is switched off.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

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
    recipients: Mapping[str, Recipient]
    system: SystemSettings | None = None

    @property
    def relay_accounts(self) -> tuple[RelayAccount, ...]:
        """The relay's accounts that are switched on; they work whether or not the relay's door is open."""
        return tuple(account for account in self.smtp_relay.accounts if account.enabled)

    @property
    def relays_mail(self) -> bool:
        """Is there anything to do for the relay? Its accounts work without its door, for pushes by e-mail."""
        return self.smtp_relay.enabled or self.relay_accounts_configured

    @property
    def anybody_may_push(self) -> bool:
        """Whether the HTTP door asks nobody for a key, and stands open not to this machine alone."""
        return not self.auth.keys and not is_loopback(self.server.host)

    @property
    def relay_accounts_configured(self) -> bool:
        """Whether there is an account to send through."""
        return bool(self.relay_accounts)


def settings_of(document: Document) -> Settings:
    """The settings that a valid document means."""
    sections = {name: getattr(document, name) for name in Settings.model_fields}
    sections["smtp_relay"] = _relay(document.smtp_relay)
    sections["recipients"] = {
        alias: _recipient(alias, entry, document.digest) for alias, entry in document.recipients.items()
    }
    sections["system"] = _system(document.system)
    return Settings(**sections)


def _relay(relay: RelaySettings) -> RelaySettings:
    accounts = tuple(starmap(_relay_account, enumerate(relay.accounts, 1)))
    return relay.model_copy(update={"accounts": accounts})


def _relay_account(position: int, account: RelayAccount) -> RelayAccount:
    name = account.name or default_name("account", position)
    return account.model_copy(update={"name": name, "from_": account.from_ or account.username})


def _system(channel: NoticeChannel | None) -> SystemSettings | None:
    if channel is None or not channel.enabled:
        return None
    return SystemSettings(notifications=tuple(_notices(channel)))


def _recipient(alias: str, entry: RecipientEntry, digest: DigestSettings) -> Recipient:
    channels = starmap(_channel, entry.platforms.in_order())
    usable = tuple(channel for channel in channels if channel.targets)
    own = entry.digest.instead_of(digest)
    return Recipient(alias=alias, name=entry.name or alias, channels=usable, digest=own)


def _channel(platform: PlatformName, channel: AnyChannel) -> Channel:
    return Channel(platform=platform, targets=tuple(_targets(platform, channel)))


def _targets(platform: PlatformName, channel: AnyChannel) -> Iterator[TargetSettings]:
    match channel:
        case RobotChannel():
            yield from _webhooks(platform, channel)
        case MailChannel() if channel.recipients:
            yield _mail(channel)
        case MailChannel():
            pass
        case NoticeChannel():
            yield from _notices(channel)


def _webhooks(platform: PlatformName, channel: RobotChannel) -> Iterator[Webhook]:
    for position, robot in enumerate(channel.webhooks, 1):
        yield Webhook(
            platform=platform,
            name=robot.name or default_name(platform, position),
            url=robot.url,
            secret=robot.secret,
            rate=robot.rate,
            reserve=robot.reserve,
            proxy=robot.proxy,
        )


def _mail(channel: MailChannel) -> Mail:
    readers: dict[str, Mailbox] = {}
    for mailbox in channel.recipients:
        readers.setdefault(mailbox.email, mailbox)  # written twice is still one reader
    return Mail(smtp=_sender(channel.smtp), mailboxes=tuple(readers.values()))


def _sender(smtp: SmtpAccount | None) -> SmtpAccount | None:
    if smtp is None or smtp.from_:
        return smtp
    return smtp.model_copy(update={"from_": smtp.username})


def _notices(channel: NoticeChannel) -> Iterator[Notice]:
    for position, notice in enumerate(channel.notifications, 1):
        if notice.enabled:
            yield (
                notice
                if notice.name
                else notice.model_copy(update={"name": default_name(notice.type, position)})
            )
