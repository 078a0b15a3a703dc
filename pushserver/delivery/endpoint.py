"""The only actor that does I/O for a push: one webhook, one set of mailboxes, or one kind of notice."""

import logging
from dataclasses import replace
from datetime import datetime

from actors import Actor, Context, receives
from pushserver.delivery.errors import PlatformFault
from pushserver.delivery.gate import Permit
from pushserver.delivery.messages import Send, SendEnded
from pushserver.delivery.rest import Rest
from pushserver.delivery.services import Services
from pushserver.domain import Attempt, Delivered, Delivery, RateLimited, Target, Verdict
from pushserver.domain.messages import RecordAttempt
from pushserver.platforms import Platform

_log = logging.getLogger(__name__)


class Endpoint(Actor):
    """Makes one attempt at a time, in the order in which they are asked for, and stores its verdict.

    While the vendor has ordered a rest, attempts end at once as rate-limited and reach nobody.
    """

    def __init__(self, context: Context, *, target: Target, platform: Platform, services: Services) -> None:
        super().__init__(context)
        self._target = target
        self._platform = platform
        self._services = services
        self._rest = Rest()
        self._permit: Permit | None = None

    @receives(Send)
    def send(self, send: Send) -> SendEnded:
        """Make the attempt; the answer goes to the channel once the record is on its way to the store."""
        attempt = self._refuse_while_resting(send) or self._attempt(send)
        self.tell(self._services.store, RecordAttempt(attempt))
        _report(send, attempt)
        return SendEnded(send, attempt)

    def _refuse_while_resting(self, send: Send) -> Attempt | None:
        verdict = self._resting()
        return self._record(send, verdict, self.context.clock.now(), 0.0) if verdict else None

    def _attempt(self, send: Send) -> Attempt:
        """One send. What it waits at the gate is not part of it: a signature is of the moment it leaves."""
        try:
            with self.unhurried():
                self._permit = self._services.gate.enter(self._target.platform)
            started, begun = self.context.clock.now(), self.context.clock.monotonic()
            verdict = self._resting() or self._heed(self._deliver(send, started.astimezone()))
            return self._record(send, verdict, started, self.context.clock.monotonic() - begun)
        finally:  # also of a life that was replaced while it stood at the gate
            self._give_back()

    def _deliver(self, send: Send, at: datetime) -> Verdict:
        task = send.deliver.task
        delivery = Delivery(task.id, task.recipient, task.strategy, task.push, at, send.errand.only)
        with self._services.in_flight.hold(task.id, self._target):
            try:
                return self._platform.deliver(delivery)
            except Exception as error:  # noqa: BLE001 - crashes all the same, but without the text
                fault = PlatformFault(f"{type(error).__name__} while sending")
                raise fault.with_traceback(error.__traceback__) from None

    def _resting(self) -> RateLimited | None:
        now = self.context.clock.monotonic()
        remaining = max(self._rest.remaining(now), self._services.rests.remaining(self._target.platform, now))
        return RateLimited(waits=(remaining,), detail="still resting") if remaining > 0 else None

    def _heed(self, verdict: Verdict) -> Verdict:
        """Rest if the vendor says so; the verdict then names how long."""
        if not isinstance(verdict, RateLimited):
            self._rest.over()
            return verdict
        now = self.context.clock.monotonic()
        seconds = self._rest.begin(verdict, now)
        if verdict.whole_platform:
            self._services.rests.begin(self._target.platform, now + seconds)
        return replace(verdict, waits=(seconds,))

    def _give_back(self) -> None:
        if self._permit is not None:
            self._permit.release()

    def _record(self, send: Send, verdict: Verdict, started: datetime, duration: float) -> Attempt:
        return Attempt(
            task_id=send.deliver.task.id,
            target=self._target,
            round=send.deliver.order.round,
            number=send.errand.number,
            verdict=verdict,
            started_at=started,
            duration=duration,
            fallback=send.deliver.fallback,
            only=send.errand.only,
        )

    def can_sleep(self) -> bool:
        """Not while resting: the rest would be forgotten."""
        return super().can_sleep() and self._rest.remaining(self.context.clock.monotonic()) == 0

    def on_abandoned(self) -> None:
        """The send that hangs keeps nobody else from sending."""
        self._give_back()

    def on_stop(self) -> None:
        """Close the connections."""
        self._platform.close()

    def on_failure(self, *_: object) -> None:
        """Close the connections; the next life opens its own."""
        self._platform.close()


def _report(send: Send, attempt: Attempt) -> None:
    """The seed's log lines, for the people who grep them."""
    fields = {
        "platform": attempt.target.platform.value,
        "recipient": send.deliver.task.recipient,
        "target": attempt.target.name,
        "task_id": attempt.task_id,
        "verdict": attempt.verdict.kind,
    }
    if isinstance(attempt.verdict, Delivered):
        _log.info("消息推送成功", extra={"action": "delivered", **fields})
    else:
        error = attempt.verdict.detail or attempt.verdict.kind
        _log.error("消息推送失败", extra={"action": "attempt_failed", "error": error, **fields})
