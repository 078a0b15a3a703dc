"""The actors make exactly the calls that the pure course makes, for plans and verdicts drawn at random."""

import random
from dataclasses import asdict

import pytest

from pushserver.config import Channel
from pushserver.delivery import RetryRules
from pushserver.delivery.plan import plan_for
from pushserver.domain import (
    Delivered,
    EndpointBroken,
    MessageRefused,
    PlatformName,
    RefusedHere,
    Strategy,
    Target,
    Transient,
    Uncertain,
    Verdict,
)
from tests.delivery.parts import DINGTALK, EMAIL, FEISHU, SYSTEM, WECHAT, a_task
from tests.delivery.stage import Stage
from tests.delivery.walk import Walk
from tests.delivery.world import Worlds, channel, with_channels

ONE_ROUND = RetryRules(count=0, delay=5.0)
"""With further rounds, which targets meet in one depends on time; they are in the truth table."""
VERDICTS: list[Verdict] = [
    Delivered(),
    Transient(),
    EndpointBroken(),
    RefusedHere(),
    MessageRefused(),
    Uncertain(),
    Uncertain(again=False),
]


def _channels(dice: random.Random) -> list[Channel]:
    platforms = dice.sample([FEISHU, DINGTALK, WECHAT, EMAIL, SYSTEM], k=dice.randint(1, 4))
    return [channel(platform, _names(dice, platform)) for platform in platforms]


def _names(dice: random.Random, platform: PlatformName) -> list[str]:
    return [f"{platform}-{number}" for number in range(1 if platform is EMAIL else dice.randint(1, 3))]


@pytest.mark.parametrize("seed", range(40))
def test_the_actors_follow_the_course(seed: int, new_world: Worlds) -> None:
    dice = random.Random(seed)
    channels = _channels(dice)
    strategy = dice.choice(list(Strategy))
    task = a_task(strategy, dice.choice(channels).platform if strategy is Strategy.PLATFORM else None)
    script = {
        Target(each.platform, target.name): tuple(dice.choices(VERDICTS, k=2))
        for each in channels
        for target in each.targets
    }
    expected = Walk(plan_for(task, channels), ONE_ROUND, script).to_the_end()

    acts = {target.name: list(said) for target, said in script.items()}
    world = new_world(with_channels(*channels, rules=ONE_ROUND), stage := Stage(acts))
    world.push(task)
    (stored,) = world.ended_in_time(task)

    calls = [f"{call.name}{call.nth}" for call in stage.calls if call.name != "s"]
    assert sorted(calls) == sorted(expected.calls)
    assert stored.status is expected.course.status
    progress, counts = world.view(stored)["progress"], expected.course.progress
    assert progress == asdict(counts)
