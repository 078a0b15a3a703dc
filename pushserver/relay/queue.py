"""The relay's queue: takes what is due from the store, hands it to accounts, writes down what became of it.

Each mail makes a *journey*: over one account after the other, until every recipient of its envelope has
either got it or been refused for good, or every account has failed; then it goes back to the store until its
next turn. What is final is stored as soon as it is known, with the reports that it causes, in one
transaction; what is not can be forgotten at any moment, because the store still has the mail.
"""

import logging
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from actors import Actor, ActorError, Context, Reason, Ref, Undelivered, receives
from pushserver.domain.mail import (
    AccountCounts,
    FetchDueMails,
    Mail,
    MailEnvelope,
    MailError,
    MailErrorKind,
    MailReceipt,
    MailResult,
    MailsReady,
    MailState,
    MarkNotified,
    QueuedMail,
    RecordMailResults,
    SubmitMail,
)
from pushserver.domain.messages import NoticeRaised, RaiseNotice
from pushserver.relay import dsn, schedule
from pushserver.relay.counting import counts_of
from pushserver.relay.selection import choose
from pushserver.store import read_content

_log = logging.getLogger(__name__)

SWEEP_INTERVAL: Final = 5.0
"""Seconds between two looks for mails that are due; new ones are told of."""
MOST_IN_HAND: Final = 200
"""Mails on their journey at once."""
REFILL: Final = 50
"""So many are looked for at once, and have to come to an end before a full hand is filled up: a look has its
price, and what it asks for is kept free until it is back."""
LOST_ANSWER: Final = "结果未知，服务器未答复"
"""The reason of a try whose answer was lost: the next one goes over the same account."""
EXPIRED: Final = "-expired"
"""What the notice of an expired mail is known by, behind the mail's id; the first one has the id alone."""


@dataclass(frozen=True, slots=True)
class Route:
    """An account as the queue sees it."""

    ref: Ref
    address: str
    weight: int
    connections: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """What people are told when a mail could not be sent: by no account for now, or in time."""

    mail: Mail
    results: tuple[MailResult, ...]
    expired: bool


@dataclass(frozen=True, slots=True)
class UseRoutes:
    """The accounts have changed: from now on there are these, and reports come from this reporter."""

    routes: Mapping[str, Route]
    reporter: dsn.Reporter


@dataclass(slots=True)
class _Journey:
    queued: QueuedMail
    waiting: list[str]
    reasons: dict[str, MailResult]
    tried: set[str] = field(default_factory=set)
    only: str = ""
    """The one account that may try: it may have sent the mail before."""
    as_account: bool = False
    """The null sender was refused: the report goes out from the account's own address."""
    counts: list[AccountCounts] = field(default_factory=list)
    """What is to be stored with the next results."""
    account: str = ""
    """Who has the mail in hand."""

    @property
    def id(self) -> str:
        return self.queued.mail.id


@dataclass(slots=True)
class QueueEstate:
    """What one life of the queue leaves to the next: the journeys whose mails accounts have in hand.

    They go on doing what they were told, and answer my successor; without this, it would send those again.
    """

    under_way: dict[str, _Journey] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Look:
    """The queue's reminder to look for mails that are due."""


class MailQueue(Actor):
    """Drives every mail to its end.

    ``tell_people`` raises a notice; it must not block, and raises ``ActorError`` when nobody is there to hear
    it. Once I hear that it is raised (:class:`NoticeRaised`), what it is about is stored: that people know of
    a mail's trouble, or its end. Until then it is raised again, after a crash too. ``max_age`` is how long a
    mail is tried for.
    """

    def __init__(
        self,
        context: Context,
        *,
        store: Ref,
        routes: Mapping[str, Route],
        reporter: dsn.Reporter,
        max_age: timedelta,
        tell_people: Callable[[Trouble], None],
        estate: QueueEstate,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(context)
        self._store = store
        self._routes = routes
        self._reporter = reporter
        self._max_age = max_age
        self._tell_people = tell_people
        self._chance = chance
        self._estate = estate
        self._journeys = dict(estate.under_way)
        self._under_way = Counter(journey.account for journey in estate.under_way.values())
        self._stalled: deque[_Journey] = deque()
        self._telling: set[str] = set()
        """What the notices that are being raised are known by."""
        self._announced: set[str] = set()
        """Expired mails of whose end people have been told: it is stored on their next turn, due at once."""
        self._fetching = False
        self._met: set[str] = set()
        """Those that I had when I looked last, and all that have come since."""
        self._asked = 0
        """How many mails the last look was for."""
        self._more = False
        """There may be mails that the last look did not bring, or will not."""

    def on_start(self) -> None:
        """Take up what is due."""
        self._fetch()
        self.after(SWEEP_INTERVAL, _Look())

    def can_sleep(self) -> bool:
        """Never: mails become due by themselves."""
        return False

    @receives(UseRoutes)
    def use_routes(self, use: UseRoutes) -> None:
        """What an account has in hand comes to its end there; nothing else waits for one that is gone."""
        self._routes, self._reporter = use.routes, use.reporter
        for journey in self._journeys.values():
            if journey.only not in use.routes:
                journey.only = ""
        self._release_stalled()

    # Mails come --------------------------------------------------------------------------------------

    @receives(MailsReady, brief=True)
    def mails_ready(self, ready: MailsReady) -> None:
        """New mails have been stored. While others wait for a look, these wait behind them."""
        room = 0 if self._more else max(self._room(), 0)
        for queued in ready.mails[:room]:
            self._meet(queued)
        if ready.others or len(ready.mails) > room:
            self._fetch()

    @receives(_Look)
    def look(self, _: _Look) -> None:
        """The time of some mails may have come."""
        self.after(SWEEP_INTERVAL, _Look())
        self._fetch()

    @receives(tuple)
    def due(self, mails: tuple[QueuedMail, ...]) -> None:
        """The store's answer."""
        self._fetching = False
        more = self._more or len(mails) >= self._asked
        for queued in mails:
            self._meet(queued)
        if more:
            self._fetch()

    def _room(self) -> int:
        return MOST_IN_HAND - len(self._journeys) - (self._asked if self._fetching else 0)

    def _fetch(self) -> None:
        room = self._room()
        if self._fetching or room <= 0:
            self._more = True
            return
        self._fetching, self._asked, self._more = True, min(room, REFILL), False
        self._met = set(self._journeys)
        self.tell(self._store, FetchDueMails(self.context.clock.now(), self._asked, tuple(self._met)))

    def _meet(self, queued: QueuedMail) -> None:
        """Once: what I was handed while the store looked, it may have found as well."""
        if queued.mail.id not in self._met:
            self._met.add(queued.mail.id)
            self._set_out(queued)

    def _set_out(self, queued: QueuedMail) -> None:
        waiting = [to for to in queued.recipients if not to.state.final]
        reasons = {
            to.address: MailResult(to.address, MailState.WAITING, to.last_code, to.last_reason, to.account)
            for to in waiting
        }
        journey = _Journey(queued, [to.address for to in waiting], reasons)
        lost = [to.account for to in waiting if to.last_reason == LOST_ANSWER and to.account in self._routes]
        journey.only = lost[0] if lost else ""
        self._journeys[journey.id] = journey
        if schedule.expired(queued.mail.received_at, self._max_age, self.context.clock.now()):
            self._expire(journey)
        else:
            self._go_on(journey)

    # Mails travel ------------------------------------------------------------------------------------

    def _go_on(self, journey: _Journey) -> None:
        """Hand the mail to the next account, or wait for one to be free, or give up for this time."""
        untried = {
            name: route.weight
            for name, route in self._routes.items()
            if name not in journey.tried and (not journey.only or name == journey.only)
        }
        full = [name for name in untried if self._under_way[name] >= self._routes[name].connections]
        account = choose(untried, full, self._chance)
        if account is not None:
            self._hand_over(journey, account)
        elif untried:
            self._stalled.append(journey)
        else:
            self._turn_back(journey)

    def _hand_over(self, journey: _Journey, account: str) -> None:
        mail = journey.queued.mail
        sender = self._routes[account].address if journey.as_account else mail.sender
        envelope = MailEnvelope(sender, tuple(journey.waiting), mail.content)
        self._under_way[account] += 1
        journey.account = account
        self._estate.under_way[journey.id] = journey
        try:
            self.tell(self._routes[account].ref, SubmitMail(envelope, mail.id))
        except ActorError as error:
            problem = MailError(MailErrorKind.UNREACHABLE, None, str(error))
            self._arrive(MailReceipt(account, error=problem, mail_id=mail.id))

    @receives(MailReceipt)
    def arrive(self, receipt: MailReceipt) -> None:
        """An account has tried."""
        if receipt.mail_id in self._journeys:
            self._journeys[receipt.mail_id].counts += counts_of(receipt)
        self._arrive(receipt)

    @receives(Undelivered)
    def undelivered(self, notice: Undelivered) -> None:
        """An account, or the store, could not bring this to its end."""
        match notice.message:
            case SubmitMail(mail_id=mail_id):
                begun = notice.reason not in {Reason.PARKED, Reason.STOPPED}
                kind = MailErrorKind.UNCERTAIN if begun else MailErrorKind.UNREACHABLE
                error = MailError(kind, None, notice.detail)
                self._arrive(MailReceipt(notice.address.name, error=error, mail_id=mail_id))
            case FetchDueMails():
                self._fetching = False
            case RaiseNotice(notification=notification):
                self._telling.discard(notification.task_id)
            case _:
                pass  # a record was lost: the store still has the mail, and its next turn tells

    @receives(NoticeRaised)
    def notice_raised(self, raised: NoticeRaised) -> None:
        """People have been told."""
        if raised.task_id not in self._telling:
            return
        self._telling.discard(raised.task_id)
        mail_id = raised.task_id.removesuffix(EXPIRED)
        if mail_id == raised.task_id:
            self.tell(self._store, MarkNotified(mail_id))
        else:
            self._announced.add(mail_id)
            self._put_off(mail_id, timedelta())
            self._fetch()

    def _arrive(self, receipt: MailReceipt) -> None:
        self._estate.under_way.pop(receipt.mail_id, None)  # first: if I fail now, the store has the mail
        self._under_way[receipt.account] -= 1
        journey = self._journeys.get(receipt.mail_id)
        if journey is not None:
            self._judge(journey, receipt)
        self._release_stalled()

    def _release_stalled(self) -> None:
        for _ in range(len(self._stalled)):
            self._go_on(self._stalled.popleft())

    def _judge(self, journey: _Journey, receipt: MailReceipt) -> None:
        if receipt.error is None:
            self._settle(journey, _results(receipt))
        elif receipt.error.kind is MailErrorKind.UNCERTAIN:
            self._wait_for_lost_answer(journey, receipt)
            return
        elif receipt.account in self._routes and self._null_sender_refused(journey, receipt.error):
            journey.as_account = True
            self._hand_over(journey, receipt.account)
            return
        else:
            self._settle(journey, _failures(journey.waiting, receipt.account, receipt.error))
        journey.tried.add(receipt.account)
        if journey.waiting:
            self._go_on(journey)
        else:
            self._arrived(journey)

    def _null_sender_refused(self, journey: _Journey, error: MailError) -> bool:
        """A provider that takes no mail of the null sender gets the report from the account's address."""
        refused = error.kind is MailErrorKind.SENDER_REFUSED
        return refused and not journey.queued.mail.sender and not journey.as_account

    def _settle(self, journey: _Journey, results: Sequence[MailResult]) -> None:
        """Keep why the others wait; store what is final at once, with the reports that it causes."""
        final = tuple(result for result in results if result.state.final)
        journey.reasons.update({result.address: result for result in results})
        done = {result.address for result in final}
        journey.waiting = [address for address in journey.waiting if address not in done]
        if final:
            self._record(journey, final)

    # Mails come to an end, or back -------------------------------------------------------------------

    def _arrived(self, journey: _Journey) -> None:
        del self._journeys[journey.id]
        if self._more and MOST_IN_HAND - len(self._journeys) >= REFILL:
            self._fetch()

    def _turn_back(self, journey: _Journey) -> None:
        """Every account has failed: once more later, and people are told, once a mail."""
        now = self.context.clock.now()
        passes = 1 + max(to.tries for to in journey.queued.recipients if to.address in journey.waiting)
        self._record(journey, self._reasons(journey), schedule.next_try(passes, now, self._chance))
        if not journey.queued.notified:
            self._tell_of(journey, journey.id, self._reasons(journey))
        self._arrived(journey)

    def _wait_for_lost_answer(self, journey: _Journey, receipt: MailReceipt) -> None:
        """It may have arrived: not over another account at once, over the same one only after a while."""
        results = tuple(
            MailResult(address, MailState.WAITING, None, LOST_ANSWER, receipt.account)
            for address in journey.waiting
        )
        self._record(journey, results, self.context.clock.now() + schedule.AFTER_LOST_ANSWER)
        self._arrived(journey)

    def _expire(self, journey: _Journey) -> None:
        """People are told before the end is stored: a mail that has ended has no turn in which to tell."""
        expired = tuple(replace(result, state=MailState.EXPIRED) for result in self._reasons(journey))
        if journey.id in self._announced:
            self._announced.discard(journey.id)
            self._record(journey, expired)
        else:
            self._put_off(journey.id, schedule.FOR_A_NOTICE)
            self._tell_of(journey, journey.id + EXPIRED, expired)
        self._arrived(journey)

    def _put_off(self, mail_id: str, gap: timedelta) -> None:
        now = self.context.clock.now()
        self.tell(self._store, RecordMailResults(mail_id, (), now, now + gap))

    def _tell_of(self, journey: _Journey, notice: str, results: tuple[MailResult, ...]) -> None:
        """Unless that is under way. Where it is not possible now, the mail's next turn does it."""
        if notice in self._telling:
            return
        self._telling.add(notice)
        try:
            self._tell_people(Trouble(journey.queued.mail, results, expired=notice.endswith(EXPIRED)))
        except ActorError:
            self._telling.discard(notice)

    def _reasons(self, journey: _Journey) -> tuple[MailResult, ...]:
        return tuple(journey.reasons[address] for address in journey.waiting)

    def _record(
        self, journey: _Journey, results: tuple[MailResult, ...], next_try_at: datetime | None = None
    ) -> None:
        now = self.context.clock.now()
        for result in results:
            _report(journey.queued.mail, result)
        dsns = self._reports(
            journey, [r for r in results if r.state in {MailState.BOUNCED, MailState.EXPIRED}]
        )
        counts, journey.counts = tuple(journey.counts), []
        self.tell(self._store, RecordMailResults(journey.id, results, now, next_try_at, dsns, counts))

    def _reports(self, journey: _Journey, failed: Sequence[MailResult]) -> tuple[Mail, ...]:
        queued = journey.queued
        if not failed or not dsn.owes_report(queued.mail.sender, is_dsn=queued.is_dsn):
            return ()
        original = read_content(queued.mail.content)
        at = self.context.clock.now().astimezone()
        return (dsn.report(queued.mail, original, failed, self._reporter, at),)


def _results(receipt: MailReceipt) -> list[MailResult]:
    """What the server said to each recipient."""
    accepted = [MailResult(to, MailState.DELIVERED, account=receipt.account) for to in receipt.accepted]
    return accepted + [
        MailResult(to, _state(refusal.code), refusal.code, refusal.reason, receipt.account)
        for to, refusal in receipt.refused.items()
    ]


def _failures(waiting: Sequence[str], account: str, error: MailError) -> list[MailResult]:
    """The same for everybody: final only if the server will never take this content."""
    state = MailState.BOUNCED if error.kind is MailErrorKind.DATA_REFUSED else MailState.WAITING
    return [MailResult(to, state, error.code, error.reason, account) for to in waiting]


_PERMANENT: Final = 500


def _state(code: int) -> MailState:
    return MailState.BOUNCED if code >= _PERMANENT else MailState.WAITING


def _report(mail: Mail, result: MailResult) -> None:
    """The seed's log lines, for the people who grep them."""
    fields = {"mail_id": mail.id, "recipient": result.address, "account": result.account}
    if result.state is MailState.DELIVERED:
        text = f"邮件发送成功，使用账户: {result.account}"
        _log.info("%s", text, extra={"action": "mail_delivered", **fields})
    else:
        error = result.reason or result.state.value
        _log.error("邮件发送失败", extra={"action": "mail_failed", "error": error, **fields})
