"""Messages between actors in real processes, which are killed, stopped and replaced."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from actors import ActorSystem, ActorUnavailable, Address, AskTimeout, ChildSpec, Ref
from actors.policy import Backoff, Exhausted, Policy
from actors.processes import Network, Patience, ProcessSpec, Transport
from tests.actors.processes.conftest import Running, Supervise, freeze
from tests.actors.processes.workers import PATIENCE, Count, Ear, HowMany, Mouth, Pid, Sleep, Tally, host

pytestmark = pytest.mark.kill

POLICY = Policy(restarts=100, backoff=Backoff(0.01, 0.01), exhausted=Exhausted.ESCALATE)
MESSAGES = 50_000


@pytest.fixture
def here(network: Network) -> Iterator[ActorSystem]:
    """A system in the process of the test."""
    system = ActorSystem("here", ChildSpec("root"))
    transport = Transport(system, network)
    system.start()
    transport.start()
    yield system
    transport.stop()
    system.stop()


@pytest.fixture
def there(ear: Ear, network: Network, supervise: Supervise) -> Running:
    """A process with actors, under a root that restarts it."""
    spec = ProcessSpec(
        "there", host, (Mouth(ear.path, "there"), network), POLICY, patience=Patience(heartbeat=1.5)
    )
    running = supervise(spec)
    running.wait_until_ready()
    ear.hear("there", "ready")
    return running


def far(system: ActorSystem, name: str) -> Ref:
    return system.ref_at(Address("there", (name,)))


@pytest.mark.alone
def test_who_asks_a_process_that_is_killed_hears_of_it_at_once(here: ActorSystem, there: Running) -> None:
    doorman = far(here, "doorman")
    pid = doorman.ask(Pid(), timeout=PATIENCE)
    assert pid == there.child("there").pid
    killer = threading.Timer(0.2, os.kill, (pid, signal.SIGKILL))
    killer.start()
    begun = time.monotonic()
    with pytest.raises(ActorUnavailable, match="/there/doorman is gone: there ended, or was restarted"):
        doorman.ask(Sleep(PATIENCE), timeout=PATIENCE)
    assert time.monotonic() - begun < 5.0
    killer.join()


def test_the_successor_of_a_killed_process_is_found_by_the_same_ref(
    here: ActorSystem, there: Running, ear: Ear
) -> None:
    doorman = far(here, "doorman")
    for _ in range(3):
        pid = doorman.ask(Pid(), timeout=PATIENCE)
        os.kill(pid, signal.SIGKILL)
        successor = ear.hear("there", "ready").pid
        assert doorman.ask(Pid(), timeout=PATIENCE) == successor != pid


@pytest.mark.alone
def test_asking_a_stopped_process_ends_by_the_deadline_and_telling_it_never_blocks(
    here: ActorSystem, there: Running, ear: Ear
) -> None:
    doorman, counter = far(here, "doorman"), far(here, "counter")
    pid = doorman.ask(Pid(), timeout=PATIENCE)
    freeze(pid)
    begun = time.monotonic()
    with pytest.raises(AskTimeout):
        doorman.ask(Pid(), timeout=0.2)
    for number in range(1000):
        counter.tell(Count(number))
    assert time.monotonic() - begun < 1.2
    os.kill(pid, signal.SIGCONT)
    assert counter.ask(HowMany(), timeout=PATIENCE).amount == 1000


def test_a_process_that_stays_stopped_is_replaced_and_found_again(
    here: ActorSystem, there: Running, ear: Ear
) -> None:
    doorman = far(here, "doorman")
    pid = doorman.ask(Pid(), timeout=PATIENCE)
    freeze(pid)
    with pytest.raises(ActorUnavailable, match="is gone"):
        doorman.ask(Pid(), timeout=PATIENCE)
    successor = ear.hear("there", "ready").pid
    assert doorman.ask(Pid(), timeout=PATIENCE) == successor


def test_fifty_thousand_messages_between_two_processes_all_arrive_in_order(
    here: ActorSystem, there: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    counter = far(here, "counter")
    begun, used = time.monotonic(), time.process_time()
    for number in range(MESSAGES):
        if number % 10_000 == 9_999:  # more than what may wait for a peer
            counter.ask(HowMany(), timeout=PATIENCE)
        counter.tell(Count(number))
    tally: Tally = counter.ask(HowMany(), timeout=PATIENCE)
    took, cost = time.monotonic() - begun, time.process_time() - used
    assert (tally.amount, tally.in_order) == (MESSAGES, True)
    with capsys.disabled():
        rate, sender, receiver = MESSAGES / took, cost / MESSAGES * 1e6, tally.cpu / MESSAGES * 1e6
        print(f"\n  {rate:,.0f} tells/s; CPU each: {sender:.0f} µs here, {receiver:.0f} µs there")  # noqa: T201 - a figure
