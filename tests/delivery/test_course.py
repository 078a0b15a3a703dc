"""A task's course, step by step: what is ordered, what is waited for, and what it comes to."""

from collections.abc import Mapping, Sequence

import pytest

from pushserver.delivery.coordinator import Outcome
from pushserver.delivery.course import Course, Errand, Order, Pause, Progress, RetryRules
from pushserver.delivery.plan import plan_for
from pushserver.domain import (
    Attempt,
    Delivered,
    EndpointBroken,
    MessageRefused,
    PlatformName,
    RateLimited,
    Strategy,
    Target,
    TaskStatus,
    Transient,
    Uncertain,
    Verdict,
)
from tests.delivery.parts import (
    DINGTALK,
    EMAIL,
    FEISHU,
    NOON,
    SYSTEM,
    SomeChannel,
    a_channel,
    a_task,
    an_attempt,
)
from tests.delivery.walk import Script, Walk

A, B = Target(FEISHU, "a"), Target(FEISHU, "b")
C, D = Target(DINGTALK, "c"), Target(DINGTALK, "d")
NOTICE = Target(SYSTEM, "s")

ROBOTS = (a_channel(FEISHU, "ab"), a_channel(DINGTALK, "cd"))
ROBOT_AND_MAIL = (a_channel(FEISHU, "a"), a_channel(EMAIL, ["email"]))
RULES = RetryRules(count=2, delay=5.0)
START = NOON.timestamp()


def no_chance() -> float:
    return 0.0


def a_course(
    strategy: Strategy, attempts: Sequence[Attempt] = (), channels: Sequence[SomeChannel] = ROBOTS
) -> Course:
    return Course(plan_for(a_task(strategy), channels), RULES, attempts)


Said = Verdict | tuple[Verdict, ...]


def walk(
    strategy: Strategy, said: Mapping[str, Said] | None = None, channels: Sequence[SomeChannel] = ROBOTS
) -> Walk:
    """Walk to the end; ``said`` are the verdicts of targets by name, the others deliver."""
    script: Script = {
        Target(channel.platform, target.name): _as_tuple((said or {}).get(target.name, Delivered()))
        for channel in channels
        for target in channel.targets
    }
    return Walk(plan_for(a_task(strategy), channels), RULES, script).to_the_end()


def _as_tuple(said: Said) -> tuple[Verdict, ...]:
    return said if isinstance(said, tuple) else (said,)


# Orders ----------------------------------------------------------------------------------------------


def test_an_order_names_the_targets_and_their_next_attempt() -> None:
    (order,) = a_course(Strategy.FAILOVER).begin(START, no_chance)
    assert order == Order(0, 1, FEISHU, (Errand(A, 1), Errand(B, 1)), {})


def test_everyone_is_ordered_at_once() -> None:
    orders = a_course(Strategy.ALL).begin(START, no_chance)
    assert [(order.group, order.platform) for order in orders if isinstance(order, Order)] == [
        (0, FEISHU),
        (1, DINGTALK),
    ]


def test_a_channel_that_failed_is_followed_by_the_next_at_once() -> None:
    course = a_course(Strategy.FAILOVER)
    course.begin(START, no_chance)
    for target in (A, B):
        course.note(an_attempt(target, EndpointBroken()))
    (order,) = course.channel_ended(0, FEISHU, START, no_chance)
    assert order == Order(0, 1, DINGTALK, (Errand(C, 1), Errand(D, 1)), {})


def test_the_end_of_a_channel_that_is_not_under_way_means_nothing() -> None:
    course = a_course(Strategy.FAILOVER)
    course.begin(START, no_chance)
    assert course.channel_ended(0, DINGTALK, START, no_chance) == []


def test_a_round_that_is_under_way_is_not_begun_again() -> None:
    course = a_course(Strategy.FAILOVER)
    course.begin(START, no_chance)
    assert course.round_due(0, START, no_chance) == []


def test_a_plan_without_channels_is_finished_and_failed() -> None:
    course = a_course(Strategy.FAILOVER, channels=())
    assert course.begin(START, no_chance) == []
    assert course.finished
    assert course.status is TaskStatus.FAILED
    assert course.progress == Progress(0, 0, 0, 0)


# Rounds ----------------------------------------------------------------------------------------------


def _pause_after(verdicts: Sequence[Verdict], chance: float = 0.0, now: float = START) -> list[object]:
    """The steps after one target has said all of these, one round each, at noon."""
    channels = (a_channel(FEISHU, "a"),)
    attempts = [an_attempt(A, verdict, number=n, round=n) for n, verdict in enumerate(verdicts, 1)]
    course = a_course(Strategy.FAILOVER, attempts, channels)
    return list(course.begin(now, lambda: chance))


@pytest.mark.parametrize(("failed_rounds", "seconds"), [(1, 5.0), (2, 10.0)])
def test_pauses_between_rounds_double(failed_rounds: int, seconds: float) -> None:
    assert _pause_after([Transient()] * failed_rounds) == [Pause(0, seconds)]


def test_after_the_last_round_there_is_no_pause() -> None:
    assert _pause_after([Transient()] * 3) == []


def test_a_pause_is_stretched_by_chance_but_never_shortened() -> None:
    assert _pause_after([Transient()], chance=1.0) == [Pause(0, 5.5)]


def test_a_rate_limit_says_itself_how_long_the_pause_is() -> None:
    assert _pause_after([RateLimited(waits=(60.0,))]) == [Pause(0, 60.0)]


def test_time_that_went_by_while_nobody_watched_counts() -> None:
    assert _pause_after([Transient()], now=START + 3.0) == [Pause(0, 2.0)]
    assert _pause_after([Transient()], now=START + 60.0) == [Pause(0, 0.0)]


def test_a_round_is_for_those_that_are_ready() -> None:
    attempts = [an_attempt(A, Transient()), an_attempt(B, RateLimited(waits=(60.0,)))]
    channels = (a_channel(FEISHU, "ab"),)
    course = a_course(Strategy.ALL, attempts, channels)
    assert course.begin(START, no_chance) == [Pause(0, 5.0)]
    (order,) = course.round_due(0, START + 5.0, no_chance)
    assert order == Order(0, 2, FEISHU, (Errand(A, 2),), {})


def test_what_is_ready_within_a_moment_goes_into_the_same_round() -> None:
    attempts = [an_attempt(A, Transient()), an_attempt(B, Transient(), at=0.04)]
    course = a_course(Strategy.ALL, attempts, (a_channel(FEISHU, "ab"),))
    course.begin(START, no_chance)
    (order,) = course.round_due(0, START + 5.0, no_chance)
    assert isinstance(order, Order)
    assert [errand.target for errand in order.errands] == [A, B]


def test_channels_of_their_own_group_wait_for_no_other() -> None:
    course = a_course(Strategy.WEBHOOK_FAILOVER, channels=(a_channel(FEISHU, "a"), a_channel(DINGTALK, "c")))
    course.begin(START, no_chance)
    course.note(an_attempt(A, Transient()))
    assert course.channel_ended(0, FEISHU, START, no_chance) == [Pause(0, 5.0)]
    (order,) = course.round_due(0, START + 5.0, no_chance)
    assert order == Order(0, 2, FEISHU, (Errand(A, 2),), {})
    assert not course.finished


# Whole courses, as calls: the target's name and the number of the attempt ---------------------------


@pytest.mark.parametrize(
    ("strategy", "said", "calls"),
    [
        (Strategy.FAILOVER, {}, "a1"),
        (Strategy.FAILOVER, {"a": Transient()}, "a1 b1"),
        (Strategy.FAILOVER, {"a": MessageRefused()}, "a1 c1"),
        (Strategy.FAILOVER, {"a": Uncertain()}, "a1 a2 b1"),
        (Strategy.FAILOVER, {"a": Uncertain(again=False)}, "a1 b1"),
        (Strategy.FAILOVER, {"a": (Uncertain(), Delivered())}, "a1 a2"),
        (Strategy.ALL, {"b": Transient()}, "a1 b1 c1 d1 b2 b3"),
        (Strategy.ALL, {"b": Transient(retries=1)}, "a1 b1 c1 d1 b2"),
        (Strategy.ALL, {"b": Transient(retries=0)}, "a1 b1 c1 d1"),
        (Strategy.ALL, {"b": (Uncertain(), Transient(), Uncertain())}, "a1 b1 b2 c1 d1 b3"),
        (Strategy.MIXED, {"a": Transient()}, "a1 b1"),
        (Strategy.WEBHOOK_FAILOVER, {"a": Transient()}, "a1 b1 c1"),
    ],
)
def test_a_course_as_calls(strategy: Strategy, said: Mapping[str, Said], calls: str) -> None:
    assert " ".join(walk(strategy, said).calls) == calls


def test_a_pass_that_failed_is_repeated_only_where_it_may_pass() -> None:
    broken, down = EndpointBroken(), Transient()
    walked = walk(
        Strategy.FAILOVER, {"a": broken, "b": (down, down, Delivered()), "c": down, "d": MessageRefused()}
    )
    assert walked.calls == ["a1", "b1", "c1", "d1", "b2", "b3"]
    assert walked.course.status is TaskStatus.COMPLETED


# Mails -----------------------------------------------------------------------------------------------

LATE = "late@example.com"
PUT_OFF = Delivered(deferred=(LATE,))
MAIL_ALONE = (a_channel(EMAIL, ["email"]),)


def test_readers_who_were_put_off_are_tried_again_alone() -> None:
    walked = walk(Strategy.FAILOVER, {"email": (PUT_OFF, Delivered())}, MAIL_ALONE)
    assert [(a.number, a.round, a.only) for a in walked.attempts] == [
        (1, 1, ()),
        (2, 2, (LATE,)),
    ]
    assert walked.course.status is TaskStatus.COMPLETED


def test_a_failure_while_trying_them_again_is_for_them_alone() -> None:
    walked = walk(Strategy.FAILOVER, {"email": (PUT_OFF, Transient(), Delivered())}, MAIL_ALONE)
    assert [a.only for a in walked.attempts] == [(), (LATE,), (LATE,)]


def test_readers_who_were_put_off_are_not_tried_through_a_broken_account() -> None:
    walked = walk(Strategy.ALL, {"email": (PUT_OFF, EndpointBroken())}, MAIL_ALONE)
    assert walked.calls == ["email1", "email2"]
    assert walked.course.progress == Progress(1, 1, 0, 0)


def test_what_a_mail_has_made_good_is_not_sent_elsewhere_in_the_round_for_its_late_readers() -> None:
    walked = walk(Strategy.FAILOVER, {"a": Transient(), "email": (PUT_OFF, Delivered())}, ROBOT_AND_MAIL)
    assert walked.calls == ["a1", "email1", "email2"]


# Taking up where it was left ------------------------------------------------------------------------


def test_a_course_is_taken_up_behind_what_has_ended() -> None:
    (order,) = a_course(Strategy.FAILOVER, [an_attempt(A, EndpointBroken())]).begin(START, no_chance)
    assert isinstance(order, Order)
    assert list(order.ended) == ["a"]
    assert [errand.target for errand in order.errands] == [A, B]


def test_a_round_taken_up_is_not_for_those_who_became_ready_since() -> None:
    attempts = [
        an_attempt(A, Transient()),
        an_attempt(B, RateLimited(waits=(15.0,))),
        an_attempt(A, Transient(), round=2, number=2, at=5.0),
    ]
    course = a_course(Strategy.ALL, attempts, (a_channel(FEISHU, "ab"),))
    assert course.begin(START + 15.0, no_chance) == [Pause(0, 0.0)]
    (order,) = course.round_due(0, START + 15.0, no_chance)
    assert order == Order(0, 3, FEISHU, (Errand(A, 3), Errand(B, 2)), {})


def test_a_success_takes_nobody_out_of_its_own_round() -> None:
    """Where all of a channel are told, a success that was stored before the process died stops nobody."""
    attempts = [
        an_attempt(A, RateLimited(waits=(3.0,))),
        an_attempt(B, RateLimited(waits=(3.0,))),
        an_attempt(A, Delivered(), round=2, number=2, at=3.0),
    ]
    course = a_course(Strategy.MIXED, attempts, (a_channel(FEISHU, "ab"),))
    (order,) = course.begin(START + 3.0, no_chance)
    assert order == Order(0, 2, FEISHU, (Errand(A, 3), Errand(B, 2)), {"a": Outcome.SUCCESS})


def test_a_repetition_that_was_owed_is_the_last_one() -> None:
    (order,) = a_course(Strategy.FAILOVER, [an_attempt(A, Uncertain())]).begin(START, no_chance)
    assert isinstance(order, Order)
    assert order.errands[0] == Errand(A, 2, repeats_uncertain=True)
    assert order.ended == {}


def test_a_channel_that_lost_its_order_gets_what_is_left_of_it() -> None:
    course = a_course(Strategy.ALL)
    course.begin(START, no_chance)
    course.note(an_attempt(A, Delivered()))
    (order,) = course.channel_lost(0, FEISHU, START, no_chance)
    assert isinstance(order, Order)
    assert (order.platform, list(order.ended)) == (FEISHU, ["a"])


def test_a_channel_that_lost_its_order_when_nothing_was_left_has_ended() -> None:
    course = a_course(Strategy.FAILOVER)
    course.begin(START, no_chance)
    course.note(an_attempt(A, Delivered()))
    assert course.channel_lost(0, FEISHU, START, no_chance) == []
    assert (course.finished, course.status) == (True, TaskStatus.COMPLETED)


def test_a_channel_that_lost_an_order_it_had_carried_out_before_is_not_asked_again() -> None:
    course = a_course(Strategy.FAILOVER)
    course.begin(START, no_chance)
    assert course.channel_lost(0, DINGTALK, START, no_chance) == []


def test_a_lost_order_is_given_again_even_if_the_wall_clock_went_back() -> None:
    course = a_course(Strategy.FAILOVER, [an_attempt(A, Transient())], (a_channel(FEISHU, "a"),))
    course.begin(START, no_chance)
    (order,) = course.round_due(0, START + 5.0, no_chance)
    assert course.channel_lost(0, FEISHU, START - 3600.0, no_chance) == [order]


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([], (1, Errand(A, 1))),
        ([an_attempt(A, Transient(), round=1)], (1, Errand(A, 2))),
        ([an_attempt(A, Uncertain())], (1, Errand(A, 2, repeats_uncertain=True))),
        ([an_attempt(A, Delivered())], None),
        ([an_attempt(A, EndpointBroken())], None),
    ],
)
def test_an_errand_is_open_while_another_attempt_may_follow(
    attempts: list[Attempt], expected: tuple[int, Errand] | None
) -> None:
    assert a_course(Strategy.FAILOVER, attempts).open_errand(A) == expected


def test_no_errand_is_open_for_a_target_outside_the_plan() -> None:
    assert a_course(Strategy.FAILOVER).open_errand(NOTICE) is None


# The fate of a task ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platforms", "delivered", "status"),
    [
        ((FEISHU, SYSTEM), A, TaskStatus.COMPLETED),
        ((FEISHU, SYSTEM), NOTICE, TaskStatus.FAILED),
        ((SYSTEM,), NOTICE, TaskStatus.COMPLETED),
        ((), A, TaskStatus.COMPLETED),
        ((), NOTICE, TaskStatus.COMPLETED),
        ((SYSTEM,), A, TaskStatus.COMPLETED),
    ],
)
def test_a_notice_makes_a_success_only_where_there_is_nothing_else(
    platforms: tuple[PlatformName, ...], delivered: Target, status: TaskStatus
) -> None:
    channels = [a_channel(platform, "a" if platform is FEISHU else "s") for platform in platforms]
    assert a_course(Strategy.ALL, [an_attempt(delivered, Delivered())], channels).status is status


def test_a_notice_is_no_success_beside_a_channel_that_failed_and_is_gone_since() -> None:
    attempts = [an_attempt(A, EndpointBroken()), an_attempt(NOTICE, Delivered())]
    assert a_course(Strategy.ALL, attempts, (a_channel(SYSTEM, "s"),)).status is TaskStatus.FAILED


def test_failures_are_the_last_attempts_of_those_not_reached() -> None:
    course = a_course(
        Strategy.ALL,
        [an_attempt(A, Transient()), an_attempt(B, Delivered()), an_attempt(A, EndpointBroken(), number=2)],
    )
    assert course.failures == [an_attempt(A, EndpointBroken(), number=2)]


# Progress --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "progress"),
    [
        (Strategy.ALL, Progress(total=4, success=0, failed=0, pending=4)),
        (Strategy.FAILOVER, Progress(total=1, success=0, failed=0, pending=1)),
        (Strategy.WEBHOOK_FAILOVER, Progress(total=2, success=0, failed=0, pending=2)),
        (Strategy.MIXED, Progress(total=2, success=0, failed=0, pending=2)),
    ],
)
def test_progress_at_the_start_counts_those_started(strategy: Strategy, progress: Progress) -> None:
    course = a_course(strategy)
    course.begin(START, no_chance)
    assert course.progress == progress


def test_progress_follows_a_channel_from_one_target_to_the_next() -> None:
    course = a_course(Strategy.FAILOVER)
    course.begin(START, no_chance)
    course.note(an_attempt(A, EndpointBroken()))
    assert course.progress == Progress(total=2, success=0, failed=1, pending=1)


def test_a_target_that_waits_for_its_next_round_is_pending() -> None:
    attempts = [an_attempt(A, Transient()), an_attempt(B, EndpointBroken())]
    course = a_course(Strategy.ALL, attempts, (a_channel(FEISHU, "ab"),))
    course.begin(START, no_chance)
    assert course.progress == Progress(total=2, success=0, failed=1, pending=1)


def test_progress_after_the_end_has_nothing_pending() -> None:
    assert walk(Strategy.ALL, {"a": Transient()}).course.progress == Progress(4, 3, 1, 0)
