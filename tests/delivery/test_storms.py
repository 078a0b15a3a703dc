"""Alert storms against the vendors' published limits; only the clock is not real."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from pushserver.config import Channel, DigestSettings
from pushserver.delivery import Terms
from pushserver.domain import Level, PlatformName, Push, Strategy, Task, TaskStatus
from pushserver.sandbox import Sandbox
from tests.delivery.group_chat import GroupChat
from tests.delivery.parts import DINGTALK, FEISHU, WECHAT, a_task
from tests.delivery.world import Setup, World, Worlds, eventually, with_channels

PUSHES, SECONDS, STEP = 1000, 10.0, 0.1
APART = DigestSettings(enabled=False)
PATIENT = Terms(reserve=0.2, max_wait=86_400.0)
ROBOTS = pytest.mark.parametrize("platform", [FEISHU, DINGTALK, WECHAT])


@pytest.fixture
def chat(new_world: Worlds) -> Iterator[GroupChat]:
    with Sandbox(clock=lambda: new_world.clock.now().timestamp()) as sandbox:
        yield GroupChat(sandbox)


def push(world: World, name: str, level: Level = Level.INFO) -> Task:
    task = replace(
        a_task(Strategy.WEBHOOK_FAILOVER, task_id=f"task_20260102_120000_{name:0>12}"),
        push=Push(name, f"disk of {name} is 91 % full", level),
        created_at=world.clock.now(),
    )
    world.push(task)
    return task


def storm(world: World, pushes: int = PUSHES) -> list[Task]:
    """So many pushes in ten seconds."""
    tasks = []
    steps = round(SECONDS / STEP)
    for step in range(steps):
        names = range(pushes * step // steps, pushes * (step + 1) // steps)
        tasks += [push(world, f"m{number:05}") for number in names]
        world.advance(STEP)
    return tasks


def all_arrived(world: World, tasks: Sequence[Task], chat: GroupChat, step: float) -> float:
    """Let time pass until all have ended; returns the seconds from the first push to the last arrival."""
    ended = world.ended_in_time(*tasks, step=step)
    assert {stored.status for stored in ended} == {TaskStatus.COMPLETED}
    assert [len(stored.attempts) for stored in ended] == [1] * len(tasks)
    assert chat.refused == []
    assert names_in(chat) == {task.push.title for task in tasks}
    return chat.messages[-1][0] - tasks[0].created_at.timestamp()


def names_in(chat: GroupChat) -> set[str]:
    return {name for _, words in chat.messages for name in re.findall(r"[me]\d{5}", words)}


def setup_with(channel: Channel, *, apart: bool = False, terms: Terms = PATIENT) -> Setup:
    return with_channels(channel, terms=terms, digest=APART if apart else DigestSettings())


@ROBOTS
def test_with_digests_everything_is_there_within_a_window_after_the_last_push(
    platform: PlatformName, new_world: Worlds, chat: GroupChat
) -> None:
    world = new_world(setup_with(chat.channel(platform)), chat)
    seconds = all_arrived(world, storm(world), chat, step=1.0)
    assert seconds <= SECONDS + 60.0
    assert len(chat.messages) < 90


@pytest.mark.parametrize(("platform", "pushes"), [(FEISHU, PUSHES), (DINGTALK, PUSHES), (WECHAT, PUSHES)])
def test_without_digests_it_takes_as_long_as_the_budget_wants_and_no_longer(
    platform: PlatformName, pushes: int, new_world: Worlds, chat: GroupChat
) -> None:
    world = new_world(setup_with(chat.channel(platform), apart=True), chat)
    seconds = all_arrived(world, storm(world, pushes), chat, step=2.0)
    a_minute = {FEISHU: 72, DINGTALK: 15, WECHAT: 15}[platform]
    shortest = 60.0 * ((pushes - 1) // a_minute)
    assert shortest <= seconds <= 1.1 * shortest
    assert len(chat.messages) == pushes


def test_three_robots_take_three_times_as_much(new_world: Worlds, chat: GroupChat) -> None:
    world = new_world(setup_with(chat.channel(DINGTALK, robots=3), apart=True), chat)
    seconds = all_arrived(world, storm(world, PUSHES), chat, step=2.0)
    shortest = 60.0 * ((PUSHES - 1) // (3 * 15))
    assert shortest <= seconds <= 1.1 * shortest


@pytest.mark.parametrize("apart", [True, False])
def test_an_error_goes_out_with_the_next_send(apart: bool, new_world: Worlds, chat: GroupChat) -> None:
    terms = replace(PATIENT, reserve=0.0)
    world = new_world(setup_with(chat.channel(DINGTALK), apart=apart, terms=terms), chat)
    for number in range(518):
        push(world, f"m{number:05}")
    eventually(lambda: waiting(world) == 500 or None, "500 that wait")
    sent = len(chat.messages)
    push(world, "e00000", Level.ERROR)
    eventually(lambda: waiting(world) == 501 or None, "an error that waits")
    world.advance(60.0)
    eventually(lambda: len(chat.messages) > sent or None, "the next send")
    assert re.findall(r"[me]\d{5}", chat.messages[sent][1])[0] == "e00000"


def waiting(world: World) -> int:
    return sum(endpoint.waiting for endpoint in world.services.board.figures(world.clock.monotonic()))


@ROBOTS
def test_a_kill_in_the_middle_is_followed_by_no_burst_and_loses_nothing(
    platform: PlatformName, new_world: Worlds, chat: GroupChat
) -> None:
    setup = replace(setup_with(chat.channel(platform)), sweeps=True)
    before = new_world(setup, chat)
    tasks = storm(before, 200)
    before.kill()
    before.advance(0.5)
    world = new_world(setup, chat)
    ended = world.ended_in_time(*tasks, step=0.5)
    assert {stored.status for stored in ended} == {TaskStatus.COMPLETED}
    assert chat.refused == []
    assert names_in(chat) == {task.push.title for task in tasks}
