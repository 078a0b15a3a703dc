"""The port: all that the delivery actors know of a platform."""

from typing import Protocol

from pushserver.domain import Delivery, Verdict


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
