"""Errors of the HTTP door that stop a start; what goes wrong with a request is an answer, not an error.

PushServerError
└── CannotListen     the address cannot be listened on: unknown host, no permission, not ours
    └── PortInUse    somebody listens there already
"""

from pushserver.domain import PushServerError


class CannotListen(PushServerError):  # noqa: N818 - a state, not a mistake
    """The address cannot be listened on; the text is one line for whoever starts the service."""


class PortInUse(CannotListen):
    """Somebody listens there already."""
