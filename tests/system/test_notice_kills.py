"""``kill -9`` between a task's end and its notices, or among them: everybody hears of it all the same."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from pushserver.sandbox import Sandbox
from tests.system.burst import Accepted, Burst
from tests.system.deadline import until
from tests.system.notice_ways import WAYS, Raised, every_way
from tests.system.server_process import PushServer
from tests.system.setups import INLINE, Setup, group, notices, setup, store_of
from tests.system.store_file import unfinished

pytestmark = pytest.mark.kill

Serve = Callable[..., PushServer]

PUSHES = 40
IN_HAND = 5
"""Notices of one way that may be repeated: under way, or on their way to the store, at a kill."""


@pytest.fixture
def broken(sandbox: Sandbox) -> Setup:
    (robot := sandbox.feishu("broken")).fail(19001, times=None)
    return {"feishu": group(robot)}


def settled(server: PushServer) -> None:
    until(lambda: unfinished(store_of(server.directory)) == 0, "every last line has been raised", 40)


def entries(server: PushServer) -> list[str]:
    """The task of each entry in the notification store."""
    found = server.client.ask("GET", "/api/v1/notifications?limit=1000").data["notifications"]
    return sorted(entry["task_id"] for entry in found)


def ids(accepted: list[Accepted]) -> list[str]:
    return sorted(push.task_id for push in accepted)


@pytest.mark.parametrize("moment", random.Random(4_112).sample(range(1, PUSHES), 3))
def test_what_had_failed_and_not_been_raised_is_raised_once(
    moment: int, sandbox: Sandbox, broken: Setup, serve: Serve, tmp_path: Path
) -> None:
    """One notice that hangs has the only permit for notices: all others wait between end and notice."""
    sink, stopper = sandbox.notice(f"sink-{moment}"), sandbox.notice(f"stopper-{moment}")
    hanging = {"system": notices({"type": "http", "name": "stopper", "url": stopper.url, "timeout": 60})}
    queue = {"max_concurrent_per_platform": 1}
    recipients = {"ops": broken, "stopper": hanging}
    server = serve(setup(tmp_path, recipients, queue=queue, processes=INLINE, system=every_way(sink)))
    raised = Raised(server, sink)
    stopper.hang()
    server.client.push("stopper")
    stopper.wait()

    with Burst(lambda: server.port, ("ops",), PUSHES, threads=2) as burst:
        until(lambda: raised.failed() >= moment, f"{moment} tasks have failed")
        server.kill()
        assert raised.counts() == {way: {} for way in WAYS}
        stopper.recover()
        server.start()
        burst.wait(PUSHES)
    settled(server)

    assert {way: sorted(count.elements()) for way, count in raised.counts().items()} == dict.fromkeys(
        WAYS, entries(server)
    )
    assert set(entries(server)) >= set(ids(burst.accepted))


@dataclass(frozen=True)
class Death:
    """What had been said when the service died, and what of that the store knew."""

    said: dict[str, Counter[str]]
    known: set[tuple[str, str]]

    @classmethod
    def of(cls, raised: Raised, moment: int) -> Self:
        until(lambda: len(raised.files()) >= moment, f"there are {moment} notices")
        raised.server.kill()
        return cls(raised.counts(), raised.known())


def test_killed_among_the_notices_none_is_lost_and_none_that_is_known_is_repeated(
    sandbox: Sandbox, broken: Setup, serve: Serve, tmp_path: Path
) -> None:
    sink = sandbox.notice("among")
    server = serve(setup(tmp_path, {"ops": broken}, processes=INLINE, system=every_way(sink)))
    raised = Raised(server, sink)
    deaths = []
    with Burst(lambda: server.port, ("ops",), 3 * PUSHES, threads=4) as burst:
        for moment in sorted(random.Random(1_129).sample(range(10, 2 * PUSHES), 3)):
            deaths.append(Death.of(raised, moment))
            server.start()
        burst.wait(3 * PUSHES)
    settled(server)

    stored = entries(server)
    assert len(stored) == len(set(stored)), "one entry a task"
    assert set(stored) >= set(ids(burst.accepted))
    said = raised.counts()
    assert {way: set(count) for way, count in said.items()} == {way: set(stored) for way in WAYS}
    for death in deaths:
        assert death.known, "the death was among the notices"
        assert all(said[way][task_id] == death.said[way][task_id] for task_id, way in death.known)
    repeated = {way: count.total() - len(count) for way, count in said.items()}
    assert max(repeated.values()) <= IN_HAND * len(deaths)
