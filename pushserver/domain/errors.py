"""Errors that mean something to whoever asked.

PushServerError
├── QueueFull          accepting this would exceed ``queue.buffer_size``; nothing was stored
└── StoreUnavailable   the store could not commit; nothing was stored
"""


class PushServerError(Exception):
    """Base of all errors of the service."""


class QueueFull(PushServerError):  # noqa: N818 - the field's term
    """Accepting this would exceed ``queue.buffer_size``; nothing was stored."""


class StoreUnavailable(PushServerError):  # noqa: N818 - a state, not a mistake
    """The store could not commit; nothing was stored."""
