"""What holds for every course, whatever the plan, the strategy and the verdicts (contract §4 and §5)."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pushserver.delivery.course import Course, RetryRules
from pushserver.delivery.plan import Plan, plan_for
from pushserver.domain import (
    Attempt,
    Delivered,
    EndpointBroken,
    Manner,
    MessageRefused,
    PlatformName,
    RateLimited,
    RefusedHere,
    Strategy,
    Target,
    TaskStatus,
    Transient,
    Uncertain,
    Verdict,
)
from tests.delivery.parts import a_channel, a_task
from tests.delivery.walk import Script, Walk

VERDICTS: list[Verdict] = [
    Delivered(),
    Delivered(),
    Delivered(deferred=("late@example.com",)),
    RateLimited(waits=(3.0,)),
    Transient(),
    Transient(retries=1),
    EndpointBroken(),
    RefusedHere(),
    MessageRefused(),
    Uncertain(),
    Uncertain(again=False),
]


usual = settings(deadline=None)
"""Examples as many as usual, and no limit on one: the machine may be busy."""


class Case(NamedTuple):
    plan: Plan
    rules: RetryRules
    script: Script
    seed: int


@st.composite
def cases(draw: st.DrawFn) -> Case:
    platforms = draw(st.lists(st.sampled_from(PlatformName), min_size=1, max_size=4, unique=True))
    channels = [a_channel(p, [f"{p.value}-{n}" for n in range(draw(st.integers(1, 3)))]) for p in platforms]
    strategy = draw(st.sampled_from(Strategy))
    chosen = draw(st.sampled_from(platforms)) if strategy is Strategy.PLATFORM else None
    script = {
        Target(channel.platform, target.name): draw(
            st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=4)
        )
        for channel in channels
        for target in channel.targets
    }
    rules = RetryRules(count=draw(st.integers(0, 3)), delay=1.0)
    return Case(plan_for(a_task(strategy, chosen), channels), rules, script, draw(st.integers(0, 2**16)))


def walk(case: Case, attempts: list[Attempt] | None = None, now: float | None = None) -> Walk:
    dice = random.Random(case.seed)
    walked = Walk(case.plan, case.rules, case.script, attempts=list(attempts or ()), choose=dice.randrange)
    if now is not None:
        walked.now = now
    return walked


def by_target(attempts: list[Attempt]) -> dict[Target, list[Attempt]]:
    found: dict[Target, list[Attempt]] = {}
    for attempt in attempts:
        found.setdefault(attempt.target, []).append(attempt)
    return found


def targets_of(plan: Plan) -> list[Target]:
    return [target for channel in plan.channels for target in channel.targets]


@usual
@given(cases())
def test_every_course_ends_with_nothing_pending(case: Case) -> None:
    assert walk(case).to_the_end().course.progress.pending == 0


@usual
@given(cases())
def test_everyone_is_tried_where_everyone_counts(case: Case) -> None:
    walked = walk(case).to_the_end()
    if case.plan.everyone_counts:
        assert set(by_target(walked.attempts)) == set(targets_of(case.plan))


@usual
@given(cases())
def test_what_was_delivered_is_not_sent_again(case: Case) -> None:
    for attempts in by_target(walk(case).to_the_end().attempts).values():
        for earlier, later in pairwise(attempts):
            if isinstance(earlier.verdict, Delivered):
                assert earlier.verdict.deferred
                assert later.only == earlier.verdict.deferred


@usual
@given(cases())
def test_a_permanent_failure_is_final_for_its_target(case: Case) -> None:
    final = EndpointBroken | RefusedHere | MessageRefused
    for attempts in by_target(walk(case).to_the_end().attempts).values():
        assert not any(isinstance(attempt.verdict, final) for attempt in attempts[:-1])


@usual
@given(cases())
def test_rounds_are_bounded_and_a_lost_answer_is_repeated_once(case: Case) -> None:
    for attempts in by_target(walk(case).to_the_end().attempts).values():
        rounds = Counter(attempt.round for attempt in attempts)
        assert len(rounds) <= case.rules.count + 1
        assert len(attempts) <= len(rounds) + 1
        assert sum(isinstance(attempt.verdict, Uncertain) for attempt in attempts[:-1]) <= 1


@usual
@given(cases())
def test_a_capped_reason_is_retried_as_often_as_its_cap_says(case: Case) -> None:
    for attempts in by_target(walk(case).to_the_end().attempts).values():
        capped = [a for a in attempts if isinstance(a.verdict, Transient) and a.verdict.retries is not None]
        assert len(capped) <= 2


@usual
@given(cases())
def test_attempts_at_a_target_are_numbered_from_one(case: Case) -> None:
    for attempts in by_target(walk(case).to_the_end().attempts).values():
        assert [attempt.number for attempt in attempts] == list(range(1, len(attempts) + 1))


@usual
@given(cases())
def test_first_success_tries_one_at_a_time_in_the_order_of_the_file(case: Case) -> None:
    walked = walk(case).to_the_end()
    for group, channels in enumerate(case.plan.groups):
        if case.plan.manners.across is Manner.FIRST_SUCCESS:
            assert walked.most_at_once.get(group, 0) <= 1
            _assert_in_order([c.platform for c in channels], [a.target.platform for a in walked.attempts])
        for channel in channels:
            if case.plan.manners.within is Manner.FIRST_SUCCESS:
                assert walked.most_at_once.get(channel.platform, 0) <= 1
                tried = [a.target for a in walked.attempts if a.target.platform is channel.platform]
                _assert_in_order(list(channel.targets), tried)


def _assert_in_order(configured: Sequence[object], tried: Sequence[object]) -> None:
    """The first attempt of each comes in the order of the configuration, and none is left out."""
    first_tries = list(dict.fromkeys(tried))
    assert first_tries == configured[: len(first_tries)]


@usual
@given(cases())
def test_a_satisfied_group_begins_nothing_but_what_readers_are_owed(case: Case) -> None:
    walked = walk(case).to_the_end()
    if case.plan.everyone_counts:
        return
    for channels in case.plan.groups:
        members = {target for channel in channels for target in channel.targets}
        attempts = [attempt for attempt in walked.attempts if attempt.target in members]
        rounds = [a.round for a in attempts if isinstance(a.verdict, Delivered)]
        if rounds:
            assert all(attempt.only for attempt in attempts if attempt.round > min(rounds))


@usual
@given(cases())
def test_a_message_refused_by_a_platform_skips_its_other_targets(case: Case) -> None:
    walked = walk(case).to_the_end()
    if case.plan.manners.within is not Manner.FIRST_SUCCESS:
        return
    for channel in case.plan.channels:
        verdicts = [a.verdict for a in walked.attempts if a.target.platform is channel.platform]
        assert not any(isinstance(verdict, MessageRefused) for verdict in verdicts[:-1])


@usual
@given(cases())
def test_progress_adds_up_at_every_step(case: Case) -> None:
    def check(walked: Walk) -> None:
        progress = walked.course.progress
        assert min(progress.success, progress.failed, progress.pending) >= 0
        assert progress.total == progress.success + progress.failed + progress.pending
        if case.plan.everyone_counts:
            assert progress.total == len(targets_of(case.plan))
        started = set(by_target(walked.attempts)) | {
            Target(job.order.platform, name) for job, name in walked.under_way()
        }
        assert progress.total == len(started)

    walked = walk(case)
    walked.after_each = check
    walked.to_the_end()


@settings(deadline=None, max_examples=200)
@given(cases(), st.data())
def test_progress_adds_up_for_every_prefix(case: Case, data: st.DataObject) -> None:
    attempts = walk(case).to_the_end().attempts
    prefix = attempts[: data.draw(st.integers(0, len(attempts)))]
    for begun in (False, True):
        course = Course(case.plan, case.rules, prefix)
        if begun:
            course.begin(prefix[-1].started_at.timestamp() if prefix else 0.0, lambda: 0.0)
        progress = course.progress
        assert min(progress.success, progress.failed, progress.pending) >= 0
        assert progress.total == progress.success + progress.failed + progress.pending


@settings(deadline=None, max_examples=300)
@given(cases(), st.data())
def test_a_course_taken_up_from_any_prefix_makes_the_calls_it_would_have_made(
    case: Case, data: st.DataObject
) -> None:
    whole = walk(case).to_the_end()
    cut = data.draw(st.integers(0, len(whole.attempts)))
    prefix = whole.attempts[:cut]
    now = prefix[-1].started_at.timestamp() if prefix else None
    resumed = walk(case, prefix, now).to_the_end()
    assert sorted(resumed.calls) == sorted(whole.calls)
    assert resumed.course.status is whole.course.status
    assert resumed.course.progress == whole.course.progress


@usual
@given(cases(), st.data())
def test_noting_an_attempt_twice_changes_nothing(case: Case, data: st.DataObject) -> None:
    attempts = walk(case).to_the_end().attempts
    twice = [*attempts, *data.draw(st.lists(st.sampled_from(attempts), max_size=5))]
    course = Course(case.plan, case.rules, twice)
    assert course.progress == Course(case.plan, case.rules, attempts).progress
    course.begin(attempts[-1].started_at.timestamp() + 1_000, lambda: 0.0)
    assert course.finished


@usual
@given(cases())
def test_a_task_is_completed_exactly_when_a_real_delivery_succeeded(case: Case) -> None:
    walked = walk(case).to_the_end()
    delivered = {a.target.platform for a in walked.attempts if isinstance(a.verdict, Delivered)}
    only_notices = all(channel.platform is PlatformName.SYSTEM for channel in case.plan.channels)
    counts = delivered if only_notices else delivered - {PlatformName.SYSTEM}
    assert walked.course.status is (TaskStatus.COMPLETED if counts else TaskStatus.FAILED)
