"""The SMTP relay: its door, its limits, and the accounts it sends through."""

from typing import Literal

from pydantic import Field, SecretStr

from pushserver.config.kinds import (
    EmailAddress,
    Host,
    Label,
    Name,
    OptionalPath,
    Secret,
    Section,
    seconds,
    whole,
)

_MIB = 1024 * 1024
_GIB = 1024 * _MIB
_DAY = 86_400.0


class RelayAuth(Section):
    """The one user of the relay."""

    username: Label = ""
    password: Secret = SecretStr("")


class RelayTls(Section):
    """STARTTLS at the door; ``require`` refuses AUTH and MAIL before it."""

    cert: OptionalPath = None
    key: OptionalPath = None
    require: bool = False


class RelayLimits(Section):
    """What one client, and all together, may take. Bytes, counts; ``idle`` in seconds."""

    message_bytes: int = whole(25 * _MIB, 1024, _GIB)
    recipients: int = whole(100, 1, 10_000)
    connections: int = whole(100, 1, 10_000)
    connections_per_address: int = whole(20, 1, 10_000)
    data_bytes: int = whole(256 * _MIB, 1024, 64 * _GIB)
    idle: float = seconds(300, low=1)
    auth_failures: int = whole(3, 1, 1000)
    bad_commands: int = whole(20, 1, 1000)


class SmtpAccount(Section):
    """An account at a mail server. ``tls``: from the first byte on port 465, STARTTLS on others.

    ``from_`` is the sender's bare address (``from`` in YAML; where it is left out, the username, which is an
    address then). An empty ``username`` means a server that wants none. ``timeout`` in seconds.
    """

    host: Host = ""
    port: int = whole(587, 1, 65535)
    username: Label = ""
    password: Secret = SecretStr("")
    from_: EmailAddress = Field("", alias="from")
    tls: bool = True
    timeout: float = seconds(30, high=600)


class RelayAccount(SmtpAccount):
    """One of the accounts that the relay spreads its mails over, in proportion to ``weight``."""

    name: Name = ""
    enabled: bool = True
    weight: int = whole(1, 1, 1000)
    connections: int = whole(4, 1, 100)


class RelaySettings(Section):
    """The relay. ``max_age``: seconds that a mail is tried for. Port 0 takes any free one."""

    enabled: bool = False
    port: int = whole(2525, 0, 65535)
    host: Host = "0.0.0.0"  # noqa: S104 - the documented default: the relay is meant to be reached
    auth: RelayAuth = RelayAuth()
    tls: RelayTls = RelayTls()
    from_policy: Literal["rewrite", "envelope", "keep"] = "rewrite"
    max_age: float = seconds(3 * _DAY, low=60, high=30 * _DAY)
    limits: RelayLimits = RelayLimits()
    accounts: tuple[RelayAccount, ...] = ()
