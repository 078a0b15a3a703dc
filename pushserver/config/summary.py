"""What a configuration amounts to, in numbers: for ``pushserver check``, without anything secret."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from pushserver.config.settings import Settings
from pushserver.domain import PlatformName


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and addresses.

    ``channels`` and ``targets`` are by platform; ``unreachable`` counts recipients without a channel;
    ``relay`` is the relay's address, ``None`` while it is off; ``storage`` the kind of database.
    """

    recipients: int
    unreachable: int
    channels: Mapping[PlatformName, int]
    targets: Mapping[PlatformName, int]
    system_notices: int
    server: tuple[str, int]
    relay: tuple[str, int] | None
    relay_accounts: int
    storage: str


def describe(settings: Settings) -> Summary:
    """The summary of a configuration."""
    recipients = settings.recipients.values()
    channels = [channel for recipient in recipients for channel in recipient.channels]
    targets: Counter[PlatformName] = Counter()
    for channel in channels:
        targets[channel.platform] += len(channel.targets)
    relay = settings.smtp_relay
    return Summary(
        recipients=len(recipients),
        unreachable=sum(not recipient.channels for recipient in recipients),
        channels=Counter(channel.platform for channel in channels),
        targets=targets,
        system_notices=len(settings.system.notifications) if settings.system else 0,
        server=(settings.server.host, settings.server.port),
        relay=(relay.host, relay.port) if relay.enabled else None,
        relay_accounts=len(settings.relay_accounts),
        storage=settings.storage.url.partition("://")[0].partition("+")[0],
    )
