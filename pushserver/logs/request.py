"""Which request a thread is answering: its id stands in every line that is logged meanwhile."""

import logging
from contextvars import ContextVar
from typing import Final

current_request: Final[ContextVar[str]] = ContextVar("current_request", default="")
"""The id of the request in hand; empty between requests and outside of the HTTP door."""


class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` to what is logged during a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let everything pass."""
        if request_id := current_request.get():
            record.request_id = request_id
        return True
