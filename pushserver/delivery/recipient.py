"""A recipient: takes its tasks through their course, channel by channel, round by round."""

import logging
import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from actors import Actor, Context, Reason, Ref, Undelivered, receives
from pushserver.delivery.channel import unsent
from pushserver.delivery.course import Course, Errand, Order, Pause, Step
from pushserver.delivery.last_line import alarm
from pushserver.delivery.messages import ChannelEnded, Deliver, RoundDue
from pushserver.delivery.plan import HasTargets, Plan, fallback_plan, plan_for
from pushserver.delivery.services import Services
from pushserver.domain import (
    Attempt,
    Fallback,
    PlatformName,
    StoredTask,
    Target,
    Task,
    TaskStatus,
    Transient,
    Uncertain,
)
from pushserver.domain.messages import (
    EndFallback,
    EndTask,
    Fetched,
    FetchTask,
    FetchUnfinished,
    RecordAttempt,
    Sweep,
    TaskReady,
    TaskStarted,
)

_log = logging.getLogger(__name__)

FRESH = timedelta(seconds=2.5)
"""A task told of later than this is looked up first: the sweep may have found, and ended, it meanwhile."""
RESUMPTIONS = 3
"""How often a target is tried again after a process died with it in its hands."""
ENDED_REMEMBERED = 10_000
STORE_TIMEOUT = 20.0
"""Seconds to wait for the store when taking up one's tasks."""


@dataclass(slots=True)
class _Run:
    """A task on its course, or its last line of defence on its own."""

    task: Task
    plan: Plan
    course: Course
    fallback: bool = False


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
        self._ended: OrderedDict[str, None] = OrderedDict()

    def on_start(self) -> None:
        """Take up what an earlier life, or an earlier process, has left."""
        unfinished = self._services.store.ask(FetchUnfinished(self._alias), timeout=STORE_TIMEOUT)
        for stored in unfinished:
            self._take_up(stored)

    def can_sleep(self) -> bool:
        """Not with a task under way, even one that only waits for its next round."""
        return super().can_sleep() and not self._runs and not self._looking_up

    # Tasks come --------------------------------------------------------------------------------------

    @receives(TaskReady)
    def task_ready(self, ready: TaskReady) -> None:
        """A task has been stored for me."""
        task = ready.task
        if self._knows(task.id):
            return
        if self.context.clock.now() - task.created_at > FRESH:
            self._look_up(task.id)
        else:
            self._take_up(StoredTask(task, TaskStatus.PENDING))

    @receives(Sweep)
    def sweep(self, sweep: Sweep) -> None:
        """The store has unfinished tasks of mine: those that I do not know were never told, or were lost."""
        for task_id in sweep.task_ids:
            if not self._knows(task_id):
                self._look_up(task_id)

    @receives(Fetched)
    def fetched(self, fetched: Fetched) -> None:
        """The store's word on a task; in order behind everything that I have stored."""
        self._looking_up.discard(fetched.task_id)
        if fetched.stored is not None and not self._knows(fetched.task_id):
            self._take_up(fetched.stored)

    def _knows(self, task_id: str) -> bool:
        return (
            (task_id, False) in self._runs
            or (task_id, True) in self._runs
            or task_id in self._looking_up
            or task_id in self._ended
        )

    def _look_up(self, task_id: str) -> None:
        self._looking_up.add(task_id)
        self.tell(self._services.store, FetchTask(task_id))

    def _take_up(self, stored: StoredTask) -> None:
        if stored.status.final:
            if stored.fallback is Fallback.OWED:
                self._raise_alarm(stored.task, stored.attempts)
            return
        if stored.status is TaskStatus.PENDING:
            self.tell(self._services.store, TaskStarted(stored.task.id))
        plan = plan_for(stored.task, self._channels)
        attempts = [attempt for attempt in stored.attempts if not attempt.fallback]
        run = _Run(stored.task, plan, Course(plan, self._services.rules, attempts))
        self._give_up_killers(run, stored)
        self._begin(run)

    def _give_up_killers(self, run: _Run, stored: StoredTask) -> None:
        """A message that has taken the process down again and again is not sent once more."""
        for target, times in stored.resumptions.items():
            if times <= RESUMPTIONS or not run.course.is_open(target):
                continue
            made = [attempt for attempt in stored.attempts if attempt.target == target]
            round_ = made[-1].round if made else 1
            errand = Errand(target, len(made) + 1)
            order = Order(0, round_, target.platform, (errand,), {})
            verdict = Uncertain(detail=f"the process died {times} times during this send", again=False)
            deliver = Deliver(run.task, order, run.plan.manners.within)
            self._speak_for_channel(run, deliver, (errand,), verdict)

    # Tasks go their course ---------------------------------------------------------------------------

    @receives(ChannelEnded)
    def channel_ended(self, ended: ChannelEnded) -> None:
        """A channel has carried out an order."""
        run = self._run_of(ended.deliver)
        if run is None:
            return
        for attempt in ended.attempts:
            run.course.note(attempt)
        self._channel_done(run, ended.deliver)

    @receives(RoundDue)
    def round_due(self, due: RoundDue) -> None:
        """The pause before a group's next round is over."""
        run = self._runs.get((due.task_id, due.fallback))
        if run is not None:
            self._follow(run, run.course.round_due(due.group, self._now(), random.random))

    @receives(Undelivered)
    def undelivered(self, notice: Undelivered) -> None:
        """A channel failed with this order in its hands, was restarted during it, or takes none now."""
        deliver = notice.message
        if not isinstance(deliver, Deliver):
            return
        run = self._run_of(deliver)
        if run is None:
            return
        if notice.reason in {Reason.RESTARTED, Reason.STOPPED}:
            # Some of the order may have been carried out: the store knows, and the course goes on from there.
            del self._runs[run.task.id, run.fallback]
            self._look_up(run.task.id)
            return
        errands = [e for e in deliver.order.errands if e.target.name not in deliver.order.ended]
        retries = None if notice.reason is Reason.PARKED else 0
        self._speak_for_channel(run, deliver, errands, Transient(detail=notice.detail, retries=retries))
        self._channel_done(run, deliver)

    def _begin(self, run: _Run) -> None:
        self._runs[run.task.id, run.fallback] = run
        self._follow(run, run.course.begin(self._now(), random.random))

    def _channel_done(self, run: _Run, deliver: Deliver) -> None:
        order = deliver.order
        self._follow(run, run.course.channel_ended(order.group, order.platform, self._now(), random.random))

    def _follow(self, run: _Run, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Pause):
                self.after(step.seconds, RoundDue(run.task.id, run.fallback, step.group))
            else:
                deliver = Deliver(run.task, step, run.plan.manners.within, run.fallback)
                self.tell(self._channel(run, step.platform), deliver)
        if run.course.finished:
            self._end(run)

    def _channel(self, run: _Run, platform: PlatformName) -> Ref:
        if run.fallback and self._services.last_line is not None:
            return self._services.last_line.channel
        return self.child(platform.value)

    def _run_of(self, deliver: Deliver) -> _Run | None:
        return self._runs.get((deliver.task.id, deliver.fallback))

    def _speak_for_channel(
        self, run: _Run, deliver: Deliver, errands: Sequence[Errand], verdict: Transient | Uncertain
    ) -> None:
        for errand in errands:
            attempt = unsent(deliver, errand, verdict, self.context)
            self.tell(self._services.store, RecordAttempt(attempt))
            run.course.note(attempt)

    # Tasks end ---------------------------------------------------------------------------------------

    def _end(self, run: _Run) -> None:
        del self._runs[run.task.id, run.fallback]
        if run.fallback:
            self.tell(self._services.store, EndFallback(run.task.id))
            self._remember(run.task.id)
            return
        status = run.course.status
        failed = status is TaskStatus.FAILED
        owed = Fallback.OWED if failed else Fallback.NONE
        self.tell(self._services.store, EndTask(run.task.id, status, self.context.clock.now(), owed))
        if failed:
            self._raise_alarm(run.task, run.course.failures)
        else:
            self._remember(run.task.id)

    def _raise_alarm(self, task: Task, attempts: Sequence[Attempt]) -> None:
        """Begin the last line of defence: the notices, as a course of their own."""
        raised = [attempt for attempt in attempts if attempt.fallback]
        failures = _last_of_each([attempt for attempt in attempts if not attempt.fallback])
        push = alarm(task, failures, self.context.clock.now().astimezone())
        plan = fallback_plan(self._notice_names())
        _log.error(
            push.title,
            extra={"action": "last_line", "recipient": task.recipient, "task_id": task.id},
        )
        course = Course(plan, self._services.rules, raised)
        self._begin(_Run(replace(task, push=push), plan, course, fallback=True))

    def _notice_names(self) -> tuple[str, ...]:
        if self._services.last_line is not None:
            return self._services.last_line.target_names
        own = [channel for channel in self._channels if channel.platform is PlatformName.SYSTEM]
        return tuple(target.name for channel in own for target in channel.targets)

    def _remember(self, task_id: str) -> None:
        self._ended[task_id] = None
        if len(self._ended) > ENDED_REMEMBERED:
            self._ended.popitem(last=False)

    def _now(self) -> float:
        return self.context.clock.now().timestamp()


def _last_of_each(attempts: Sequence[Attempt]) -> list[Attempt]:
    last: dict[Target, Attempt] = {attempt.target: attempt for attempt in attempts}
    return list(last.values())
