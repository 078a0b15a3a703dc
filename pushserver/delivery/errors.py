"""What can go wrong with delivery itself.

PushServerError
└── PlatformFault   a platform's code has raised: a bug there, whatever network and vendor did
"""

from pushserver.domain import PushServerError


class PlatformFault(PushServerError):  # noqa: N818 - says where to look
    """A platform's code has raised.

    It carries the kind of the error and its traceback but not its text, which may name a webhook: this one
    is shown to clients.
    """
