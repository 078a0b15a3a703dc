"""What a transport reports instead of an answer; adapters turn each into a verdict.

PlatformError
├── NotSent         certain that the other side never had the whole message
├── AnswerLost      the message went out (or may have), its answer did not come back
├── SmtpRefused     a mail server said no before the recipients were asked, or after the content
└── Misconfigured   the endpoint's own settings make sending impossible or unsafe

``reason`` is for people and never holds a URL, token, secret, password or signature: it is built from the
*kind* of failure, because the texts of the underlying libraries quote the URL.
"""

from enum import Enum


class PlatformError(Exception):
    """Base of what a transport raises; ``reason`` is a short text for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotSent(PlatformError):  # noqa: N818 - a state of the message, not a mistake
    """Certain that the other side never had the whole message: trying again cannot double it."""


class AnswerLost(PlatformError):  # noqa: N818 - a state of the message, not a mistake
    """The whole message was handed to the network and no answer came back: it may have arrived."""


class Misconfigured(PlatformError):  # noqa: N818 - a state of the endpoint, not a mistake
    """Untrusted certificate, STARTTLS missing, unusable credential: nothing was sent, waiting is no use."""


class Stage(Enum):
    """Where in the SMTP conversation a refusal fell."""

    GREETING = "GREETING"
    AUTH = "AUTH"
    SENDER = "MAIL FROM"
    CONTENT = "DATA"


class SmtpRefused(PlatformError):  # noqa: N818 - a state of the message, not a mistake
    """A mail server refused at ``stage`` with its reply ``code``; ``passing`` when it is a 4xx."""

    def __init__(self, stage: Stage, code: int, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.code = code

    @property
    def passing(self) -> bool:
        """True for a 4xx: the server asks to come again later."""
        return self.code < 500  # noqa: PLR2004 - RFC 5321 section 4.2.1: 5yz is permanent
