"""How a mail gets from a client into the store, whatever becomes of the client meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from datetime import datetime
from typing import Final

from pushserver.domain import QueueFull, StoreUnavailable
from pushserver.domain.mail import Duplicate, Mail, RememberUnconfirmed, SpooledContent
from pushserver.store import Spool

Accept = Callable[[Mail, str], Awaitable[Duplicate | None]]
"""Stores a mail with its digest; see :class:`~pushserver.domain.mail.AcceptMail`.

Raises ``QueueFull`` or ``StoreUnavailable`` when nothing was stored; anything else leaves that open.
"""

_STORED_NOTHING: Final = (QueueFull, StoreUnavailable)


class Intake:
    """Hands mails over; what has been handed over is finished even if nobody waits for it any more.

    ``remember`` is told of mails that were stored and not confirmed.
    """

    def __init__(
        self,
        accept: Accept,
        remember: Callable[[RememberUnconfirmed], None],
        *,
        spool: Spool,
        disk: Executor,
        now: Callable[[], datetime],
    ) -> None:
        self._accept = accept
        self._remember = remember
        self._spool = spool
        self._disk = disk
        self._now = now
        self._under_way: set[asyncio.Task[Duplicate | None]] = set()

    async def hand_over(self, mail: Mail, digest: str, seconds: float) -> Duplicate | None:
        """Store the mail; its content's file is the store's afterwards, or gone.

        Raises:
            QueueFull, StoreUnavailable: nothing was stored.
            TimeoutError: no answer in time; should it still be stored, it is remembered as unconfirmed.
        """
        task = asyncio.create_task(self._store(mail, digest))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        heard = False
        try:
            await asyncio.wait([task], timeout=seconds)  # which leaves the task alone, whatever ends it
            heard = task.done()
        finally:
            if not heard:
                task.add_done_callback(lambda done: self._ended_unheard(done, mail.id, digest))
        if not heard:
            raise TimeoutError
        return task.result()

    def unconfirmed(self, mail_id: str, digest: str) -> None:
        """The client was not told that this mail was stored: it will send it again."""
        if digest:
            self._remember(RememberUnconfirmed(digest, mail_id, self._now()))

    async def settle(self, seconds: float) -> None:
        """Wait for what is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    async def _store(self, mail: Mail, digest: str) -> Duplicate | None:
        try:
            outcome = await self._accept(mail, digest)
        except _STORED_NOTHING:
            self._remove(mail)
            raise
        if outcome is not None:
            self._remove(mail)
        return outcome

    def _remove(self, mail: Mail) -> None:
        if isinstance(mail.content, SpooledContent):
            self._disk.submit(self._spool.remove, [self._spool.name_of(mail.content)])

    def _ended_unheard(self, task: asyncio.Task[Duplicate | None], mail_id: str, digest: str) -> None:
        if task.cancelled() or task.exception() is not None:
            return
        outcome = task.result()
        self.unconfirmed(mail_id if outcome is None else outcome.mail_id, digest)
