"""``kill -9`` at any moment: nothing accepted is lost, and nothing with a verdict is sent again."""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from pushserver.sandbox import Robot, Sandbox
from tests.system.burst import Accepted, Burst
from tests.system.deadline import until
from tests.system.server_process import PushServer
from tests.system.setups import INLINE, group, setup, store_of
from tests.system.store_file import delivered, fates, unfinished

pytestmark = pytest.mark.kill

Serve = Callable[..., PushServer]

PUSHES = 5_000
ROUNDS = 3
IN_HAND = 5
"""Sends of one endpoint that may be made again: under way, or on their way to the store, at a kill."""
DEATHS = 4
"""A message that was resumed three times is not sent a fifth time."""


Arrived = tuple[str, str]
"""A marker, and the robot that it has reached."""


def _arrived(robot: Robot, after: int = 0) -> list[Arrived]:
    """Everything that was accepted after arrival number ``after``, repetitions too."""
    return [(_marker(entry.words), robot.token) for entry in robot.journal.after(after) if entry.accepted]


def _marker(words: str) -> str:
    start = words.index("<")
    return words[start : words.index(">", start) + 1]


@dataclass(frozen=True)
class Death:
    """What was settled when the service died: arrivals up to ``number``, and the verdicts in the store."""

    number: int
    delivered: set[Arrived]

    @classmethod
    def of(cls, server: PushServer, sandbox: Sandbox) -> Self:
        server.kill()
        return cls(sandbox.arrivals(limit=1)[-1].number, delivered(store_of(server.directory)))


def _pushed_through_kills(server: PushServer, sandbox: Sandbox) -> tuple[list[Accepted], list[Death]]:
    chance = random.Random(20_241_124)
    moments = sorted(chance.sample(range(200, PUSHES - 200), ROUNDS))
    deaths = []
    with Burst(lambda: server.port, ("both", "third", "fourth"), PUSHES, strategy="all") as burst:
        for moment in moments:
            burst.wait(moment)
            for _ in range(chance.choice([1, 2])):  # the second time it dies over what the first has left
                deaths.append(Death.of(server, sandbox))
                server.start()
        burst.wait(PUSHES, 40)
    return burst.accepted, deaths


def test_nothing_accepted_is_lost_and_nothing_finished_is_sent_again(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    robots = [sandbox.feishu(f"crash-{number}", secret="s") for number in range(4)]
    groups = {"both": robots[:2], "third": robots[2:3], "fourth": robots[3:]}
    recipients = {alias: {"feishu": group(*members)} for alias, members in groups.items()}
    server = serve(setup(tmp_path, recipients, queue={"retry_count": 3}, processes=INLINE))
    accepted, deaths = _pushed_through_kills(server, sandbox)
    until(lambda: unfinished(store_of(tmp_path)) == 0, "everything has ended", 40)
    shown = {server.client.task(push.task_id)["status"] for push in accepted[::100]}
    server.stop()

    assert shown == {"completed"}
    stored = fates(store_of(tmp_path))
    assert {stored.get(push.task_id) for push in accepted} == {"completed"}

    arrivals = Counter(arrival for robot in robots for arrival in _arrived(robot))
    owed = {(push.marker, robot.token) for push in accepted for robot in groups[push.recipient]}
    assert owed - arrivals.keys() == set()

    for death in deaths:
        later = {arrival for robot in robots for arrival in _arrived(robot, death.number)}
        assert later & death.delivered == set()

    repetitions = arrivals.total() - len(arrivals)
    print(f"{repetitions} of {arrivals.total()} arrivals were repetitions")  # noqa: T201 - the report itself
    assert repetitions <= len(deaths) * len(robots) * IN_HAND


def test_a_message_that_kills_its_process_is_given_up_and_everybody_else_is_served(
    sandbox: Sandbox, serve: Serve, tmp_path: Path
) -> None:
    poisoned, healthy = sandbox.feishu("poisoned"), sandbox.feishu("healthy")
    recipients = {"victim": {"feishu": group(poisoned)}, "neighbour": {"feishu": group(healthy)}}
    processes = {"gateway": 1, "delivery": 1}
    server = serve(setup(tmp_path, recipients, queue={"retry_count": 3}, processes=processes))
    client = server.client
    poisoned.hang()
    poison, behind = client.push("victim", "<poison>"), client.push("victim", "<behind>")
    neighbours = []
    for death in range(1, DEATHS + 1):
        poisoned.wait(death)
        neighbours.append(client.push("neighbour", f"<neighbour {death}>"))
        os.kill(server.worker("delivery-0"), signal.SIGKILL)
    poisoned.wait_for(lambda journal: "<behind>" in journal.entries[-1].words, 20)
    poisoned.release()

    task = client.ended(poison)
    assert task["status"] == "failed"
    (result,) = [item for item in task["results"] if not item.get("fallback")]
    assert result["message"] == "结果未知，可能已送达"
    assert result["uncertain"] is True
    assert {client.ended(task_id)["status"] for task_id in (behind, *neighbours)} == {"completed"}
    titles = Counter(title for title, _ in _arrived(poisoned))
    assert titles == {"<poison>": DEATHS, "<behind>": 1}
    assert len(set(_arrived(healthy))) == DEATHS
