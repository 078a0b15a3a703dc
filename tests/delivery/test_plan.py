"""What each strategy makes of a recipient's channels (contract §5)."""

import pytest

from pushserver.delivery.course import Course, Order, RetryRules
from pushserver.delivery.plan import Plan, PlannedChannel, fallback_plan, plan_for
from pushserver.domain import MANNERS, Delivered, Manner, PlatformName, Strategy, Target
from tests.delivery.parts import (
    DINGTALK,
    EMAIL,
    FEISHU,
    NOON,
    SYSTEM,
    WECHAT,
    a_channel,
    a_task,
    an_attempt,
)

EVERYONE, FIRST_SUCCESS = Manner
WITH_NOTICES = (
    a_channel(DINGTALK, "cd"),
    a_channel(SYSTEM, "s"),
    a_channel(FEISHU, "ab"),
)
ONLY_NOTICES = (a_channel(SYSTEM, "st"),)


def platforms(plan: Plan) -> list[PlatformName]:
    return [channel.platform for channel in plan.channels]


def group_platforms(plan: Plan) -> list[list[PlatformName]]:
    return [[channel.platform for channel in group] for group in plan.groups]


@pytest.mark.parametrize(
    ("strategy", "across", "within"),
    [
        (Strategy.ALL, EVERYONE, EVERYONE),
        (Strategy.FAILOVER, FIRST_SUCCESS, FIRST_SUCCESS),
        (Strategy.WEBHOOK_FAILOVER, EVERYONE, FIRST_SUCCESS),
        (Strategy.MIXED, FIRST_SUCCESS, EVERYONE),
    ],
)
def test_a_strategy_is_two_choices(strategy: Strategy, across: Manner, within: Manner) -> None:
    manners = plan_for(a_task(strategy), WITH_NOTICES).manners
    assert (manners.across, manners.within) == (across, within)


def test_channels_and_targets_keep_the_order_of_the_file() -> None:
    plan = plan_for(a_task(Strategy.ALL), WITH_NOTICES)
    assert platforms(plan) == [DINGTALK, SYSTEM, FEISHU]
    assert [target.name for target in plan.channels[2].targets] == ["a", "b"]


@pytest.mark.parametrize("strategy", [Strategy.FAILOVER, Strategy.MIXED])
def test_notices_are_no_spare_for_a_channel(strategy: Strategy) -> None:
    assert platforms(plan_for(a_task(strategy), WITH_NOTICES)) == [DINGTALK, FEISHU]


@pytest.mark.parametrize("strategy", [Strategy.ALL, Strategy.WEBHOOK_FAILOVER])
def test_notices_take_part_where_everyone_does(strategy: Strategy) -> None:
    assert SYSTEM in platforms(plan_for(a_task(strategy), WITH_NOTICES))


@pytest.mark.parametrize(
    "strategy", [Strategy.ALL, Strategy.FAILOVER, Strategy.WEBHOOK_FAILOVER, Strategy.MIXED]
)
def test_notices_are_the_channel_of_a_recipient_that_has_no_other(strategy: Strategy) -> None:
    assert platforms(plan_for(a_task(strategy), ONLY_NOTICES)) == [SYSTEM]


@pytest.mark.parametrize("platform", [DINGTALK, FEISHU, SYSTEM])
def test_a_push_by_platform_uses_that_one_alone(platform: PlatformName) -> None:
    plan = plan_for(a_task(platform=platform), WITH_NOTICES)
    assert platforms(plan) == [platform]
    assert plan.manners.within is FIRST_SUCCESS


def test_a_push_by_a_platform_that_is_gone_has_an_empty_plan() -> None:
    plan = plan_for(a_task(platform=WECHAT), WITH_NOTICES)
    assert (plan.channels, plan.groups) == ((), ())


def test_a_channel_without_targets_does_not_exist() -> None:
    channels = (a_channel(EMAIL, ()), a_channel(FEISHU, "a"))
    assert platforms(plan_for(a_task(), channels)) == [FEISHU]


@pytest.mark.parametrize("strategy", [Strategy.ALL, Strategy.WEBHOOK_FAILOVER])
def test_channels_that_are_each_owed_a_success_are_retried_apart(strategy: Strategy) -> None:
    plan = plan_for(a_task(strategy), WITH_NOTICES)
    assert group_platforms(plan) == [[DINGTALK], [SYSTEM], [FEISHU]]


@pytest.mark.parametrize("strategy", [Strategy.FAILOVER, Strategy.MIXED])
def test_channels_that_replace_one_another_are_retried_together(strategy: Strategy) -> None:
    assert group_platforms(plan_for(a_task(strategy), WITH_NOTICES)) == [[DINGTALK, FEISHU]]


@pytest.mark.parametrize(
    ("strategy", "each"),
    [
        (Strategy.ALL, True),
        (Strategy.FAILOVER, False),
        (Strategy.WEBHOOK_FAILOVER, False),
        (Strategy.MIXED, False),
    ],
)
def test_each_target_is_owed_its_own_success_only_with_all(strategy: Strategy, each: bool) -> None:
    assert plan_for(a_task(strategy), WITH_NOTICES).everyone_counts is each


def test_the_last_line_of_defence_uses_every_notice() -> None:
    plan = fallback_plan(["console", "file"])
    assert platforms(plan) == [SYSTEM]
    assert [target.name for target in plan.channels[0].targets] == ["console", "file"]
    assert plan.everyone_counts


def test_without_notices_the_last_line_of_defence_is_empty() -> None:
    assert fallback_plan([]).channels == ()


def test_who_has_the_message_and_is_gone_joins_the_plan_before_the_others() -> None:
    planned = Plan((PlannedChannel(FEISHU, (Target(FEISHU, "a"),)),), MANNERS[Strategy.FAILOVER])
    reached = [Target(FEISHU, "gone"), Target(DINGTALK, "away"), Target(FEISHU, "a")]
    assert planned.with_reached(reached).channels == (
        PlannedChannel(FEISHU, (Target(FEISHU, "gone"), Target(FEISHU, "a"))),
        PlannedChannel(DINGTALK, (Target(DINGTALK, "away"),)),
    )
    assert planned.with_reached([Target(FEISHU, "a")]) is planned


@pytest.mark.parametrize(
    ("strategy", "then"),
    [
        (Strategy.FAILOVER, {}),
        (Strategy.MIXED, {"feishu": ["a"]}),
        (Strategy.WEBHOOK_FAILOVER, {"dingtalk": ["c"]}),
        (Strategy.ALL, {"feishu": ["a"], "dingtalk": ["c"]}),
    ],
)
def test_what_is_still_owed_once_somebody_who_is_gone_has_it(
    strategy: Strategy, then: dict[str, list[str]]
) -> None:
    channels = (
        PlannedChannel(FEISHU, (Target(FEISHU, "a"),)),
        PlannedChannel(DINGTALK, (Target(DINGTALK, "c"),)),
    )
    gone = an_attempt(Target(FEISHU, "gone"), Delivered())
    plan = Plan(channels, MANNERS[strategy]).with_reached([gone.target])
    steps = Course(plan, RetryRules(3, 5.0), [gone]).begin(NOON.timestamp(), lambda: 0.0)
    owed = {
        step.platform.value: [e.target.name for e in step.errands if e.target.name not in step.ended]
        for step in steps
        if isinstance(step, Order)
    }
    assert owed == then
