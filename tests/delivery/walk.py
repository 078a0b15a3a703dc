"""Walks a course to its end without actors: plays the channels and endpoints from a script of verdicts.

Time moves only when nothing is under way, so a walk has one outcome however its events are interleaved.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from pushserver.delivery.coordinator import Coordinator
from pushserver.delivery.course import (
    Course,
    Errand,
    Order,
    Pause,
    RetryRules,
    Step,
    outcome_of,
    owes_repetition,
)
from pushserver.delivery.plan import Plan
from pushserver.domain import Attempt, Target, Verdict
from tests.delivery.parts import NOON

Script = Mapping[Target, Sequence[Verdict]]
"""What each target says, attempt by attempt; the last verdict repeats."""

MOST_STEPS = 2_000


class Chooser(Protocol):
    """Which of so many things happens next."""

    def __call__(self, count: int, /) -> int: ...


def the_first(count: int) -> int:
    return 0


@dataclass(slots=True)
class _Job:
    order: Order
    coordinator: Coordinator[str]
    errands: dict[str, Errand]


@dataclass(slots=True)
class Walk:
    """One task's way through its course. ``attempts`` are those made before, too."""

    plan: Plan
    rules: RetryRules
    script: Script
    attempts: list[Attempt] = field(default_factory=list)
    choose: Chooser = the_first
    now: float = NOON.timestamp()
    after_each: Callable[["Walk"], None] = lambda _: None
    course: Course = field(init=False)
    most_at_once: dict[object, int] = field(default_factory=dict)
    _jobs: list[_Job] = field(default_factory=list)
    _pauses: list[tuple[float, int]] = field(default_factory=list)

    def to_the_end(self) -> "Walk":
        self.course = Course(self.plan, self.rules, self.attempts)
        self._follow(self.course.begin(self.now, lambda: 0.0))
        self.after_each(self)
        for _ in range(MOST_STEPS):
            if self.course.finished:
                assert not self._jobs
                return self
            self._next()
            self.after_each(self)
        raise AssertionError("the course does not end")

    @property
    def calls(self) -> list[str]:
        return [f"{attempt.target.name}{attempt.number}" for attempt in self.attempts]

    def under_way(self) -> list[tuple[_Job, str]]:
        return [(job, name) for job in self._jobs for name in sorted(job.coordinator.under_way)]

    def _next(self) -> None:
        under_way = self.under_way()
        if under_way:
            job, name = under_way[self.choose(len(under_way))]
            self._end_attempt(job, job.errands[name])
        else:
            self._pauses.sort()
            self.now, group = self._pauses.pop(0)
            self._follow(self.course.round_due(group, self.now, lambda: 0.0))

    def _end_attempt(self, job: _Job, errand: Errand) -> None:
        order, said = job.order, self.script[errand.target]
        verdict = said[min(errand.number, len(said)) - 1]
        self._note(order, errand, verdict)
        if owes_repetition(verdict) and not errand.repeats_uncertain:
            job.errands[errand.target.name] = Errand(
                errand.target, errand.number + 1, errand.only, repeats_uncertain=True
            )
            return
        job.coordinator.end(errand.target.name, outcome_of(self.attempts[-1]))
        self._watch(job)
        if job.coordinator.finished:
            self._jobs.remove(job)
            self._follow(self.course.channel_ended(order.group, order.platform, self.now, lambda: 0.0))

    def _note(self, order: Order, errand: Errand, verdict: Verdict) -> None:
        attempt = Attempt(
            task_id="task",
            target=errand.target,
            round=order.round,
            number=errand.number,
            verdict=verdict,
            started_at=NOON + timedelta(seconds=self.now - NOON.timestamp()),
            duration=0.0,
            only=errand.only,
        )
        self.attempts.append(attempt)
        self.course.note(attempt)

    def _follow(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, Pause):
                self._pauses.append((self.now + step.seconds, step.group))
            else:
                self._begin(step)

    def _begin(self, order: Order) -> None:
        errands = {errand.target.name: errand for errand in order.errands}
        job = _Job(order, Coordinator(self.plan.manners.within, tuple(errands), order.ended), errands)
        job.coordinator.start()
        assert job.coordinator.under_way, "an order with nothing to do"
        self._jobs.append(job)
        self._watch(job)

    def _watch(self, job: _Job) -> None:
        """Keep the most that was under way at once, in the channel and in the group."""
        key = job.order.platform
        self.most_at_once[key] = max(self.most_at_once.get(key, 0), len(job.coordinator.under_way))
        in_group = sum(1 for other in self._jobs if other.order.group == job.order.group)
        self.most_at_once[job.order.group] = max(self.most_at_once.get(job.order.group, 0), in_group)
