"""How much a client may take, say and wait."""

from dataclasses import dataclass
from typing import Final, Self

from pushserver.config import RelayLimits

LONGEST_COMMAND: Final = 2048
"""RFC 5321 section 4.5.3.1.4 asks for 512 and more for each extension."""
LONGEST_RESPONSE: Final = 12288
"""RFC 4954 section 4: a line of an AUTH exchange, the command included."""
HEADER_BYTES: Final = 256 * 1024
"""A header is looked into as a whole, so it is kept in memory: Postfix takes 100 KiB."""
_BLOCK: Final = 180.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Those of ``smtp_relay.limits``, and what goes with them. Bytes, counts, seconds.

    ``idle`` is for a command to come, for a reply to be read and for a TLS handshake; ``block`` for the next
    ``block_bytes`` of a message (RFC 5321 section 4.5.3.2.5); ``auth_delay`` is waited after the first failed
    login, twice as long after the second. ``accept`` is how long the store may take for a mail.
    """

    message_bytes: int = 25 * 1024 * 1024
    recipients: int = 100
    connections: int = 100
    connections_per_address: int = 20
    data_bytes: int = 256 * 1024 * 1024
    idle: float = 300.0
    auth_failures: int = 3
    bad_commands: int = 20
    block: float = _BLOCK
    block_bytes: int = 1024
    auth_delay: float = 1.0
    accept: float = 20.0

    @classmethod
    def of(cls, settings: RelayLimits) -> Self:
        """The settings' own; no block may take longer than a command."""
        return cls(
            message_bytes=settings.message_bytes,
            recipients=settings.recipients,
            connections=settings.connections,
            connections_per_address=settings.connections_per_address,
            data_bytes=settings.data_bytes,
            idle=settings.idle,
            auth_failures=settings.auth_failures,
            bad_commands=settings.bad_commands,
            block=min(settings.idle, _BLOCK),
        )

    @property
    def overflow(self) -> int:
        """How much of a message too large is read and thrown away, so that its client hears why."""
        return 2 * self.message_bytes
