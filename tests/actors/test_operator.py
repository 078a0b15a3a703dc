"""What an operator sees and does."""

import queue
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.metrics_core import GaugeMetricFamily

from actors import ActorFailed, ActorNotFound, ActorSystem, Address, ChildSpec, Ref, State, SystemClock
from actors.operator import NAME, CollectMetrics, Life, ListActors, Listing, Operator, RestartActor
from tests.actors.cast import PATIENCE, Crash, Echo, Hang, Stage, Troupe, until, until_idle
from tests.actors.conftest import Run


def with_operator(children: Mapping[str, ChildSpec], stage: list[ActorSystem]) -> dict[str, ChildSpec]:
    def start(context: Any) -> Operator:
        return Operator(context, system=stage[0], collect=lambda: [GaugeMetricFamily("one", "Two.", 3)])

    return {NAME: ChildSpec("operator", start), **children}


@pytest.fixture
def system(run: Run, troupe: Troupe) -> ActorSystem:
    """Two rooms with two players each, and the operator; one player sleeps."""
    own: list[ActorSystem] = []
    rooms = {
        name: ChildSpec("room", children={"ann": troupe.player(), "bob": troupe.player(deadline=0.05)})
        for name in ("hall", "attic")
    }
    own.append(run(with_operator(rooms, own)))
    for room, name in (("hall", "ann"), ("hall", "bob"), ("attic", "ann")):
        own[0].ref(room, name).ask(Echo(1), timeout=PATIENCE)
    return own[0]


def ask(system: ActorSystem, message: Any) -> Any:
    return system.ref(NAME).ask(message, timeout=PATIENCE)


def paths(listing: Listing) -> list[str]:
    return ["/".join(status.address.path) for status in listing.actors]


def test_all_who_are_awake_are_listed(system: ActorSystem) -> None:
    listing = ask(system, ListActors())
    assert sorted(paths(listing)) == ["attic/ann", "hall/ann", "hall/bob", "operator"]
    assert listing.total == 4


def test_a_listing_can_be_narrowed(system: ActorSystem) -> None:
    assert paths(ask(system, ListActors(kind="operator"))) == ["operator"]
    assert paths(ask(system, ListActors(under=Address("p", ("hall",))))) == ["hall/ann", "hall/bob"]
    assert paths(ask(system, ListActors(kind="player", under=Address("p", ("hall", "bob"))))) == ["hall/bob"]


def test_a_subtree_that_nobody_knows_is_answered_with_near_names(system: ActorSystem) -> None:
    with pytest.raises(ActorNotFound) as raised:
        ask(system, ListActors(under=Address("p", ("hal",))))
    assert raised.value.near == ("hall",)


def test_those_asleep_are_listed_when_they_are_asked_for(system: ActorSystem) -> None:
    listing = ask(system, ListActors(state=State.SLEEPING))
    assert paths(listing) == ["attic/bob"]
    assert listing.actors[0].kind == "player"


def test_at_most_so_many_are_shown_and_all_are_counted(system: ActorSystem) -> None:
    listing = ask(system, ListActors(limit=1))
    assert (listing.total, len(listing.actors)) == (4, 1)
    listing = ask(system, ListActors(limit=0))
    assert (listing.total, listing.actors, listing.complete) == (4, (), True)


def test_a_listing_says_of_which_life_of_the_process_it_is(run: Run) -> None:
    own: list[ActorSystem] = []

    def start(context: Any) -> Operator:
        life = Life(pid=42, restarts=7, began=context.clock.monotonic() - 100.0)
        return Operator(context, system=own[0], collect=list, life=life)

    own.append(run({NAME: ChildSpec("operator", start)}))
    listing = ask(own[0], ListActors())
    assert (listing.pid, listing.restarts) == (42, 7)
    assert 100.0 <= listing.uptime < 100.0 + PATIENCE


def test_a_look_at_very_many_sleepers_ends_in_time_and_says_so(run: Run, troupe: Troupe) -> None:
    own: list[ActorSystem] = []
    clock = Impatient()

    def start(context: Any) -> Operator:
        return Operator(context, system=own[0], collect=list)

    sleepers = {f"sleeper-{number}": troupe.player() for number in range(5000)}
    own.append(run({NAME: ChildSpec("operator", start, deadline=1e9), **sleepers}, clock=clock))
    clock.step = 0.3
    listing = ask(own[0], ListActors(state=State.SLEEPING, limit=3))
    clock.step = 0.0
    assert (listing.complete, len(listing.actors)) == (False, 3)
    assert 0 < listing.total < 5000


class Impatient(SystemClock):
    """A clock that goes ahead by a step whenever it is looked at."""

    step = 0.0
    _ahead = 0.0

    def monotonic(self) -> float:
        self._ahead += self.step
        return super().monotonic() + self._ahead


def test_failing_ones_come_first_then_those_that_have_failed(system: ActorSystem, stage: Stage) -> None:
    with pytest.raises(ActorFailed):
        system.ref("attic", "ann").ask(Crash(ValueError("bad")), timeout=PATIENCE)
    system.ref("attic", "ann").ask(Echo(1), timeout=PATIENCE)
    until_idle(system, "attic", "ann")
    system.ref("hall", "bob").tell(Hang())
    stage.wait_until_hanging()
    until(
        lambda: (
            paths(ask(system, ListActors(limit=2))) in (["hall/bob", "attic/ann"], ["attic/ann", "hall/bob"])
        )
    )
    listing = ask(system, ListActors())
    assert set(paths(listing)[:2]) == {"hall/bob", "attic/ann"}
    failing = next(status for status in listing.actors if status.address.path == ("attic", "ann"))
    assert failing.last_error == "ValueError: bad"


def test_a_restart_touches_nobody_else(system: ActorSystem, stage: Stage) -> None:
    assert ask(system, RestartActor(Address("p", ("hall", "ann")))) == 1
    assert ask(system, RestartActor(Address("p", ("hall", "ann")))) == 2
    assert stage.lives == {"hall/ann": 3, "hall/bob": 1, "attic/ann": 1}


def test_one_who_sleeps_stays_asleep(system: ActorSystem, stage: Stage) -> None:
    assert ask(system, RestartActor(Address("p", ("attic", "bob")))) == 0
    assert stage.lives["attic/bob"] == 0


def test_the_operator_answers_others_while_a_restart_is_under_way(system: ActorSystem, stage: Stage) -> None:
    system.ref("hall", "ann").tell(Hang())
    stage.wait_until_hanging()
    answers: queue.SimpleQueue[int] = queue.SimpleQueue()
    restart = RestartActor(Address("p", ("hall", "ann")))
    asking = threading.Thread(target=lambda: answers.put(ask(system, restart)))
    asking.start()
    assert ask(system, ListActors()).total == 4
    stage.curtain.set()
    assert answers.get(timeout=PATIENCE) == 1
    asking.join(PATIENCE)


def test_one_who_is_stuck_is_replaced_within_a_second(system: ActorSystem, stage: Stage) -> None:
    system.ref("hall", "ann").tell(Hang())
    stage.wait_until_hanging()
    assert system.ref(NAME).ask(RestartActor(Address("p", ("hall", "ann"))), timeout=2.0) == 1
    assert system.ref("hall", "ann").ask(Echo("free"), timeout=PATIENCE) == "free"


def test_restarting_an_unknown_name_is_answered_with_near_ones(system: ActorSystem) -> None:
    with pytest.raises(ActorNotFound) as raised:
        ask(system, RestartActor(Address("p", ("hall", "anne"))))
    assert raised.value.near == ("ann",)
    assert raised.value.address == "/p/hall/anne"


def test_an_actor_of_another_process_is_not_found_here(system: ActorSystem) -> None:
    with pytest.raises(ActorNotFound, match="no actor at /q/hall"):
        ask(system, RestartActor(Address("q", ("hall",))))
    with pytest.raises(ActorNotFound, match=r"no actor at /q$"):
        ask(system, ListActors(under=Address("q")))


def test_all_actors_of_the_process_can_be_restarted(system: ActorSystem, stage: Stage) -> None:
    assert ask(system, RestartActor(Address("p"))) == 1
    assert system.ref("hall", "ann").ask(Echo(1), timeout=PATIENCE) == 1
    assert stage.lives["hall/ann"] == 2


def test_the_operator_can_be_restarted_too(system: ActorSystem) -> None:
    assert ask(system, RestartActor(Address("p", (NAME,)))) == 1
    assert ask(system, ListActors(kind="operator")).actors[0].restarts == 1


def test_a_branch_is_restarted_with_all_that_stands_under_it(system: ActorSystem, stage: Stage) -> None:
    ask(system, RestartActor(Address("p", ("hall",))))
    assert stage.lives["attic/ann"] == 1
    assert system.ref("hall", "ann").ask(Echo(1), timeout=PATIENCE) == 1
    assert stage.lives["hall/ann"] == 2


def test_metrics_are_what_the_process_counts(system: ActorSystem) -> None:
    (family,) = ask(system, CollectMetrics())
    assert (family.name, family.documentation, family.samples[0].value) == ("one", "Two.", 3)


def test_a_collector_that_fails_is_an_error_at_the_asker_and_the_operator_lives_on(
    run: Run, troupe: Troupe
) -> None:
    own: list[ActorSystem] = []

    def fail() -> Any:
        raise RuntimeError("no numbers")

    def start(context: Any) -> Operator:
        return Operator(context, system=own[0], collect=fail)

    own.append(run({NAME: ChildSpec("operator", start)}))
    operator: Ref = own[0].ref(NAME)
    with pytest.raises(ActorFailed, match="no numbers"):
        operator.ask(CollectMetrics(), timeout=PATIENCE)
    assert operator.ask(ListActors(), timeout=PATIENCE).total == 1
