"""Errors of the HTTP door: those that stop a start, and those that its ports raise to be answered.

PushServerError
├── CannotListen     the address cannot be listened on: unknown host, no permission, not ours
│   └── PortInUse    somebody listens there already
├── CannotRestart    this actor or process cannot be restarted by itself
└── NotRestarted     it has not started again in time
"""

from pushserver.domain import PushServerError


class CannotListen(PushServerError):  # noqa: N818 - a state, not a mistake
    """The address cannot be listened on; the text is one line for whoever starts the service."""


class PortInUse(CannotListen):
    """Somebody listens there already."""


class CannotRestart(PushServerError):  # noqa: N818 - a state, not a mistake
    """This one cannot be restarted by itself; the text, Chinese, says why and what to do."""


class NotRestarted(PushServerError):  # noqa: N818 - a state, not a mistake
    """It has not started again in time; it may still do so."""
