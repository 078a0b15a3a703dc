"""The only actor that does I/O for a push: one webhook, one set of mailboxes, or one kind of notice."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from actors import Actor, Context, receives
from pushserver.delivery.errors import PlatformFault
from pushserver.delivery.gate import Permit
from pushserver.delivery.health import Health
from pushserver.delivery.messages import Send, SendEnded, Waiting
from pushserver.delivery.rest import Rest
from pushserver.delivery.services import Services
from pushserver.delivery.showing import Showing
from pushserver.delivery.terms import Terms
from pushserver.domain import Attempt, Delivered, Delivery, Push, RateLimited, Target, Verdict
from pushserver.domain.messages import RecordAttempt
from pushserver.platforms import Platform, Rated

_log = logging.getLogger(__name__)


_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Made:
    """What a call came to; ``duration`` is seconds."""

    verdict: Verdict
    started: datetime
    duration: float

    def attempt(self, send: Send, digest: int = 0) -> Attempt:
        """The record of it, as far as it concerns one send; ``digest`` is how many it was for."""
        return Attempt(
            task_id=send.deliver.task.id,
            target=send.errand.target,
            round=send.deliver.order.round,
            number=send.errand.number,
            verdict=self.verdict,
            started_at=self.started,
            duration=self.duration,
            fallback=send.deliver.fallback,
            only=send.errand.only,
            digest=digest,
        )


class Endpoint(Actor):
    """Makes one attempt at a time, in the order in which they are asked for, and stores its verdict.

    While the vendor has ordered a rest, attempts end at once as rate-limited and reach nobody; so do, as
    failures that pass, those that come while its breaker is open.
    """

    def __init__(
        self, context: Context, *, target: Target, platform: Platform, services: Services, terms: Terms
    ) -> None:
        super().__init__(context)
        self._target = target
        self._platform = platform
        self._services = services
        self._rest = Rest()
        self._health = Health(terms.breaker)
        self._permit: Permit | None = None
        self._showing = Showing(target, self._health)

    @receives(Send)
    def send(self, send: Send) -> SendEnded | Waiting | None:
        """Make the attempt; the answer goes to the channel once the record is on its way to the store."""
        verdict = self._health.refusal(self.context.clock.monotonic()) or self._resting()
        made = self._unsent(verdict) if verdict else self._make((send,), send.deliver.task.push)
        return self._end(send, made)

    def _end(self, send: Send, made: Made, called_by: str = "") -> SendEnded:
        attempt = made.attempt(send)
        self.tell(self._services.store, RecordAttempt(attempt, called_by))
        report(send, attempt)
        return SendEnded(send, attempt)

    def _unsent(self, verdict: Verdict) -> Made:
        return Made(verdict, self.context.clock.now(), 0.0)

    # Calls -------------------------------------------------------------------------------------------

    def _make(self, sends: Sequence[Send], push: Push) -> Made:
        """One call, for one or several sends.

        What it waits at the gate is not part of it: a signature is of the moment it leaves.
        """
        try:
            with self.unhurried():
                self._permit = self._services.gate.enter(self._target.platform)
            started, begun = self.context.clock.now(), self.context.clock.monotonic()
            verdict = self._resting() or self._probe(started) or self._deliver(sends, push, started)
            return Made(verdict, started, self.context.clock.monotonic() - begun)
        finally:  # also of a life that was replaced while it stood at the gate
            self._give_back()

    def _probe(self, at: datetime) -> Verdict | None:
        """Let an ill endpoint show that it is well by a call that nobody sees, or else by the message itself.

        Returns the verdict on the message if it is not.
        """
        if not self._health.is_ill:
            return None
        self._health.begin_probe(self.context.clock.monotonic())
        answer = self._probed(at)
        if answer is None or self._health.is_well:
            return None
        return answer if isinstance(answer, RateLimited) else self._health.excuse("after a probe")

    def _probed(self, at: datetime) -> Verdict | None:
        platform = self._platform
        if not isinstance(platform, Rated):
            return None
        answer = self._call(lambda: platform.probe(at.astimezone()))
        return None if answer is None else self._heed(answer)

    def _deliver(self, sends: Sequence[Send], push: Push, at: datetime) -> Verdict:
        first, task = sends[0], sends[0].deliver.task
        delivery = Delivery(task.id, task.recipient, task.strategy, push, at.astimezone(), first.errand.only)
        with self._in_hand(sends):
            verdict = self._call(lambda: self._platform.deliver(delivery))
        return self._heed(verdict)

    def _in_hand(self, sends: Sequence[Send]) -> AbstractContextManager[object]:
        """Note in the flight recorder what a process would have in its hands if it died now."""
        held = [self._services.in_flight.hold(send.deliver.task.id, self._target) for send in sends]
        if len(held) == 1:
            return held[0]
        all_of_them = ExitStack()
        for each in held:
            all_of_them.enter_context(each)
        return all_of_them

    def _call(self, call: Callable[[], _Answer]) -> _Answer:
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - crashes all the same, but without the text
            fault = PlatformFault(f"{type(error).__name__} while sending")
            raise fault.with_traceback(error.__traceback__) from None

    def _resting(self) -> RateLimited | None:
        now = self.context.clock.monotonic()
        remaining = max(self._rest.remaining(now), self._services.rests.remaining(self._target.platform, now))
        return RateLimited(waits=(remaining,), detail="still resting") if remaining > 0 else None

    def _heed(self, verdict: Verdict) -> Verdict:
        """Learn from the vendor's answer, and rest if it says so; the verdict then names how long."""
        now = self.context.clock.monotonic()
        self._health.note(verdict, now)
        if not isinstance(verdict, RateLimited):
            self._rest.over()
            return verdict
        seconds = self._rest.begin(verdict, now)
        if verdict.whole_platform:
            self._services.rests.begin(self._target.platform, now + seconds)
        return replace(verdict, waits=(seconds,))

    def _give_back(self) -> None:
        if self._permit is not None:
            self._permit.release()

    # Life --------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Let myself be seen."""
        self._services.board.put(self.context.address, self._showing)

    def status_note(self) -> str:
        """See :meth:`actors.Actor.status_note`."""
        return self._showing.words(self.context.clock.monotonic())

    def can_sleep(self) -> bool:
        """Not while resting: the rest would be forgotten."""
        now = self.context.clock.monotonic()
        return super().can_sleep() and self._rest.remaining(now) == 0 and self._health.rests(now) == 0

    def on_abandoned(self) -> None:
        """The send that hangs keeps nobody else from sending."""
        self._give_back()
        self._disappear()

    def on_stop(self) -> None:
        """Close the connections."""
        self._platform.close()
        self._disappear()

    def on_failure(self, *_: object) -> None:
        """Close the connections; the next life opens its own."""
        self.on_stop()

    def _disappear(self) -> None:
        self._services.board.remove(self.context.address, self._showing)


def report(send: Send, attempt: Attempt) -> None:
    """The seed's log lines, for the people who grep them."""
    digest = {"digest": attempt.digest} if attempt.digest else {}
    fields = {
        "platform": attempt.target.platform.value,
        "recipient": send.deliver.task.recipient,
        "target": attempt.target.name,
        "task_id": attempt.task_id,
        "verdict": attempt.verdict.kind,
    }
    if isinstance(attempt.verdict, Delivered):
        _log.info("消息推送成功", extra={"action": "delivered", **fields, **digest})
    else:
        error = attempt.verdict.detail or attempt.verdict.kind
        _log.error("消息推送失败", extra={"action": "attempt_failed", "error": error, **fields, **digest})
