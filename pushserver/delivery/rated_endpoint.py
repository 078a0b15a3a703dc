"""An endpoint whose vendor limits how often it may be called: messages wait for budget, and are merged."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from actors import ActorError, Context, receives
from actors.scheduler import Timer
from pushserver.delivery.budget import Budget
from pushserver.delivery.endpoint import Endpoint, Made, report
from pushserver.delivery.line import Line, Waiter
from pushserver.delivery.messages import Send, SendEnded, Waiting
from pushserver.delivery.meter import Meter
from pushserver.delivery.services import Services
from pushserver.delivery.showing import Queue, Showing
from pushserver.delivery.terms import Terms
from pushserver.domain import MessageRefused, Push, PushServerError, RateLimited, RefusedHere, Target
from pushserver.domain.messages import Calls, FetchCalls, RecordDigest
from pushserver.platforms import Merged, Part, Rated

_log = logging.getLogger(__name__)

STORE_TIMEOUT = 5.0
"""Seconds to wait for the store's word on the calls of earlier lives."""
ASK_AGAIN = 1.0
"""Seconds until the store is asked again after it could not say."""


@dataclass(frozen=True, slots=True)
class _Due:
    """The endpoint's reminder: somebody's wait may be over."""


class RatedEndpoint(Endpoint):
    """Lets messages wait while the budget is used up, in memory and without holding up its thread.

    Whoever waits long, or with many others, goes out together with them as one message. A restart gives all
    of them back to the channel, which sends them again.
    """

    def __init__(
        self, context: Context, *, target: Target, platform: Rated, services: Services, terms: Terms
    ) -> None:
        super().__init__(context, target=target, platform=platform, services=services, terms=terms)
        self._rated = platform
        self._terms = terms
        self._meter = Meter(Budget(terms.rates, terms.reserve), self._rest, services.rests, target.platform)
        self._line = Line()
        self._queue = Queue(self._line, self._meter, merges=terms.digest is not None)
        self._showing = Showing(target, self._health, self._queue)
        self._knows_earlier_calls = False
        self._is_hurrying = False
        self._timer: Timer | None = None
        self._timer_at = 0.0

    # Messages come -----------------------------------------------------------------------------------

    @receives(Send)
    def send(self, send: Send) -> SendEnded | Waiting | None:
        """Send it at once if there is budget and nobody before it; else it waits, or another endpoint may."""
        now = self.context.clock.monotonic()
        if refusal := self._health.refusal(now) or self._expiry(send, now):
            return self._end(send, self._unsent(refusal))
        until = self._queue.until(send, now).seconds if self._is_informed(send) else ASK_AGAIN
        if until == 0 and not self._line.ahead_of(send):
            return self._go(send)
        if not send.stays:
            return Waiting(send, now + until)
        self._line.add(Waiter(self.defer(), send, now if send.waiting_since is None else send.waiting_since))
        self._arrange()
        return None

    def _go(self, send: Send) -> SendEnded:
        made, called_by = self._call_for((send,), send.deliver.task.push)
        return self._end(send, made, called_by)

    def _call_for(self, sends: Sequence[Send], push: Push) -> tuple[Made, str]:
        """A call that counts; whom it counts for, if the vendor has been called at all."""
        before = self._rated.calls
        made = self._make(sends, push)
        calls = self._rated.calls - before
        self._meter.budget.spend(self.context.clock.monotonic(), calls)
        return made, sends[0].deliver.task.recipient if calls else ""

    def _expiry(self, send: Send, now: float) -> RateLimited | None:
        if send.waiting_since is None or now - send.waiting_since < self._terms.max_wait:
            return None
        return self._too_late()

    def _too_late(self) -> RateLimited:
        detail = f"no budget within {self._terms.max_wait:g} s (queue.max_wait)"
        return RateLimited(waits=(0.0,), detail=detail, retries=0)

    # Earlier lives -----------------------------------------------------------------------------------

    def _is_informed(self, send: Send) -> bool:
        """Is it known what earlier lives have spent? Asked once, before the first call of this one."""
        if not self._knows_earlier_calls:
            calls = self._earlier_calls(send.deliver.task.recipient)
            if calls is not None:
                self._meter.restore(calls, self.context.clock.monotonic(), self.context.clock.now())
                self._knows_earlier_calls = True
        return self._knows_earlier_calls

    def _earlier_calls(self, recipient: str) -> Calls | None:
        longest_call = 2 * self._services.send_timeout
        since = self.context.clock.now() - timedelta(seconds=self._meter.budget.longest_window + longest_call)
        question = FetchCalls(recipient, self._target, since)
        try:
            calls: Calls = self._services.store.ask(question, timeout=STORE_TIMEOUT)
        except (ActorError, PushServerError) as error:
            fields = {"recipient": recipient, "target": self._target.name, "error": str(error)}
            _log.warning("cannot read earlier calls: %s", error, extra={"action": "calls_unknown", **fields})
            return None
        return calls

    # Messages wait -----------------------------------------------------------------------------------

    @receives(_Due)
    def due(self, _: _Due) -> None:
        """Let go who has waited long enough, for budget or at all."""
        self._is_hurrying = False
        self._forget_timer()
        now = self.context.clock.monotonic()
        for waiter in self._line.expired(now - self._terms.max_wait):
            self._dismiss(waiter, self._unsent(self._too_late()))
        if self._line:
            self._serve(now)
        self._arrange()

    def _serve(self, now: float) -> None:
        if refusal := self._health.refusal(now):
            for waiter in tuple(self._line):
                self._dismiss(waiter, self._unsent(refusal))
        elif self._wait_of_first(now) == 0:
            self._send_next(now)

    def _wait_of_first(self, now: float) -> float:
        if not self._is_informed(self._line.first.send):
            return ASK_AGAIN
        return self._meter.wait(now, urgent=self._line.urgent).seconds

    def _arrange(self) -> None:
        """Come back when the first wait may be over."""
        if not self._line:
            return
        now = self.context.clock.monotonic()
        patience = self._line.longest_wait_since + self._terms.max_wait - now
        seconds = min(self._wait_of_first(now), patience)
        if seconds <= 0 or self._health.rests(now) > 0:
            self._hurry()
        elif self._timer is None or now + seconds < self._timer_at:
            self._forget_timer()
            self._timer, self._timer_at = self.after(seconds, _Due()), now + seconds

    def _hurry(self) -> None:
        """Come back at once, but behind those in the mailbox: there may be an error among them."""
        if self._is_hurrying:
            return
        self._is_hurrying = True
        try:
            self.self_ref.tell(_Due())
        except ActorError:  # no room, or the end is near
            self.after(0.0, _Due())

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _dismiss(self, waiter: Waiter, made: Made) -> None:
        self._line.remove(waiter)
        self.settle(waiter.letter, self._end(waiter.send, made))

    # Messages go -------------------------------------------------------------------------------------

    def _send_next(self, now: float) -> None:
        waiters = self._line.next(self._terms.digest, now)
        merged = self._merge(waiters)
        if merged.count == 1:
            self._send_one(waiters[0])
        else:
            self._send_digest(waiters[: merged.count], merged.push)

    def _send_one(self, waiter: Waiter) -> None:
        self._take(waiter)
        self.settle(waiter.letter, self._go(waiter.send))

    def _take(self, waiter: Waiter) -> None:
        self._line.remove(waiter)
        self.resume(waiter.letter)

    def _merge(self, waiters: Sequence[Waiter]) -> Merged:
        """A message for as many of these as fit; one that cannot be made holds up nobody."""
        first = Merged(waiters[0].send.deliver.task.push, 1)
        if len(waiters) == 1:
            return first
        tasks = [waiter.send.deliver.task for waiter in waiters]
        parts = [Part(task.id, task.push, task.created_at.astimezone()) for task in tasks]
        try:
            return self._rated.merge(parts, self.context.clock.now().astimezone())
        except Exception:  # noqa: BLE001 - a bug there must not cost a message
            fields = {"platform": self._target.platform.value, "target": self._target.name}
            _log.exception(
                "%d messages cannot be merged", len(parts), extra={"action": "digest_failed", **fields}
            )
            return first

    def _send_digest(self, waiters: Sequence[Waiter], push: Push) -> None:
        for waiter in waiters:
            self._take(waiter)
        made, called_by = self._call_for([waiter.send for waiter in waiters], push)
        if isinstance(made.verdict, RefusedHere | MessageRefused):
            self._keep_apart(waiters, made)
            return
        attempts = tuple(made.attempt(waiter.send, digest=len(waiters)) for waiter in waiters)
        self.tell(self._services.store, RecordDigest(attempts, called_by))
        self._services.metrics.digest(self._target.platform, len(waiters))
        for waiter, attempt in zip(waiters, attempts, strict=True):
            report(waiter.send, attempt)
            self.settle(waiter.letter, SendEnded(waiter.send, attempt))

    def _keep_apart(self, waiters: Sequence[Waiter], made: Made) -> None:
        """One of them may be to blame: a verdict on all of them would be unjust to the others."""
        error = made.verdict.detail or made.verdict.kind
        fields = {"platform": self._target.platform.value, "target": self._target.name, "error": error}
        _log.warning(
            "%d messages go one by one, as their digest was refused: %s",
            len(waiters),
            error,
            extra={"action": "digest_refused", **fields},
        )
        for waiter in waiters:
            self.defer(waiter.letter)
        self._line.keep_apart(waiters)
