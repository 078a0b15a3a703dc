"""Operators look and restart while the service works: nobody else notices, and nothing is lost."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from pushserver.sandbox import Robot, Sandbox
from tests.system.actor_list import Actor, actors, begun_anew, lives, restart
from tests.system.burst import Burst
from tests.system.deadline import until
from tests.system.server_process import PushServer, serving
from tests.system.setups import group, setup, store_of
from tests.system.store_file import unfinished

HANGING, SPARE, CALM = "hanging", "spare", "calm"
ENDPOINT = "recipients/ops/feishu/hanging"


@pytest.fixture(scope="module")
def robots(sandbox: Sandbox) -> Mapping[str, Robot]:
    return {token: sandbox.feishu(token) for token in (HANGING, SPARE, CALM)}


@pytest.fixture(scope="module")
def server(robots: Mapping[str, Robot], tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushServer]:
    directory = tmp_path_factory.mktemp("operators")
    recipients = {
        "ops": {"feishu": group(robots[HANGING], robots[SPARE])},
        "calm": {"feishu": group(robots[CALM])},
        "quiet": {"feishu": group(robots[CALM])},
    }
    content = setup(directory, recipients, queue={"timeout": 60}, processes={"gateway": 1, "delivery": 2})
    with serving(directory, content) as server:
        yield server


@pytest.fixture(autouse=True)
def _all_are_well(robots: Mapping[str, Robot]) -> Iterator[None]:
    for robot in robots.values():
        robot.clear()
    yield
    for robot in robots.values():
        robot.recover()


# An endpoint -----------------------------------------------------------------------------------------


@pytest.mark.alone
def test_an_endpoint_that_hangs_is_restarted_within_a_second_and_what_waits_is_sent(
    server: PushServer, robots: Mapping[str, Robot]
) -> None:
    robots[HANGING].hang()
    tasks = [server.client.push("ops", f"<{number}>", strategy="all") for number in range(4)]
    server.client.outcome("calm")
    robots[HANGING].wait(1)
    (stuck,) = until(lambda: [a for a in actors(server, address=ENDPOINT) if a["mailbox"] == 3], "3 wait")
    assert stuck["busy_for"] > 0
    before = lives(server)

    began = time.monotonic()
    restarted = restart(server, ENDPOINT)
    assert time.monotonic() - began < 1
    assert restarted == {"address": stuck["address"], "restarts": stuck["restarts"] + 1}

    assert begun_anew(before, lives(server)) == {stuck["address"]}
    robots[HANGING].release()
    assert {server.client.ended(task)["status"] for task in tasks} == {"completed"}
    titles = Counter(entry.words.split()[1] for entry in robots[HANGING].messages)
    assert set(titles) == {"<0>", "<1>", "<2>", "<3>"}
    assert max(titles["<1>"], titles["<2>"], titles["<3>"]) == 1


@pytest.mark.alone
def test_restarting_a_recipient_restarts_what_stands_under_it_and_loses_nothing(
    server: PushServer, robots: Mapping[str, Robot]
) -> None:
    robots[HANGING].hang()
    server.client.outcome("calm")
    tasks = [server.client.push("ops", f"<r{number}>", strategy="all") for number in range(3)]
    robots[HANGING].wait(1)
    began = time.monotonic()
    restart(server, "recipients/ops")
    assert time.monotonic() - began < 1
    robots[HANGING].release()
    assert {server.client.ended(task)["status"] for task in tasks} == {"completed"}


def test_a_sleeping_one_stays_asleep(server: PushServer) -> None:
    before = actors(server, state="sleeping", recipient="quiet")
    assert [actor["kind"] for actor in before] == ["recipient", "channel", "endpoint"]
    assert restart(server, "recipients/quiet") == {"address": before[0]["address"], "restarts": 0}
    assert actors(server, state="sleeping", recipient="quiet") == before
    assert actors(server, recipient="quiet") == []


@pytest.mark.alone
@pytest.mark.parametrize(
    "address", ["api", "/gateway-0/store", "/delivery-0/store", "/delivery-1/sweeper", "/gateway-0/operator"]
)
def test_what_a_process_cannot_do_without_is_restarted_within_a_second_too(
    server: PushServer, address: str
) -> None:
    before = lives(server)
    began = time.monotonic()
    restarted = restart(server, address)
    assert time.monotonic() - began < 1
    assert restarted["restarts"] == 1
    assert server.client.outcome("calm")["status"] == "completed"
    until(server.client.healthy, "all is well")
    assert begun_anew(before, lives(server)) == {restarted["address"]}


# A process -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", ["delivery-0", "delivery-1", "gateway-0"])
def test_a_process_is_restarted_by_its_address_and_the_others_notice_nothing(
    server: PushServer, process: str
) -> None:
    tasks = [server.client.push(alias) for alias in ("ops", "calm") for _ in range(5)]
    before = {actor["process"]: actor for actor in actors(server, kind="process")}
    restarted = restart(server, f"/{process}")
    assert restarted == {"address": f"/{process}", "restarts": before[process]["restarts"] + 1}

    def renewed() -> Actor | None:
        (now,) = actors(server, kind="process", address=f"/{process}")
        return now if now["state"] == "running" and now["pid"] != before[process]["pid"] else None

    now = until(renewed, f"{process} is back")
    assert now["restarts"] == before[process]["restarts"] + 1
    others = {actor["process"]: actor["pid"] for actor in actors(server, kind="process")}
    assert others == {name: actor["pid"] for name, actor in before.items()} | {process: now["pid"]}
    assert {server.client.ended(task)["status"] for task in tasks} == {"completed"}


# During a burst --------------------------------------------------------------------------------------


def test_listings_and_restarts_during_a_burst_disturb_nobody(
    server: PushServer, robots: Mapping[str, Robot]
) -> None:
    slowest = 0.0
    with Burst(lambda: server.port, ("ops", "calm"), 400, threads=4) as burst:
        for accepted in range(40, 400, 40):
            burst.wait(accepted)
            began = time.monotonic()
            shown = actors(server, limit=1000)
            slowest = max(slowest, time.monotonic() - began)
            assert {actor["process"] for actor in shown} == {"delivery-0", "delivery-1", "gateway-0"}
            restart(server, "recipients/calm/feishu")
        burst.wait(400)
    assert slowest < 1.5
    until(lambda: unfinished(store_of(server.directory)) == 0, "everything has ended")
    titles = Counter(
        entry.words.split()[1]
        for robot in robots.values()
        for entry in robot.messages
        if entry.words.split()[1].startswith("<")
    )
    assert {push.marker for push in burst.accepted} - titles.keys() == set()
