"""A recipient: takes its tasks through their course, channel by channel, round by round."""

import logging
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from actors import Actor, ActorError, Context, MailboxFull, Reason, Ref, Undelivered, receives
from pushserver.delivery.channel import unsent
from pushserver.delivery.course import Course, Order, Pause, Step
from pushserver.delivery.last_line import alarm, entry
from pushserver.delivery.messages import ChannelEnded, Deliver, RoundDue
from pushserver.delivery.plan import HasTargets, Plan, fallback_plan, plan_of
from pushserver.delivery.services import Services
from pushserver.domain import (
    Attempt,
    Fallback,
    Notification,
    PlatformName,
    PushServerError,
    StoredTask,
    Task,
    TaskStatus,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.domain.messages import (
    EndFallback,
    EndTask,
    Fetched,
    FetchTask,
    FetchUnfinished,
    NotificationStored,
    RecordAttempt,
    StoreNotification,
    Sweep,
    TaskReady,
    TaskStarted,
)
from pushserver.metrics import Failover

_log = logging.getLogger(__name__)

FRESH = timedelta(seconds=2.5)
"""A task told of later than this is looked up first: the sweep may have found, and ended, it meanwhile."""
TAKE_STOCK_AGAIN = 1.0
"""Seconds until the store is asked again for unfinished tasks after it could not say."""
RESUMPTIONS = 3
"""How often a target is tried again after a process died with it in its hands."""
ENDED_REMEMBERED = 10_000
STORE_TIMEOUT = 20.0
"""Seconds to wait for the store when taking up one's tasks."""
HAND_IN_AGAIN = 1.0
"""Seconds until an entry that the notification store did not come to is handed in again."""


@dataclass(slots=True)
class _Run:
    """A task on its course, or its last line of defence on its own."""

    task: Task
    plan: Plan
    course: Course
    fallback: bool = False
    interrupted: list[Order] = field(default_factory=list)
    """Orders whose channel was restarted: they go on once the store has said how far they had got."""
    entry: Notification | None = None
    """What the notification store has still to confirm; before that, the last line has not been raised."""


@dataclass(frozen=True, slots=True)
class _TakeStock:
    """A recipient's reminder to read from the store what is unfinished."""


@dataclass(frozen=True, slots=True)
class _HandIn:
    """A recipient's reminder that the notification store still lacks an entry."""

    task_id: str


_RunKey = tuple[str, bool]


class Recipient(Actor):
    """Owns the unfinished tasks of one recipient.

    What it knows of them it could lose at any moment: after a restart it reads them from the store and takes
    each up from its recorded attempts.
    """

    def __init__(
        self, context: Context, *, alias: str, channels: Sequence[HasTargets], services: Services
    ) -> None:
        super().__init__(context)
        self._alias = alias
        self._channels = channels
        self._services = services
        self._runs: dict[_RunKey, _Run] = {}
        self._looking_up: set[str] = set()
        self._stock_is_owed = False
        self._ended: OrderedDict[str, None] = OrderedDict()

    def on_start(self) -> None:
        """Take up what an earlier life, or an earlier process, has left."""
        self._began_at = self.context.clock.now()
        self._take_stock()

    def can_sleep(self) -> bool:
        """Not with a task under way, even one that only waits for its next round."""
        return super().can_sleep() and not (self._runs or self._looking_up or self._stock_is_owed)

    # Tasks come --------------------------------------------------------------------------------------

    @receives(TaskReady, brief=True)
    def task_ready(self, ready: TaskReady) -> None:
        """A task has been stored for me."""
        task = ready.task
        if self._is_under_way(task.id) or task.id in self._looking_up or task.id in self._ended:
            return
        if task.created_at <= self._began_at or self.context.clock.now() - task.created_at > FRESH:
            self._look_up(task.id)  # an earlier life, or the sweep, may have had it
        else:
            self._take_up(StoredTask(task, TaskStatus.PENDING))

    @receives(Sweep)
    def sweep(self, sweep: Sweep) -> None:
        """The store has unfinished tasks of mine: those not under way were never told, or were lost."""
        if not all(self._is_under_way(task_id) for task_id in sweep.task_ids):
            self._take_stock()

    @receives(_TakeStock)
    def take_stock(self, _: _TakeStock) -> None:
        """Read what is unfinished, as I owe it to myself."""
        if self._stock_is_owed:
            self._take_stock()

    @receives(Fetched, brief=True)
    def fetched(self, fetched: Fetched) -> None:
        """The store's word on a task; in order behind everything that I have stored."""
        if fetched.task_id not in self._looking_up:
            return  # taken up meanwhile, so this says less than I know
        self._looking_up.discard(fetched.task_id)
        if fetched.stored is not None:
            self._take_up(fetched.stored)

    def _is_under_way(self, task_id: str) -> bool:
        return (task_id, False) in self._runs or (task_id, True) in self._runs

    def _look_up(self, task_id: str) -> None:
        self._looking_up.add(task_id)
        self.tell(self._services.store, FetchTask(task_id))

    def _owe_stock(self, seconds: float) -> None:
        if not self._stock_is_owed:
            self._stock_is_owed = True
            self.after(seconds, _TakeStock())

    def _take_stock(self) -> None:
        """Read all that is unfinished, and go on with what was interrupted or is not under way.

        Asked for, so that nothing can end between the store's word and its being heard. When the store cannot
        say, that is no fault of this recipient's: it is asked again.
        """
        self._stock_is_owed = False
        try:
            unfinished = self._services.store.ask(FetchUnfinished(self._alias), timeout=STORE_TIMEOUT)
        except (ActorError, PushServerError) as error:
            _log.warning(
                "cannot read the unfinished tasks of %s: %s",
                self._alias,
                error,
                extra={"action": "take_stock_failed", "recipient": self._alias, "error": str(error)},
            )
            self._owe_stock(TAKE_STOCK_AGAIN)
            return
        for stored in unfinished:
            self._compare(stored)

    def _compare(self, stored: StoredTask) -> None:
        """Set what the store knows of a task against what is under way."""
        task_id = stored.task.id
        self._looking_up.discard(task_id)
        if not self._is_under_way(task_id):
            self._take_up(stored)
            return
        for fallback in (False, True):
            run = self._runs.get((task_id, fallback))
            if run is not None and run.interrupted:
                self._go_on(run, stored)

    def _take_up(self, stored: StoredTask) -> None:
        if stored.status.final:
            if stored.fallback is Fallback.OWED:
                self._raise_alarm(stored, self._course_of(stored).failures)
            return
        if stored.status is TaskStatus.PENDING:
            self.tell(self._services.store, TaskStarted(stored.task.id))
        run = _Run(stored.task, plan_of(stored, self._channels), self._course_of(stored))
        self._begin(run, stored)

    def _course_of(self, stored: StoredTask) -> Course:
        attempts = [attempt for attempt in stored.attempts if not attempt.fallback]
        return Course(plan_of(stored, self._channels), self._services.rules, attempts)

    def _give_up_killers(self, run: _Run, stored: StoredTask) -> None:
        """A message that has taken the process down again and again is not sent once more."""
        for target, times in stored.resumptions.items():
            if times <= RESUMPTIONS or (still_open := run.course.open_errand(target)) is None:
                continue
            round_, errand = still_open
            order = Order(0, round_, target.platform, (errand,), {})
            verdict = Uncertain(detail=f"the process died {times} times during this send", again=False)
            self._speak_for_channel(run, order, verdict)

    # Tasks go their course ---------------------------------------------------------------------------

    @receives(ChannelEnded, brief=True)
    def channel_ended(self, ended: ChannelEnded) -> None:
        """A channel has carried out an order."""
        run = self._run_of(ended.deliver)
        if run is None:
            return
        for attempt in ended.attempts:
            run.course.note(attempt)
        self._follow(run, self._channel_done(run, ended.deliver.order))

    @receives(RoundDue, brief=True)
    def round_due(self, due: RoundDue) -> None:
        """The pause before a group's next round is over."""
        run = self._runs.get((due.task_id, due.fallback))
        if run is not None:
            self._services.metrics.round(run.task.strategy)
            self._follow(run, run.course.round_due(due.group, self._now(), self._services.chance))

    @receives(Undelivered)
    def undelivered(self, notice: Undelivered) -> None:
        """A channel, or the store, failed with this message in its hands, or takes none now."""
        match notice.message:
            case Deliver() as deliver:
                self._deliver_failed(deliver, notice)
            case FetchTask(task_id):
                self._looking_up.discard(task_id)  # the sweep finds it
            case StoreNotification(notification):
                self._entry_failed(notification.task_id, notice)
            case _:
                pass  # the store has lost a record: the sweep finds a task that does not end for it

    def _deliver_failed(self, deliver: Deliver, notice: Undelivered) -> None:
        run = self._run_of(deliver)
        if run is None:
            return
        if notice.reason in {Reason.RESTARTED, Reason.STOPPED}:
            # Some of the order may have been carried out: the store knows, and the course goes on from there.
            run.interrupted.append(deliver.order)
            self._owe_stock(0.0)
            return
        retries = None if notice.reason is Reason.PARKED else 0
        verdict = Transient(detail=notice.detail, retries=retries)
        self._follow(run, self._fail_order(run, deliver.order, verdict))

    def _go_on(self, run: _Run, stored: StoredTask) -> None:
        """Note what has been carried out of interrupted orders and give the rest of them again."""
        for attempt in stored.attempts:
            if attempt.fallback is run.fallback:
                run.course.note(attempt)
        orders, run.interrupted = run.interrupted, []
        steps: list[Step] = []
        for order in orders:
            steps += run.course.channel_lost(order.group, order.platform, self._now(), self._services.chance)
        self._follow(run, steps)

    def _begin(self, run: _Run, stored: StoredTask) -> None:
        self._runs[run.task.id, run.fallback] = run
        self._give_up_killers(run, stored)
        self._follow(run, run.course.begin(self._now(), self._services.chance))

    def _channel_done(self, run: _Run, order: Order) -> list[Step]:
        steps = run.course.channel_ended(order.group, order.platform, self._now(), self._services.chance)
        self._services.metrics.failover(Failover.CHANNEL, sum(isinstance(step, Order) for step in steps))
        return steps

    def _follow(self, run: _Run, steps: Sequence[Step]) -> None:
        """Do what the course says until it waits for somebody, or is finished."""
        to_do = deque(steps)
        while to_do:
            step = to_do.popleft()
            if isinstance(step, Pause):
                self.after(step.seconds, RoundDue(run.task.id, run.fallback, step.group))
            else:
                to_do.extend(self._give(run, step))
        if run.course.finished and run.entry is None:
            self._end(run)

    def _give(self, run: _Run, order: Order) -> list[Step]:
        """Give a channel its order; what follows at once if it has no room for it."""
        deliver = Deliver(run.task, order, run.plan.manners.within, run.fallback)
        try:
            self.tell(self._channel(run, order.platform), deliver)
        except MailboxFull as full:
            return self._fail_order(run, order, Transient(detail=str(full)))
        return []

    def _fail_order(self, run: _Run, order: Order, verdict: Verdict) -> list[Step]:
        self._speak_for_channel(run, order, verdict)
        return self._channel_done(run, order)

    def _channel(self, run: _Run, platform: PlatformName) -> Ref:
        if run.fallback and self._services.last_line is not None:
            return self._services.last_line.channel
        return self.child(platform.value)

    def _run_of(self, deliver: Deliver) -> _Run | None:
        return self._runs.get((deliver.task.id, deliver.fallback))

    def _speak_for_channel(self, run: _Run, order: Order, verdict: Verdict) -> None:
        """Record that an order's errands, those not carried out already, ended like this."""
        deliver = Deliver(run.task, order, run.plan.manners.within, run.fallback)
        for errand in order.errands:
            if errand.target.name in order.ended:
                continue
            attempt = unsent(deliver, errand, verdict, self.context.clock.now())
            self.tell(self._services.store, RecordAttempt(attempt))
            run.course.note(attempt)

    # Tasks end ---------------------------------------------------------------------------------------

    def _end(self, run: _Run) -> None:
        del self._runs[run.task.id, run.fallback]
        status = run.course.status
        if run.fallback:
            self._end_alarm(run, status)
            return
        failed = status is TaskStatus.FAILED
        owed = Fallback.OWED if failed else Fallback.NONE
        now = self.context.clock.now()
        self.tell(self._services.store, EndTask(run.task.id, status, now, owed))
        self._services.metrics.ended(run.task, status, now)
        if failed:
            self._raise_alarm(StoredTask(run.task, status), run.course.failures)
        else:
            self._remember(run.task.id)

    # The last line of defence ------------------------------------------------------------------------

    def _raise_alarm(self, stored: StoredTask, failures: Sequence[Attempt]) -> None:
        """Begin the last line of defence, or go on with it: the notices, as a course of their own."""
        task, now = stored.task, self.context.clock.now()
        push = alarm(task, failures, now.astimezone())
        _log.error(
            push.title,
            extra={"action": "last_line", "recipient": task.recipient, "task_id": task.id},
        )
        raised = [attempt for attempt in stored.attempts if attempt.fallback]
        plan = fallback_plan(self._notice_names())
        run = _Run(replace(task, push=push), plan, Course(plan, self._services.rules, raised), fallback=True)
        run.entry = entry(self._services.new_notification_id(now.astimezone()), task, push, now)
        self._hand_in(run.entry)
        self._begin(run, stored)

    def _notice_names(self) -> tuple[str, ...]:
        if self._services.last_line is not None:
            return self._services.last_line.target_names
        own = [channel for channel in self._channels if channel.platform is PlatformName.SYSTEM]
        return tuple(target.name for channel in own for target in channel.targets)

    def _hand_in(self, notification: Notification) -> None:
        try:
            self.tell(self._services.notifications, StoreNotification(notification))
        except MailboxFull:
            self.after(HAND_IN_AGAIN, _HandIn(notification.task_id))

    @receives(_HandIn)
    def hand_in(self, due: _HandIn) -> None:
        """Hand in an entry once more."""
        run = self._runs.get((due.task_id, True))
        if run is not None and run.entry is not None:
            self._hand_in(run.entry)

    def _entry_failed(self, task_id: str, notice: Undelivered) -> None:
        """Try again, but not what has crashed the store: it would take the process down in the end."""
        if notice.reason is Reason.CRASHED:
            self.notification_stored(NotificationStored(task_id, refusal=notice.detail))
        else:
            self.after(HAND_IN_AGAIN, _HandIn(task_id))

    @receives(NotificationStored)
    def notification_stored(self, stored: NotificationStored) -> None:
        """The entry is safe, or never will be: whether the notices are through is all that is left."""
        run = self._runs.get((stored.task_id, True))
        if run is None or run.entry is None:
            return
        if stored.refusal:
            fields = {"recipient": self._alias, "task_id": stored.task_id, "error": stored.refusal}
            _log.error("系统通知未能存储", extra={"action": "notification_not_stored", **fields})
        run.entry = None
        self._follow(run, ())

    def _end_alarm(self, run: _Run, status: TaskStatus) -> None:
        if run.plan.channels and status is TaskStatus.FAILED:
            fields = {"recipient": self._alias, "task_id": run.task.id}
            _log.error("系统通知全部发送失败", extra={"action": "last_line_failed", **fields})
        self.tell(self._services.store, EndFallback(run.task.id))
        self._remember(run.task.id)

    def _remember(self, task_id: str) -> None:
        self._ended[task_id] = None
        if len(self._ended) > ENDED_REMEMBERED:
            self._ended.popitem(last=False)

    def _now(self) -> float:
        return self.context.clock.now().timestamp()
