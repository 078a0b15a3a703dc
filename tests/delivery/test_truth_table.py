"""Five strategies in ten situations: who is called, when, and what the task comes to (contract §4 and §5).

Feishu has the robots ``a`` and ``b``, DingTalk ``c`` and ``d``; ``platform`` is a push to Feishu alone. Calls
read like this::

    a b     one after the other        a+b    inside at the same time
    |       lanes that run in parallel /      what follows, only once time has passed

Results: ``a+`` reached, ``a-`` not, ``a?`` not, but it may have arrived. Progress: total, success, failed. A
task that failed is always followed by the last line of defence, one that succeeded never.
"""

from typing import NamedTuple

import pytest

from pushserver.domain import (
    Delivered,
    EndpointBroken,
    MessageRefused,
    RateLimited,
    RefusedHere,
    Strategy,
    Task,
    Transient,
    Uncertain,
)
from tests.delivery.parts import FEISHU, a_task
from tests.delivery.stage import Acts, Call, Hold, Stage, Together
from tests.delivery.world import DELAY, World, Worlds, alarms, summary

SITUATIONS: dict[str, dict[str, Acts]] = {
    "all well": {},
    "first endpoint broken": {"a": EndpointBroken()},
    "first channel broken": {"a": EndpointBroken(), "b": EndpointBroken()},
    "all broken": {name: EndpointBroken() for name in "abcd"},
    "rate limited": {"a": [RateLimited(waits=(DELAY,)), Delivered()]},
    "answer lost": {"a": Uncertain()},
    "refused here": {"a": RefusedHere()},
    "message refused": {"a": MessageRefused()},
    "recovering": {name: [Transient(), Delivered()] for name in "abcd"},
}

TABLE = """
situation             | strategy         | calls                     | status    | results     | progress
all well              | all              | a+b | c+d                 | completed | a+ b+ c+ d+ | 4 4 0
all well              | failover         | a                         | completed | a+          | 1 1 0
all well              | webhook_failover | a | c                     | completed | a+ c+       | 2 2 0
all well              | mixed            | a+b                       | completed | a+ b+       | 2 2 0
all well              | platform         | a                         | completed | a+          | 1 1 0

first endpoint broken | all              | a+b | c+d                 | completed | a- b+ c+ d+ | 4 3 1
first endpoint broken | failover         | a b                       | completed | a- b+       | 2 1 1
first endpoint broken | webhook_failover | a b | c                   | completed | a- b+ c+    | 3 2 1
first endpoint broken | mixed            | a+b                       | completed | a- b+       | 2 1 1
first endpoint broken | platform         | a b                       | completed | a- b+       | 2 1 1

first channel broken  | all              | a+b | c+d                 | completed | a- b- c+ d+ | 4 2 2
first channel broken  | failover         | a b c                     | completed | a- b- c+    | 3 1 2
first channel broken  | webhook_failover | a b | c                   | completed | a- b- c+    | 3 1 2
first channel broken  | mixed            | a+b c+d                   | completed | a- b- c+ d+ | 4 2 2
first channel broken  | platform         | a b                       | failed    | a- b-       | 2 0 2

all broken            | all              | a+b | c+d                 | failed    | a- b- c- d- | 4 0 4
all broken            | failover         | a b c d                   | failed    | a- b- c- d- | 4 0 4
all broken            | webhook_failover | a b | c d                 | failed    | a- b- c- d- | 4 0 4
all broken            | mixed            | a+b c+d                   | failed    | a- b- c- d- | 4 0 4
all broken            | platform         | a b                       | failed    | a- b-       | 2 0 2

rate limited          | all              | a+b | c+d / a             | completed | a+ b+ c+ d+ | 4 4 0
rate limited          | failover         | a b                       | completed | a- b+       | 2 1 1
rate limited          | webhook_failover | a b | c                   | completed | a- b+ c+    | 3 2 1
rate limited          | mixed            | a+b                       | completed | a- b+       | 2 1 1
rate limited          | platform         | a b                       | completed | a- b+       | 2 1 1

answer lost           | all              | a+b | c+d / a             | completed | a? b+ c+ d+ | 4 3 1
answer lost           | failover         | a / a b                   | completed | a? b+       | 2 1 1
answer lost           | webhook_failover | a | c / a b               | completed | a? b+ c+    | 3 2 1
answer lost           | mixed            | a+b / a                   | completed | a? b+       | 2 1 1
answer lost           | platform         | a / a b                   | completed | a? b+       | 2 1 1

refused here          | all              | a+b | c+d                 | completed | a- b+ c+ d+ | 4 3 1
refused here          | failover         | a b                       | completed | a- b+       | 2 1 1
refused here          | webhook_failover | a b | c                   | completed | a- b+ c+    | 3 2 1
refused here          | mixed            | a+b                       | completed | a- b+       | 2 1 1
refused here          | platform         | a b                       | completed | a- b+       | 2 1 1

message refused       | all              | a+b | c+d                 | completed | a- b+ c+ d+ | 4 3 1
message refused       | failover         | a c                       | completed | a- c+       | 2 1 1
message refused       | webhook_failover | a | c                     | completed | a- c+       | 2 1 1
message refused       | mixed            | a+b                       | completed | a- b+       | 2 1 1
message refused       | platform         | a                         | failed    | a-          | 1 0 1

recovering            | all              | a+b | c+d / a+b | c+d     | completed | a+ b+ c+ d+ | 4 4 0
recovering            | failover         | a b c d / a               | completed | a+ b- c- d- | 4 1 3
recovering            | webhook_failover | a b | c d / a | c         | completed | a+ b- c+ d- | 4 2 2
recovering            | mixed            | a+b c+d / a+b             | completed | a+ b+ c- d- | 4 2 2
recovering            | platform         | a b / a                   | completed | a+ b-       | 2 1 1
"""


class Row(NamedTuple):
    situation: str
    strategy: str
    calls: str
    status: str
    results: str
    progress: str


def _rows() -> list[Row]:
    lines = [line for line in TABLE.strip().splitlines()[1:] if line]
    return [_row(line) for line in lines]


def _row(line: str) -> Row:
    """A line of the table; the bars between the lanes of calls stand between those of the columns."""
    situation, strategy, *calls, status, results, progress = [cell.strip() for cell in line.split("|")]
    return Row(situation, strategy, " | ".join(calls), status, results, progress)


Step = list[str]
"""Endpoints that are inside at the same time."""
Lane = list[Step]
Phase = list[Lane]
"""Lanes that run in parallel; time passes between two phases."""


def _phases(calls: str) -> list[Phase]:
    return [
        [[step.split("+") for step in lane.split()] for lane in phase.split("|")]
        for phase in calls.split("/")
    ]


def _count(phase: Phase) -> int:
    return sum(len(step) for lane in phase for step in lane)


def _meetings(phases: list[Phase]) -> dict[tuple[str, int], Together]:
    """The first steps of all lanes have to be inside together, and each later step for itself."""
    meetings: dict[tuple[str, int], Together] = {}
    nth: dict[str, int] = {}
    for phase in phases:
        together = [[name for lane in phase for name in lane[0]]]
        together += [step for lane in phase for step in lane[1:]]
        for names in together:
            meeting = Together(len(names))
            for name in names:
                nth[name] = nth.get(name, 0) + 1
                meetings[name, nth[name]] = meeting
    return meetings


def _assert_in_order(phases: list[Phase], calls: list[Call]) -> None:
    """Each step began only when the one before it in its lane was over, each phase when all lanes were."""
    waiting = {(call.name, call.nth): call for call in calls}
    nth: dict[str, int] = {}
    phase_over = -1
    for phase in phases:
        ends = [phase_over]
        for lane in phase:
            over = phase_over
            for step in lane:
                made = []
                for name in step:
                    nth[name] = nth.get(name, 0) + 1
                    made.append(waiting.pop((name, nth[name])))
                assert all(call.began > over for call in made)
                over = max(call.ended for call in made if call.ended is not None)
            ends.append(over)
        phase_over = max(ends)
    assert not waiting


def _task(strategy: str) -> Task:
    return a_task(Strategy(strategy), FEISHU if strategy == "platform" else None)


def _play(world: World, task: Task, phases: list[Phase]) -> None:
    world.push(task)
    recorded = 0
    for phase in phases[:-1]:
        recorded += _count(phase)
        world.recorded(task, recorded)
        world.advance(DELAY)


@pytest.mark.parametrize("row", _rows(), ids=lambda row: f"{row.situation}-{row.strategy}")
def test_the_truth_table(row: Row, new_world: Worlds) -> None:
    phases = _phases(row.calls)
    stage = Stage(SITUATIONS[row.situation], meetings=_meetings(phases))
    world = new_world(stage=stage)
    task = _task(row.strategy)

    _play(world, task, phases)
    # A verdict is in the store before its channel sets the timer, for which the last move may be too early.
    (stored,) = world.ended_in_time(task)

    view = world.view(stored)
    progress = view["progress"]
    assert view["status"] == row.status
    assert " ".join(sorted(summary(view).split())) == row.results
    assert f"{progress['total']} {progress['success']} {progress['failed']}" == row.progress
    assert progress["pending"] == 0
    assert alarms(view) == (["s"] if row.status == "failed" else [])
    last_line = [call for call in stage.calls if call.name == "s"]
    assert len(last_line) == len(alarms(view))
    _assert_in_order(phases, [call for call in stage.calls if call.name != "s"])


def test_every_strategy_is_in_every_situation() -> None:
    expected = {(situation, str(strategy)) for situation in SITUATIONS for strategy in Strategy}
    assert {(row.situation, row.strategy) for row in _rows()} == expected


@pytest.mark.parametrize(
    ("strategy", "meanwhile", "results"),
    [
        ("all", "b c d", "a+ b+ c+ d+"),
        ("failover", "", "a+"),
        ("webhook_failover", "c", "a+ c+"),
        ("mixed", "b", "a+ b+"),
        ("platform", "", "a+"),
    ],
)
def test_a_slow_endpoint_is_waited_for_and_holds_up_nobody_it_does_not_replace(
    strategy: str, meanwhile: str, results: str, new_world: Worlds
) -> None:
    slow = Hold()
    stage = Stage({"a": slow})
    world = new_world(stage=stage)
    task = _task(strategy)
    others = meanwhile.split()

    world.push(task)
    stage.wait_until(lambda: "a" in stage.inside)
    world.recorded(task, len(others))
    assert sorted(attempt.target.name for attempt in world.stored(task).attempts) == others
    slow.let_go()
    (stored,) = world.ended(task)

    assert " ".join(sorted(summary(world.view(stored)).split())) == results
    assert sorted(stage.names) == ["a", *others]
