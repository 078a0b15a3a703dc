"""Errors of the relay.

PushServerError
├── UnusableCertificate    the certificate or key of the relay's door cannot be used
└── NoGreeting             the relay's door does not greet on its own socket
"""

from pushserver.domain import PushServerError


class UnusableCertificate(PushServerError):  # noqa: N818 - a state, not a mistake
    """The certificate or key cannot be used; the text is one line for whoever starts the service."""


class NoGreeting(PushServerError):  # noqa: N818 - a state, not a mistake
    """The door is open and does not greet: something else answers on its socket, or nothing does."""
