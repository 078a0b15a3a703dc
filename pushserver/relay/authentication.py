"""AUTH (RFC 4954): one exchange, and what it costs to be wrong."""

import asyncio
from collections.abc import Awaitable, Callable

from pushserver.relay import replies
from pushserver.relay.limits import Limits
from pushserver.relay.sasl import MECHANISMS, BadResponse, Credentials, Exchange, Login, decoded, encoded

Ask = Callable[[bytes], Awaitable[bytes]]
"""Sends a challenge in base64, returns the line that comes back."""


class Authentication:
    """A connection's attempts to log in."""

    def __init__(self, credentials: Credentials, limits: Limits) -> None:
        self._credentials = credentials
        self._limits = limits
        self.failures = 0

    async def attempt(self, argument: str, ask: Ask) -> str:
        """The reply to ``AUTH argument``. A failed one is slow, and there are few of them."""
        if self.failures >= self._limits.auth_failures:
            return replies.AUTH_TOO_OFTEN
        mechanism, _, initial = argument.strip().partition(" ")
        start = MECHANISMS.get(mechanism.upper())
        if start is None:
            return replies.AUTH_MECHANISM
        try:
            login = await _converse(start(decoded(initial.strip().encode()) if initial else None), ask)
        except BadResponse:
            return replies.AUTH_BAD_RESPONSE
        if login is None:
            return replies.AUTH_ABORTED
        if self._credentials.match(login):
            return replies.AUTH_DONE
        self.failures += 1
        await asyncio.sleep(self._limits.auth_delay * 2 ** (self.failures - 1))
        return replies.AUTH_FAILED


async def _converse(exchange: Exchange, ask: Ask) -> Login | None:
    """The login, or ``None`` when the client has thought better of it."""
    try:
        challenge = next(exchange)
        while True:
            response = await ask(encoded(challenge))
            if response.strip() == b"*":
                return None
            challenge = exchange.send(decoded(response.strip()))
    except StopIteration as end:
        login: Login = end.value
        return login
