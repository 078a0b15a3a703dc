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
_EARLY: Final = 1.0
"""Seconds that the alarm may ring early at most."""
_BREATHE_FROM: Final = BLOCK // 4
"""Bytes that came at once; a small mail is not worth a pause."""


class Endless(Exception):  # noqa: N818 - what it is
    """The message is so much too large that waiting for its end would only cost."""


class Reception:
    """One message. A refused one is read on, into nothing: the client hears why once it listens again."""

    def __init__(self, inbound: Inbound, message: IncomingMessage, share: Share, limits: Limits) -> None:
        self._inbound = inbound
        self._message = message
        self._share = share
        self._limits = limits
        self._received = 0
        self._refusal: str | None = None

    async def run(self) -> str | None:
        """Read to the end; the refusal, if there is one.

        Raises:
            ClientGone, TooSlow, Endless: there is no end.
        """
        try:
            async with asyncio.timeout(self._limits.block) as alarm:
                await self._read(_Pace(self._limits, alarm))
        except TimeoutError:
            raise TooSlow from None
        return self._refusal

    async def _read(self, pace: "_Pace") -> None:
        decoder = DataDecoder()
        blocks = 0
        while not decoder.ended:
            chunk = await self._inbound.block()
            pace.went_on(len(chunk))
            await self._take(decoder.feed(chunk))
            if len(chunk) >= _BREATHE_FROM:
                breathe()  # the whole loop pauses: a wait of asyncio's own takes a millisecond at least
            blocks += 1
            if blocks % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        self._inbound.give_back(decoder.rest)

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
    """Puts the alarm off as the message comes: so many bytes have to come within the time for a block.

    Not for every block, since moving a timer costs as much as reading one: it may ring :data:`_EARLY` early.
    """

    def __init__(self, limits: Limits, alarm: asyncio.Timeout) -> None:
        self._limits = limits
        self._alarm = alarm
        self._clock = asyncio.get_running_loop().time
        self._missing = limits.block_bytes
        self._early = min(_EARLY, limits.block / 10)

    def went_on(self, size: int) -> None:
        """So much has come."""
        self._missing -= size
        if self._missing > 0:
            return
        self._missing = self._limits.block_bytes
        until, rings = self._clock() + self._limits.block, self._alarm.when()
        if rings is not None and until - rings > self._early:
            self._alarm.reschedule(until)
