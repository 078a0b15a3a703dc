"""The port: all that the delivery actors know of a platform."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from pushserver.domain import Delivery, Verdict
from pushserver.platforms.digest import Merged, Part


class Platform(Protocol):
    """One endpoint of one platform, used by one thread at a time.

    An implementation MUST answer with a verdict for whatever the network, the vendor or the caller's text
    does, MUST end within its time-out (as far as a time-out per socket call can), and MUST NOT put a URL,
    token, secret, password or signature into a verdict. It MAY keep a connection open between deliveries.
    """

    def deliver(self, delivery: Delivery) -> Verdict:
        """One attempt, including the one degradation within it. Raises only where there is a bug."""
        ...

    def close(self) -> None:
        """Give back connections; may be called twice, and a later delivery opens new ones."""
        ...


@runtime_checkable
class Rated(Platform, Protocol):
    """A platform whose vendor limits how often it may be called, and what helps against that."""

    @property
    def calls(self) -> int:
        """How often the vendor has been called so far: a delivery that is degraded calls twice."""
        ...

    def merge(self, parts: Sequence[Part], at: datetime) -> Merged:
        """As many of these, from the first, as fit into one message that is sent at about ``at``."""
        ...

    def probe(self, at: datetime) -> Verdict | None:
        """Whether the endpoint is well, by a call that nobody sees; ``None`` where there is no such call."""
        ...
