"""What a client sends: command lines and blocks of data, each within a time and a size."""

import asyncio
from typing import Final

BLOCK: Final = 65536
"""Bytes that are read at once, and handed on."""
_BLOCKS_AHEAD: Final = 4
"""Of content, so many are read at once: each time costs a timer."""
_OVERFLOW: Final = 1024 * 1024
"""Bytes of a line too long that are read and thrown away before the connection is closed."""


class ClientGone(Exception):  # noqa: N818 - what happened
    """The client has closed the connection, or its side of it."""


class TooSlow(Exception):  # noqa: N818 - what happened
    """What should have come has not come in time."""


class LineTooLong(Exception):  # noqa: N818 - what it is
    """The line was longer than allowed; it has been thrown away."""


class LineEndless(LineTooLong):
    """It was so much longer that it is not worth while waiting for its end."""


class Inbound:
    """A buffer in front of asyncio's reader: it tells whether the client has said more than it should yet."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._buffer = bytearray()

    @property
    def pending(self) -> bool:
        """Has more come than was asked for?"""
        return bool(self._buffer)

    @property
    def has_line(self) -> bool:
        """Has a whole line come, for which nobody needs to wait?"""
        return b"\n" in self._buffer

    @property
    def at_end(self) -> bool:
        """Has the client closed its side, and has everything been read?"""
        return not self._buffer and self._reader.at_eof()

    def forget(self) -> None:
        """Throw away what has come (RFC 3207 section 4.2)."""
        self._buffer.clear()

    def give_back(self, data: bytes) -> None:
        """Read this next."""
        self._buffer[:0] = data

    async def line(self, limit: int, seconds: float) -> bytes:
        """A line without its end, which may be a lone LF. It has to be complete within ``seconds``.

        Raises:
            ClientGone, TooSlow, LineTooLong: see there.
        """
        if self.has_line:
            return await self._line(limit)
        try:
            async with asyncio.timeout(seconds):
                return await self._line(limit)
        except TimeoutError:
            raise TooSlow from None

    async def block(self, seconds: float) -> bytes:
        """Whatever comes within ``seconds``, at most :data:`BLOCK` bytes.

        Raises:
            ClientGone, TooSlow: see there.
        """
        if not self._buffer:
            try:
                async with asyncio.timeout(seconds):
                    self._buffer += await self._read(_BLOCKS_AHEAD * BLOCK)
            except TimeoutError:
                raise TooSlow from None
        return self._take(min(len(self._buffer), BLOCK))

    async def _line(self, limit: int) -> bytes:
        searched = overflown = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            if len(self._buffer) > limit:
                overflown += len(self._buffer)
                self._buffer.clear()
                if overflown > _OVERFLOW:
                    raise LineEndless
            searched = len(self._buffer)
            self._buffer += await self._read(BLOCK)
        line = self._take(end + 1)
        if overflown or len(line) > limit + 2:
            raise LineTooLong
        return line.rstrip(b"\r\n")

    async def _read(self, size: int) -> bytes:
        data = await self._reader.read(size)
        if not data:
            raise ClientGone
        return data

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken
