"""How a coroutine asks an actor without blocking its loop."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pykka

from actors import ActorError, ActorUnavailable, Letter, MailboxFull, Ref
from pushserver.domain import QueueFull, StoreUnavailable
from pushserver.domain.mail import AcceptMail, Duplicate, Mail


class LoopReply(pykka.Future[Any]):
    """The answer to a letter, for the loop that asked; set by the actor's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self.answer: asyncio.Future[Any] = loop.create_future()

    def set(self, value: Any = None) -> None:
        """Answer."""
        self._call(self._resolve, value)

    def set_exception(self, exc_info: Any = None) -> None:
        """Answer with a failure, ``(type, value, traceback)``."""
        self._call(self._fail, exc_info[1])

    def _call(self, settle: Any, outcome: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(settle, outcome)

    def _resolve(self, value: Any) -> None:
        if not self.answer.done():
            self.answer.set_result(value)

    def _fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


async def ask(ref: Ref, message: Any, clock: Callable[[], float] = time.monotonic) -> Any:
    """As :meth:`actors.Ref.ask`, for as long as the caller cares to wait. ``clock`` is the actor's."""
    reply = LoopReply(asyncio.get_running_loop())
    ref.deliver(Letter(message, at=clock(), reply_to=reply))
    return await reply.answer


class StoreDesk:
    """The mail store as the door sees it. What waits while it commits shares the next commit.

    ``clock`` is that of the store's system, monotonic.
    """

    def __init__(self, store: Ref, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock

    async def accept(self, mail: Mail, digest: str) -> Duplicate | None:
        """See :data:`pushserver.relay.intake.Accept`."""
        try:
            answer = await ask(self._store, AcceptMail(mail, digest), self._clock)
        except MailboxFull as error:
            raise QueueFull(str(error)) from error
        except ActorUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        if isinstance(answer, Duplicate):
            return answer
        return None

    def tell(self, message: Any) -> None:
        """What the store is to know; lost when it takes no messages."""
        with suppress(ActorError):
            self._store.tell(message)
