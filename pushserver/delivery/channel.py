"""A recipient's channel: carries out one order after the other with its endpoints."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from actors import Actor, Context, Letter, MailboxFull, Reason, Undelivered, receives
from pushserver.delivery.coordinator import Coordinator
from pushserver.delivery.course import Errand, outcome_of, owes_repetition
from pushserver.delivery.messages import ChannelEnded, Deliver, RepeatSend, Send, SendEnded, Waiting
from pushserver.delivery.services import Services
from pushserver.domain import Attempt, Manner, Transient, Uncertain, Verdict
from pushserver.domain.messages import RecordAttempt
from pushserver.metrics import Failover

REPEAT_AFTER = 1.0
"""Seconds before a message whose answer was lost is sent once more; ``queue.retry_delay`` if that is less."""
NOTICES_REMEMBERED = 1_000
"""Orders of the last line of defence whose answer is kept for a sender that asks again."""

_Key = tuple[str, bool, int, int]


@dataclass(slots=True)
class _Job:
    """An order being carried out."""

    letter: Letter
    deliver: Deliver
    coordinator: Coordinator[str]
    errands: dict[str, Errand]
    attempts: list[Attempt] = field(default_factory=list)
    free_at: dict[str, float] = field(default_factory=dict)
    """Of the endpoints that were passed over for want of budget."""
    waiting_since: float | None = None


class Channel(Actor):
    """Asks its endpoints, all or one after the other, and answers when the order is carried out.

    One that has no budget is passed over for one that has; where none has, the message waits at the one that
    is free first.

    A message that an endpoint could not bring to its end (it crashed, hung, or is parked) is given its
    verdict here, since the endpoint cannot speak for it.
    """

    def __init__(self, context: Context, *, services: Services) -> None:
        super().__init__(context)
        self._services = services
        self._jobs: dict[_Key, _Job] = {}
        self._notices: OrderedDict[_Key, tuple[Attempt, ...]] = OrderedDict()

    @receives(Deliver, brief=True)
    def deliver(self, deliver: Deliver) -> ChannelEnded | None:
        """Begin to carry out an order.

        The global notices outlive those who send them. An order that is known is asked for again by a sender
        that was restarted: it gets the answer, and nothing is sent twice.
        """
        key = _key(deliver)
        if key in self._jobs:
            self._answer_to_another(self._jobs[key])
            return None
        if key in self._notices:
            return ChannelEnded(deliver, self._notices[key])
        return self._begin(deliver)

    def _answer_to_another(self, job: _Job) -> None:
        self.settle(job.letter, None)
        job.letter = self.defer()

    def _begin(self, deliver: Deliver) -> ChannelEnded | None:
        order = deliver.order
        errands = {errand.target.name: errand for errand in order.errands}
        coordinator = Coordinator(deliver.manner, tuple(errands), order.ended)
        if coordinator.finished:
            return ChannelEnded(deliver, ())
        job = _Job(self.defer(), deliver, coordinator, errands)
        self._jobs[_key(deliver)] = job
        self._send(job, coordinator.start())
        return None

    @receives(SendEnded, brief=True)
    def send_ended(self, ended: SendEnded) -> None:
        """An endpoint has made its attempt."""
        job = self._jobs.get(_key(ended.send.deliver))
        if job is not None:  # else an earlier life of this channel had asked; the record is in the store
            self._go_on(job, ended.send.errand, ended.attempt)

    @receives(Waiting, brief=True)
    def endpoint_waits(self, waiting: Waiting) -> None:
        """An endpoint has no budget: is there one that has?"""
        job = self._jobs.get(_key(waiting.send.deliver))
        if job is None:
            return
        name = waiting.send.errand.target.name
        job.free_at[name] = waiting.until
        if job.waiting_since is None:
            job.waiting_since = self.context.clock.monotonic()
        self._send(job, job.coordinator.pass_over(name))
        self._wait_somewhere(job)

    @receives(RepeatSend, brief=True)
    def repeat_send(self, repeat: RepeatSend) -> None:
        """The moment after a lost answer is over."""
        job = self._jobs.get(_key(repeat.deliver))
        if job is not None:
            self._tell_endpoint(job, repeat.errand, stays=True)

    @receives(Undelivered, brief=True)
    def undelivered(self, notice: Undelivered) -> None:
        """An endpoint failed with this message in its hands, or takes none now."""
        send = notice.message
        if not isinstance(send, Send):
            return
        job = self._jobs.get(_key(send.deliver))
        if job is None:
            return
        if notice.reason is Reason.RESTARTED:  # it only waited there
            self._tell_endpoint(job, send.errand, stays=True)
        else:
            self._speak_for_endpoint(job, send.errand, _verdict_on(notice))

    def _go_on(self, job: _Job, errand: Errand, attempt: Attempt) -> None:
        job.attempts.append(attempt)
        if owes_repetition(attempt.verdict) and not errand.repeats_uncertain:
            again = Errand(errand.target, errand.number + 1, errand.only, repeats_uncertain=True)
            delay = min(REPEAT_AFTER, self._services.rules.delay)
            self.after(delay, RepeatSend(job.deliver, again))
            return
        next_ones = job.coordinator.end(errand.target.name, outcome_of(attempt))
        self._services.metrics.failover(Failover.ENDPOINT, len(next_ones))
        self._send(job, next_ones)
        self._wait_somewhere(job)
        if job.coordinator.finished:
            self._end(job)

    def _wait_somewhere(self, job: _Job) -> None:
        """Once only endpoints without budget are left: at the one that is free first."""
        if names := job.coordinator.stranded:
            first = min(names, key=job.free_at.__getitem__)
            job.coordinator.wait_for(first)
            self._tell_endpoint(job, job.errands[first], stays=True)

    def _end(self, job: _Job) -> None:
        key, ended = _key(job.deliver), ChannelEnded(job.deliver, tuple(job.attempts))
        del self._jobs[key]
        if job.deliver.fallback:
            self._remember(key, ended.attempts)
        self.settle(job.letter, ended)

    def _remember(self, key: _Key, attempts: tuple[Attempt, ...]) -> None:
        self._notices[key] = attempts
        if len(self._notices) > NOTICES_REMEMBERED:
            self._notices.popitem(last=False)

    def _send(self, job: _Job, names: Sequence[str]) -> None:
        alone = job.deliver.manner is Manner.EVERYONE or len(job.errands) == 1
        for name in names:
            self._tell_endpoint(job, job.errands[name], stays=alone)

    def _tell_endpoint(self, job: _Job, errand: Errand, *, stays: bool) -> None:
        send = Send(job.deliver, errand, stays, job.waiting_since)
        try:
            self.tell(self.child(errand.target.name), send)
        except MailboxFull as full:
            self._speak_for_endpoint(job, errand, Transient(detail=str(full)))

    def _speak_for_endpoint(self, job: _Job, errand: Errand, verdict: Verdict) -> None:
        attempt = unsent(job.deliver, errand, verdict, self.context.clock.now())
        called_by = job.deliver.task.recipient if isinstance(verdict, Uncertain) else ""
        self.tell(self._services.store, RecordAttempt(attempt, called_by))
        self._go_on(job, errand, attempt)


def unsent(deliver: Deliver, errand: Errand, verdict: Verdict, at: datetime) -> Attempt:
    """The record of an attempt that somebody else has to give for the endpoint."""
    return Attempt(
        task_id=deliver.task.id,
        target=errand.target,
        round=deliver.order.round,
        number=errand.number,
        verdict=verdict,
        started_at=at,
        duration=0.0,
        fallback=deliver.fallback,
        only=errand.only,
    )


def _key(deliver: Deliver) -> _Key:
    return (deliver.task.id, deliver.fallback, deliver.order.group, deliver.order.round)


def _verdict_on(notice: Undelivered) -> Verdict:
    """What a message's end without a verdict means.

    It may have been sent when the endpoint crashed, but what crashes an actor is not tried again; a hanging
    send is an ordinary lost answer.
    """
    if notice.reason is Reason.CRASHED:
        return Uncertain(detail=f"internal error: {notice.detail}", again=False)
    if notice.reason is Reason.STUCK:
        return Uncertain(detail=notice.detail)
    return Transient(detail=notice.detail)
