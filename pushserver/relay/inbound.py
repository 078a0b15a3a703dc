"""What a client sends: command lines and blocks of data, each within a time and a size."""

import asyncio
from typing import Final

BLOCK: Final = 65536
"""Bytes that are read at once, and handed on."""
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
        self._come = b""
        """As it was read: what of it was taken is not moved, nor is what follows."""
        self._taken = 0

    @property
    def pending(self) -> bool:
        """Has more come than was asked for?"""
        return self._taken < len(self._come)

    @property
    def has_line(self) -> bool:
        """Has a whole line come, for which nobody needs to wait?"""
        return self._come.find(b"\n", self._taken) >= 0

    @property
    def at_end(self) -> bool:
        """Has the client closed its side, and has everything been read?"""
        return not self.pending and self._reader.at_eof()

    def forget(self) -> None:
        """Throw away what has come (RFC 3207 section 4.2)."""
        self._come, self._taken = b"", 0

    def give_back(self, data: bytes) -> None:
        """Read this next."""
        self._come, self._taken = data + self._come[self._taken :], 0

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

    async def block(self) -> bytes:
        """Whatever comes next, at most :data:`BLOCK` bytes. Raises :class:`ClientGone`."""
        return self._take(BLOCK) if self.pending else await self._read(BLOCK)

    async def _line(self, limit: int) -> bytes:
        searched, overflown = self._taken, 0
        while (end := self._come.find(b"\n", searched)) < 0:
            begun = self._come[self._taken :]
            if len(begun) > limit:
                overflown += len(begun)
                begun = b""
                if overflown > _OVERFLOW:
                    raise LineEndless
            searched = len(begun)
            self._come, self._taken = begun + await self._read(BLOCK), 0
        line = self._take(end + 1 - self._taken)
        if overflown or len(line) > limit + 2:
            raise LineTooLong
        return line.rstrip(b"\r\n")

    async def _read(self, size: int) -> bytes:
        data = await self._reader.read(size)
        if not data:
            raise ClientGone
        return data

    def _take(self, count: int) -> bytes:
        taken = self._come[self._taken : self._taken + count]
        self._taken += len(taken)
        if not self.pending:
            self.forget()
        return taken
