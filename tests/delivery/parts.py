"""Channels, tasks and attempts with only what a test is about spelled out.

Targets have one-letter names, as in the truth table: Feishu has ``a`` and ``b``, DingTalk ``c`` and ``d``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pushserver.domain import Attempt, Level, PlatformName, Push, Strategy, Style, Target, Task, Verdict

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
PUSH = Push("磁盘告警", "disk 91% full", Level.WARNING, Style.TEXT)

FEISHU, DINGTALK, WECHAT, EMAIL, SYSTEM = PlatformName


@dataclass(frozen=True, slots=True)
class SomeTarget:
    name: str


@dataclass(frozen=True, slots=True)
class SomeChannel:
    platform: PlatformName
    targets: tuple[SomeTarget, ...]


def a_channel(platform: PlatformName, names: Sequence[str]) -> SomeChannel:
    return SomeChannel(platform, tuple(SomeTarget(name) for name in names))


def a_task(
    strategy: Strategy = Strategy.FAILOVER,
    platform: PlatformName | None = None,
    *,
    task_id: str = "task_20260102_120000_abcdefghijkl",
    recipient: str = "ops_alert",
    created_at: datetime = NOON,
) -> Task:
    if platform is not None:
        strategy = Strategy.PLATFORM
    return Task(task_id, recipient, strategy, platform, PUSH, created_at)


def an_attempt(
    target: Target,
    verdict: Verdict,
    *,
    number: int = 1,
    round: int = 1,  # noqa: A002 - the field's name
    at: float = 0.0,
    fallback: bool = False,
    only: tuple[str, ...] = (),
) -> Attempt:
    return Attempt(
        task_id="task_20260102_120000_abcdefghijkl",
        target=target,
        round=round,
        number=number,
        verdict=verdict,
        started_at=NOON + timedelta(seconds=at),
        duration=0.0,
        fallback=fallback,
        only=only,
    )
