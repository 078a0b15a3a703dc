"""A message on its way in: in memory while it is small, from then on in a file of the spool."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from pushserver.domain.mail import MailContent, SpooledContent
from pushserver.relay.fingerprint import Fingerprint
from pushserver.store import SPOOL_ABOVE, Spool, SpoolFile

_T = TypeVar("_T")


class IncomingMessage:
    """Takes pieces, of which :attr:`fingerprint` takes note; what blocks for the disk runs on ``disk``.

    ``trace`` is the line that this server puts in front.
    """

    def __init__(self, mail_id: str, trace: bytes, spool: Spool, disk: Executor) -> None:
        self.fingerprint = Fingerprint()
        self.size = len(trace)
        self._memory = bytearray(trace)
        self._disk = disk
        self._file = _Spooling(mail_id, spool)

    async def write(self, piece: bytes) -> None:
        """Append to the message.

        Raises:
            StoreUnavailable: the disk is full or broken.
        """
        self.fingerprint.feed(piece)
        self._memory += piece
        self.size += len(piece)
        if len(self._memory) > SPOOL_ABOVE:
            await self._flush()

    async def complete(self) -> MailContent:
        """The whole message. A file is on the disk, and the caller's from now on.

        Raises:
            StoreUnavailable: the disk is full or broken.
        """
        if self.size <= SPOOL_ABOVE:
            return bytes(self._memory)
        await self._flush()
        content = await self._on_disk(self._file.commit)
        self._file.given = True
        return content

    def discard(self) -> None:
        """Leave nothing behind of what was not completed, without waiting for it."""
        self._memory.clear()
        if self.size > SPOOL_ABOVE:
            self._disk.submit(self._file.discard)

    async def _flush(self) -> None:
        data, self._memory = self._memory, bytearray()
        await self._on_disk(lambda: self._file.write(data))

    async def _on_disk(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)


class _Spooling:
    """The file, once there is one; used by one thread at a time, and by none after it was discarded.

    A client may leave while the disk is busy, and what it was busy with is only then discarded.
    """

    def __init__(self, mail_id: str, spool: Spool) -> None:
        self.given = False
        self._mail_id = mail_id
        self._spool = spool
        self._lock = threading.Lock()
        self._file: SpoolFile | None = None
        self._content: SpooledContent | None = None
        self._discarded = False

    def write(self, data: bytearray) -> None:
        with self._lock:
            if not self._discarded:
                self._opened().write(data)

    def commit(self) -> SpooledContent:
        with self._lock:
            self._content = self._opened().commit()
            return self._content

    def discard(self) -> None:
        with self._lock:
            self._discarded = True
            if self._file is not None:
                self._file.discard()
            if self._content is not None and not self.given:
                self._spool.remove([self._spool.name_of(self._content)])

    def _opened(self) -> SpoolFile:
        if self._file is None:
            self._file = self._spool.create(self._mail_id)
        return self._file
