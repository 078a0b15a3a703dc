"""Raises notices that belong to no task: an entry in the notification store, and every global notice."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from actors import Actor, Context, Letter, Ref, Undelivered, receives
from pushserver.delivery.course import JITTER, RetryRules
from pushserver.domain import (
    Delivered,
    Delivery,
    Push,
    RateLimited,
    Strategy,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.domain.messages import NoticeRaised, NotificationStored, RaiseNotice, StoreNotification
from pushserver.platforms import Platform

_log = logging.getLogger(__name__)

REMEMBERED: Final = 1_000
"""Notices that are not raised again for whoever asks a second time."""
STORE_AGAIN_AFTER: Final = 1.0
"""Seconds before an entry is sent again whose store failed on it."""


@dataclass(frozen=True, slots=True)
class Cry:
    """Herald to crier: say this, for the ``number``-th time. Answer: :class:`Cried`."""

    notice: RaiseNotice
    way: str
    number: int


@dataclass(frozen=True, slots=True)
class Cried:
    """Crier to herald: this is what has become of it."""

    cry: Cry
    verdict: Verdict


@dataclass(slots=True)
class _Call:
    """A notice that is being raised: the ways whose fate is open, and what is known already."""

    letter: Letter
    ways: set[str]
    stored: bool = False
    arrived: bool = False

    @property
    def over(self) -> bool:
        return self.stored and not self.ways


class Herald(Actor):
    """Raises each notice on all ``ways`` at once; what fails for now is tried again by the ``rules``.

    Its children, by the names of the ways, are criers. ``notifications`` is the notification store; the entry
    is sure to be there once whoever asked is answered. ``chance`` draws from 0..1.
    """

    def __init__(
        self,
        context: Context,
        *,
        notifications: Ref,
        ways: Sequence[str],
        rules: RetryRules,
        chance: Callable[[], float],
    ) -> None:
        super().__init__(context)
        self._notifications = notifications
        self._ways = tuple(ways)
        self._rules = rules
        self._chance = chance
        self._calls: dict[str, _Call] = {}
        self._raised: OrderedDict[str, None] = OrderedDict()

    @receives(RaiseNotice)
    def raise_notice(self, notice: RaiseNotice) -> NoticeRaised | None:
        """Begin to raise it, or answer for one that is known."""
        task_id = notice.notification.task_id
        if task_id in self._raised:
            return NoticeRaised(task_id)
        if task_id in self._calls:
            call = self._calls[task_id]
            self.settle(call.letter, None)
            call.letter = self.defer()
            return None
        self._calls[task_id] = _Call(self.defer(), set(self._ways))
        self.tell(self._notifications, StoreNotification(notice.notification))
        for way in self._ways:
            self._cry(Cry(notice, way, 1))
        return None

    @receives(Cry)
    def cry_again(self, cry: Cry) -> None:
        """The pause before another try is over."""
        self._cry(cry)

    @receives(Cried)
    def cried(self, cried: Cried) -> None:
        """A way has been tried."""
        self._judge(cried.cry, cried.verdict)

    @receives(StoreNotification)
    def store_again(self, store: StoreNotification) -> None:
        """The pause after a failure of the store is over."""
        self.tell(self._notifications, store)

    @receives(NotificationStored)
    def notification_stored(self, stored: NotificationStored) -> None:
        """The entry is there, or never will be."""
        call = self._calls.get(stored.task_id)
        if call is None:
            return
        call.stored = True
        if stored.refusal:
            _log.error(
                "系统通知未能保存",
                extra={
                    "action": "notification_not_stored",
                    "error": stored.refusal,
                    "task_id": stored.task_id,
                },
            )
        self._end_if_over(stored.task_id, call)

    @receives(Undelivered)
    def undelivered(self, notice: Undelivered) -> None:
        """A crier, or the store, could not bring this to its end."""
        match notice.message:
            case Cry() as cry:
                self._judge(cry, Transient(detail=notice.detail))
            case StoreNotification() as store:
                self.after(STORE_AGAIN_AFTER, store)

    def _cry(self, cry: Cry) -> None:
        self.tell(self.child(cry.way), cry)

    def _judge(self, cry: Cry, verdict: Verdict) -> None:
        task_id = cry.notice.notification.task_id
        call = self._calls.get(task_id)
        if call is None:
            return
        again = verdict.passing or (isinstance(verdict, Uncertain) and verdict.again and cry.number == 1)
        if again and cry.number <= self._rules.count:
            self.after(self._pause(cry.number, verdict), Cry(cry.notice, cry.way, cry.number + 1))
            return
        call.ways.discard(cry.way)
        call.arrived |= isinstance(verdict, Delivered)
        self._end_if_over(task_id, call)

    def _pause(self, number: int, verdict: Verdict) -> float:
        pause = self._rules.delay * 2.0 ** (number - 1) * (1 + JITTER * self._chance())
        return max(pause, verdict.waits[0]) if isinstance(verdict, RateLimited) else pause

    def _end_if_over(self, task_id: str, call: _Call) -> None:
        if not call.over:
            return
        del self._calls[task_id]
        self._raised[task_id] = None
        if len(self._raised) > REMEMBERED:
            self._raised.popitem(last=False)
        if self._ways and not call.arrived:
            _log.error("系统通知发送失败", extra={"action": "notice_failed", "task_id": task_id})
        self.settle(call.letter, NoticeRaised(task_id))


class Crier(Actor):
    """One way of saying it, one notice at a time."""

    def __init__(self, context: Context, *, platform: Platform) -> None:
        super().__init__(context)
        self._platform = platform

    @receives(Cry)
    def cry(self, cry: Cry) -> Cried:
        """Say it."""
        entry = cry.notice.notification
        delivery = Delivery(
            task_id=entry.task_id,
            recipient=cry.notice.recipient,
            strategy=Strategy(entry.strategy),
            push=Push(entry.title, entry.text, entry.level, entry.style),
            at=self.context.clock.now().astimezone(),
        )
        return Cried(cry, self._platform.deliver(delivery))

    def on_stop(self) -> None:
        """Close the connections."""
        self._platform.close()

    def on_failure(self, *_: object) -> None:
        """Close the connections; the next life opens its own."""
        self._platform.close()
