"""Reads a message off a connection up to its end, or to where it is not worth while to go on."""

import asyncio
from typing import Final

from actors.cpu import breathe
from pushserver.domain import StoreUnavailable
from pushserver.relay import replies
from pushserver.relay.budget import Share
from pushserver.relay.decoder import DataDecoder
from pushserver.relay.inbound import BLOCK, Inbound, TooSlow
from pushserver.relay.incoming import IncomingMessage
from pushserver.relay.limits import Limits

_YIELD_EVERY: Final = 16
"""Blocks after which others have a turn: a reader whose buffer is never empty does not wait."""


class Endless(Exception):  # noqa: N818 - what it is
    """The message is so much too large that waiting for its end would only cost."""


class Reception:
    """One message. A refused one is read on, into nothing: the client hears why once it listens again."""

    def __init__(self, inbound: Inbound, message: IncomingMessage, share: Share, limits: Limits) -> None:
        self._inbound = inbound
        self._message = message
        self._share = share
        self._limits = limits
        self._pace = _Pace(limits)
        self._received = 0
        self._refusal: str | None = None

    async def run(self) -> str | None:
        """Read to the end; the refusal, if there is one.

        Raises:
            ClientGone, TooSlow, Endless: there is no end.
        """
        decoder = DataDecoder()
        blocks = 0
        while not decoder.ended:
            chunk = await self._inbound.block(self._pace.left())
            self._pace.went_on(len(chunk))
            await self._take(decoder.feed(chunk))
            if len(chunk) == BLOCK:
                breathe()  # the whole loop pauses: a wait of asyncio's own takes a millisecond at least
            blocks += 1
            if blocks % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        self._inbound.give_back(decoder.rest)
        return self._refusal

    async def _take(self, piece: bytes) -> None:
        self._received += len(piece)
        if self._refusal is None:
            self._refusal = self._objection(len(piece)) or await self._written(piece)
            if self._refusal is not None:
                self._message.discard()
        if self._received > self._limits.overflow:
            raise Endless

    def _objection(self, size: int) -> str | None:
        if self._received > self._limits.message_bytes:
            return replies.CONTENT_TOO_LARGE
        return None if self._share.take(size) else replies.NO_ROOM

    async def _written(self, piece: bytes) -> str | None:
        try:
            await self._message.write(piece)
        except StoreUnavailable:
            return replies.NO_ROOM
        return replies.CONTENT_HEADER if self._message.fingerprint.header_too_long else None


class _Pace:
    """Says how long to wait for more: so many bytes have to come within the time for a block."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._clock = asyncio.get_running_loop().time
        self._missing = limits.block_bytes
        self._until = self._clock() + limits.block

    def left(self) -> float:
        """Seconds. Raises :class:`TooSlow` when there are none."""
        left = self._until - self._clock()
        if left <= 0:
            raise TooSlow
        return left

    def went_on(self, size: int) -> None:
        """So much has come."""
        self._missing -= size
        if self._missing <= 0:
            self._missing = self._limits.block_bytes
            self._until = self._clock() + self._limits.block
