import threading
import timeit
from functools import partial

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from actors import ActorCollector, ActorFailed, ActorSystem, ManualClock, Policy
from actors.cell import BUCKETS, Record
from tests.actors.cast import (
    PATIENCE,
    Crash,
    Echo,
    Hang,
    Stage,
    Troupe,
    cell_of,
    flush,
    put_to_sleep,
    until_idle,
)
from tests.actors.conftest import Run

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(system: ActorSystem, *, per_actor: bool = True, prefix: str = "actor") -> Samples:
    registry = CollectorRegistry()
    registry.register(ActorCollector(system, prefix=prefix, per_actor=per_actor))
    text = generate_latest(registry).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset({"process": "p", **labels}.items())]


def busy_system(run: Run, troupe: Troupe, clock: ManualClock) -> ActorSystem:
    """Two actors of one kind: one has handled 3 messages, crashed and been restarted; the other handled 1."""
    system = run({"a": troupe.player(), "b": troupe.player(sleeps=True)}, clock=clock)
    for number in range(3):
        system.ref("a").ask(Echo(number), PATIENCE)
    with pytest.raises(ActorFailed):
        system.ref("a").ask(Crash(ValueError("boo")), PATIENCE)
    system.ref("b").ask(Echo(0), PATIENCE)
    flush(system)
    for name in ("a", "b"):
        until_idle(system, name)
    flush(system)
    return system


def test_each_actor_has_its_counters(run: Run, troupe: Troupe, clock: ManualClock) -> None:
    samples = scrape(busy_system(run, troupe, clock))
    a = {"kind": "player", "actor": "a"}
    assert value(samples, "actor_messages_handled_total", **a) == 3
    assert value(samples, "actor_failures_total", **a) == 1
    assert value(samples, "actor_restarts_total", **a) == 1
    assert value(samples, "actor_busy_seconds_count", **a) == 3
    assert value(samples, "actor_busy_seconds_sum", **a) == 0.0
    assert value(samples, "actor_state", **a, state="running") == 1
    assert value(samples, "actor_messages_handled_total", kind="player", actor="b") == 1
    assert value(samples, "actor_failures_total", kind="player", actor="b") == 0


def test_what_waits_and_for_how_long(run: Run, troupe: Troupe, stage: Stage, clock: ManualClock) -> None:
    system = run({"a": troupe.player()}, clock=clock)
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    system.ref("a").tell(Echo(1))
    clock.advance(2.5)
    system.ref("a").tell(Echo(2))
    samples = scrape(system)
    a = {"kind": "player", "actor": "a"}
    assert value(samples, "actor_mailbox_messages", **a) == 2
    assert value(samples, "actor_oldest_message_seconds", **a) == 2.5


def test_time_spent_is_summed_per_actor_and_bucketed_per_kind(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player()}, clock=clock)
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    clock.advance(0.3)
    stage.curtain.set()
    until_idle(system, "a")
    samples = scrape(system)
    assert value(samples, "actor_busy_seconds_sum", kind="player", actor="a") == pytest.approx(0.3)
    assert value(samples, "actor_handling_seconds_sum", kind="player") == pytest.approx(0.3)
    assert value(samples, "actor_handling_seconds_count", kind="player") == 1
    assert value(samples, "actor_handling_seconds_bucket", kind="player", le="0.25") == 0
    assert value(samples, "actor_handling_seconds_bucket", kind="player", le="0.5") == 1
    assert value(samples, "actor_handling_seconds_bucket", kind="player", le="+Inf") == 1


def test_states_are_counted_where_actors_are(run: Run, troupe: Troupe, clock: ManualClock) -> None:
    tree = {"a": troupe.player(policy=Policy(restarts=0)), "b": troupe.player()}
    system = run(tree, clock=clock)
    system.ref("b").ask(Echo(0), PATIENCE)
    with pytest.raises(ActorFailed):
        system.ref("a").ask(Crash(ValueError("boo")), PATIENCE)
    flush(system)
    samples = scrape(system)
    assert value(samples, "actor_state", kind="player", actor="a", state="restarting") == 1
    sums = scrape(system, per_actor=False)
    assert value(sums, "actor_state", kind="player", state="restarting") == 1
    assert value(sums, "actor_state", kind="player", state="running") == 1


def test_sleepers_have_no_series_and_stay_in_the_sums_of_their_kind(
    run: Run, troupe: Troupe, clock: ManualClock
) -> None:
    system = busy_system(run, troupe, clock)
    before = scrape(system, per_actor=False)
    assert put_to_sleep(system, "b")
    assert {dict(labels)["actor"] for _, labels in scrape(system) if "actor" in dict(labels)} == {"a"}
    after = scrape(system, per_actor=False)
    for name, expected in (
        ("actor_messages_handled_total", 4),
        ("actor_failures_total", 1),
        ("actor_restarts_total", 1),
        ("actor_busy_seconds_count", 4),
        ("actor_handling_seconds_count", 4),
    ):
        assert value(before, name, kind="player") == value(after, name, kind="player") == expected
    assert value(after, "actor_state", kind="player", state="running") == 1


def test_per_kind_there_is_no_series_of_a_single_actor(run: Run, troupe: Troupe, clock: ManualClock) -> None:
    samples = scrape(busy_system(run, troupe, clock), per_actor=False)
    assert samples
    assert not [labels for _, labels in samples if "actor" in dict(labels)]


def test_a_child_cut_off_with_a_message_in_hand_is_counted_when_it_has_ended(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"p": troupe.player({"c": troupe.player(kind="child")})}, clock=clock)
    system.ref("p", "c").tell(Hang())
    stage.wait_until_hanging()
    record = cell_of(system, "p", "c").record
    with pytest.raises(ActorFailed):
        system.ref("p").ask(Crash(ValueError("boo")), PATIENCE)
    flush(system)
    assert record in system.ledger._open
    stage.curtain.set()
    assert {stage.ended.get(timeout=PATIENCE) for _ in range(2)} == {("p", "ValueError"), ("p/c", "stopped")}
    flush(system)
    assert record not in system.ledger._open
    assert value(scrape(system), "actor_handling_seconds_count", kind="child") == 1


def test_a_prefix_names_all_series(run: Run, troupe: Troupe, clock: ManualClock) -> None:
    samples = scrape(busy_system(run, troupe, clock), prefix="acme_worker")
    assert {name.startswith("acme_worker_") for name, _ in samples} == {True}


def test_a_long_life_is_counted_in_the_last_bucket() -> None:
    record = Record()
    record.note(1, 1e9)
    record.note(1, BUCKETS[0])
    assert (record.durations[-1], record.durations[0], sum(record.durations)) == (1, 1, 2)


def test_counters_never_run_backwards_while_actors_come_and_go(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"r": troupe.player(sleeps=True)})
    over = threading.Event()
    seen: list[float] = []

    def look() -> None:
        while not over.is_set():
            total = system.ledger.totals().get("player")
            seen.append(total.processed if total is not None else 0)

    watcher = threading.Thread(target=look)
    watcher.start()
    for number in range(200):
        system.ref("r").ask(Echo(number), PATIENCE)
        until_idle(system, "r")
        assert put_to_sleep(system, "r")
    over.set()
    watcher.join(PATIENCE)
    assert seen == sorted(seen)
    assert system.ledger.totals()["player"].processed == 200


def test_counting_a_message_costs_next_to_nothing() -> None:
    record = Record()
    rounds = 20_000
    best = min(timeit.repeat(partial(record.note, 1, 0.003), number=rounds, repeat=5)) / rounds
    assert best < 5e-6, f"{best * 1e6:.2f} µs; measured 0.2 µs on an idle machine"
