import logging
import queue
import random
import threading
from collections import defaultdict
from functools import partial
from typing import Any

import pytest

from actors import (
    Actor,
    ActorError,
    ActorFailed,
    ActorNotFound,
    ActorSystem,
    ActorUnavailable,
    AskTimeout,
    ChildSpec,
    Context,
    Limits,
    MailboxFull,
    ManualClock,
    Policy,
    StartFailed,
    State,
    Undelivered,
    receives,
)
from actors.admission import PACE
from tests.actors.cast import (
    PATIENCE,
    Answer,
    Crash,
    Defer,
    Echo,
    Forward,
    Hang,
    Remind,
    Settle,
    Stage,
    Troupe,
    cell_of,
    flush,
    put_to_sleep,
    until,
    until_idle,
)
from tests.actors.conftest import Run

# Names -----------------------------------------------------------------------------------------------


def test_a_name_that_the_specs_do_not_know_is_refused_with_near_ones(run: Run, troupe: Troupe) -> None:
    system = run({"ops_alert": troupe.player()})
    with pytest.raises(ActorNotFound, match="no actor at /p/ops_alrt; near names: ops_alert"):
        system.ref("ops_alrt").tell(Echo(1))


def test_a_branch_is_nobody_to_talk_to(run: Run, troupe: Troupe) -> None:
    system = run({"branch": troupe.player({"a": troupe.player()}, start=None)})
    with pytest.raises(ActorNotFound, match="no actor at /p/branch"):
        system.ref("branch").tell(Echo(1))
    assert system.ref("branch", "a").ask(Echo(1), PATIENCE) == 1


def test_another_process_is_not_here(run: Run, troupe: Troupe) -> None:
    system = run({"a": troupe.player()})
    elsewhere = type(system.ref("a").address)("q", ("a",))
    assert system.find(elsewhere) is None
    with pytest.raises(ActorNotFound):
        system.awake(elsewhere)


def test_a_full_mailbox_refuses_and_delivers_nothing(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player(capacity=2)})
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    for number in (1, 2):
        system.ref("a").tell(Echo(number))
    with pytest.raises(MailboxFull):
        system.ref("a").tell(Echo(3))
    stage.curtain.set()
    until_idle(system, "a")
    assert stage.seen["a"] == [1, 2]


def test_actors_start_with_their_first_message_and_listings_show_who_sleeps(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"p": troupe.player({"c": troupe.player()}), "q": troupe.player()})
    assert [str(status.address) for status in system.sleeping()] == ["/p/p", "/p/p/c", "/p/q"]
    system.ref("p", "c").ask(Echo(1), PATIENCE)
    assert {str(status.address) for status in system.statuses()} == {"/p/p", "/p/p/c"}
    assert [(str(status.address), status.state) for status in system.sleeping()] == [("/p/q", State.SLEEPING)]


def test_a_listing_tells_what_waits_and_for_how_long(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player()}, clock=clock)
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    system.ref("a").tell(Echo(1))
    system.ref("a").tell(Echo(2))
    flush(system)
    clock.advance(3.0)
    (status,) = system.statuses()
    assert (status.state, status.mailbox, status.oldest, status.busy_for) == (State.RUNNING, 2, 3.0, 3.0)


def test_a_listing_says_what_an_actor_has_to_say(run: Run, troupe: Troupe, stage: Stage) -> None:
    def torn() -> str:
        raise RuntimeError("changing")

    stage.notes = {"a": lambda: "two wait", "b": torn}
    system = run({name: troupe.player() for name in "abc"})
    for name in "abc":
        system.ref(name).ask(Echo(0), PATIENCE)
    assert {status.address.name: status.note for status in system.statuses()} == {
        "a": "two wait",
        "b": "",
        "c": "",
    }


# Start and stop --------------------------------------------------------------------------------------


def test_starts_wait_for_each_other_and_stops_go_the_other_way(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    children = {name: troupe.player() for name in ("a", "b", "c", "late")}
    system = run(children, starts=("c", "a", "b"))
    assert list(stage.lives) == ["c", "a", "b"]
    system.ref("late").ask(Echo(1), PATIENCE)
    assert system.stop()
    assert [stage.ended.get(timeout=PATIENCE)[0] for _ in range(4)] == ["late", "b", "a", "c"]


def test_children_stop_before_their_parents(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"p": troupe.player({"c": troupe.player()})})
    system.ref("p", "c").ask(Echo(1), PATIENCE)
    system.ref("p").ask(Echo(1), PATIENCE)
    cells = (cell_of(system, "p"), cell_of(system, "p", "c"))
    assert system.stop()
    assert {stage.ended.get(timeout=PATIENCE)[0] for _ in range(2)} == {"p", "p/c"}
    assert [cell.state for cell in cells] == [State.STOPPED, State.STOPPED]


def test_one_that_does_not_start_in_time_is_named(troupe: Troupe, stage: Stage) -> None:
    stage.hanging_starts.add("a")
    system = troupe.system({"a": troupe.player()}, starts=("a",))
    with pytest.raises(StartFailed, match="/p/a did not start: no answer"):
        system.start(timeout=0.01)
    stage.curtain.set()
    assert system.stop()


def test_who_is_busy_when_the_grace_is_over_is_abandoned_and_the_end_is_not_clean(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    system.ref("b").ask(Forward(("a",), Hang()), PATIENCE)
    stage.wait_until_hanging()
    assert not system.stop(grace=0.05)
    assert stage.abandoned == ["a"]


def test_what_waits_at_the_end_is_not_handled_and_its_askers_are_told(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player()})
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    errors: queue.Queue[str] = queue.Queue()

    def ask() -> None:
        with pytest.raises(ActorUnavailable) as unavailable:
            system.ref("a").ask(Echo(1), PATIENCE)
        errors.put(str(unavailable.value))

    asker = threading.Thread(target=ask)
    asker.start()
    until(lambda: len(cell_of(system, "a").mailbox) == 1)
    stopper = threading.Thread(target=system.stop)
    stopper.start()
    until(lambda: cell_of(system, "a").takedown is not None)
    stage.curtain.set()
    assert errors.get(timeout=PATIENCE) == "/p/a stopped: stopped"
    asker.join(PATIENCE)
    stopper.join(PATIENCE)
    assert stage.seen["a"] == []


def test_after_the_stop_nobody_starts_any_more(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    system.ref("a").ask(Echo(0), PATIENCE)
    known = system.ref("a")
    system.stop()
    for ref in (known, system.ref("a"), system.ref("b")):
        with pytest.raises(ActorUnavailable, match="p is stopping"):
            ref.tell(Echo(1))
    assert stage.lives == {"a": 1}


def test_a_stop_during_a_restart_leaves_no_life_behind(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"p": troupe.player({"c": troupe.player()}, starts=("c",))}, clock=clock)
    system.ref("p", "c").tell(Hang())
    stage.wait_until_hanging()
    with pytest.raises(ActorFailed):
        system.ref("p").ask(Crash(ValueError("boo")), PATIENCE)
    flush(system)
    clean: list[bool] = []
    stopper = threading.Thread(target=lambda: clean.append(system.stop(grace=PATIENCE)))
    stopper.start()
    until(lambda: cell_of(system, "p").ending is not None and system._stopping)
    flush(system)
    stage.curtain.set()
    stopper.join(PATIENCE)
    assert clean == [True]
    assert stage.lives == {"p": 1, "p/c": 1}


def test_a_stop_while_a_restart_waits_for_its_time_is_quick(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(policy=Policy(restarts=0))}, clock=clock)
    with pytest.raises(ActorFailed):
        system.ref("a").ask(Crash(ValueError("boo")), PATIENCE)
    assert system.stop()
    assert stage.lives["a"] == 1


def test_a_system_that_never_started_can_be_stopped(troupe: Troupe) -> None:
    assert troupe.system({"a": troupe.player()}).stop()


def test_stopping_twice_does_no_harm(run: Run, troupe: Troupe) -> None:
    system = run({"a": troupe.player()}, starts=("a",))
    assert system.stop()
    assert system.stop()


# An operator's restart -------------------------------------------------------------------------------


def test_restarting_a_sleeping_actor_leaves_it_asleep(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player()})
    assert system.restart(system.ref("a").address) == 0
    assert not stage.lives


def test_restarting_an_unknown_name_names_near_ones(run: Run, troupe: Troupe) -> None:
    system = run({"p": troupe.player({"feishu": troupe.player()})})
    with pytest.raises(ActorNotFound, match="near names: feishu"):
        system.restart(system.ref("p", "feishi").address)


def test_a_restart_that_does_not_answer_in_time_says_so(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player()})
    system.ref("a").ask(Echo(0), PATIENCE)
    stage.hanging_starts.add("a")
    with pytest.raises(AskTimeout, match=r"/p/a has not started again within 0\.05 s"):
        system.restart(system.ref("a").address, timeout=0.05)


# Sleep -----------------------------------------------------------------------------------------------


def test_an_idle_subtree_falls_asleep_and_wakes_with_the_next_message(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    tree = {"r": troupe.player({"c": troupe.player()}, sleeps=True), "other": troupe.player()}
    system = run(tree, clock=clock, limits=Limits(idle_after=60.0))
    child = system.ref("r", "c")
    for ref in (child, system.ref("r"), system.ref("other")):
        ref.ask(Echo(0), PATIENCE)
    for path in (("r", "c"), ("r",)):
        until_idle(system, *path)
    flush(system)
    clock.advance(30.0)
    flush(system)
    assert len(system.statuses()) == 3
    for _ in range(4):
        clock.advance(30.0)
        flush(system)
    assert {stage.ended.get(timeout=PATIENCE) for _ in range(2)} == {("r", "stopped"), ("r/c", "stopped")}
    assert [str(status.address) for status in system.statuses()] == ["/p/other"]
    assert child.ask(Echo(1), PATIENCE) == 1
    assert stage.lives == {"r": 2, "r/c": 2, "other": 1}


def test_a_message_keeps_its_subtree_awake(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    tree = {"r": troupe.player({"c": troupe.player()}, sleeps=True)}
    system = run(tree, clock=clock, limits=Limits(idle_after=60.0))
    for number in range(10):
        system.ref("r", "c").ask(Echo(number), PATIENCE)
        until_idle(system, "r", "c")
        clock.advance(30.0)
        flush(system)
    assert stage.lives == {"r": 1, "r/c": 1}


def test_over_the_limit_the_longest_idle_go_first(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    tree = {name: troupe.player(sleeps=True) for name in ("a", "b", "c", "d")}
    system = run(tree, clock=clock, limits=Limits(idle_after=1e6, max_awake=2))
    for name in ("b", "d", "a", "c"):
        system.ref(name).ask(Echo(0), PATIENCE)
        until_idle(system, name)
        flush(system)
        clock.advance(0.001)
    for _ in range(4):
        clock.advance(0.6)
        flush(system)
    assert {status.address.name for status in system.statuses()} == {"a", "c"}


def test_over_the_limit_those_who_are_told_something_wait_with_their_messages_until_there_is_room(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    busy, waiting = ("a", "b"), [f"w{number}" for number in range(PACE + 1)]
    tree = {name: troupe.player({"c": troupe.player()}, sleeps=True) for name in (*busy, *waiting)}
    system = run(tree, clock=clock, limits=Limits(idle_after=1e6, max_awake=4))
    for name in busy:
        system.ref(name).tell(Hang())
    for name in waiting:
        system.ref(name).tell(Echo(name))
    flush(system)
    assert [name for name in waiting if cell_of(system, name).context is not None] == []

    clock.advance(0.6)  # nobody is idle, so only as many as is the pace may wake
    flush(system)
    awake = [name for name in waiting if cell_of(system, name).context is not None]
    assert awake == waiting[:-1]

    for name in awake:
        until_idle(system, name)
    clock.advance(0.6)
    flush(system)
    until_idle(system, waiting[-1])
    assert cell_of(system, waiting[-1]).record.processed == 1
    assert system.find(system.ref("w0").address) is None, "who was idle has made room"
    assert [cell_of(system, name).context is not None for name in busy] == [True, True]


def test_who_has_something_open_or_says_no_stays_awake(run: Run, troupe: Troupe, stage: Stage) -> None:
    tree = {name: troupe.player(sleeps=True) for name in ("deferring", "wakeful", "busy")}
    system = run({**tree, "a": troupe.player()})
    system.ref("a").ask(Forward(("deferring",), Defer()), PATIENCE)
    system.ref("deferring").ask(Echo(0), PATIENCE)
    stage.wakeful.add("wakeful")
    system.ref("wakeful").ask(Echo(0), PATIENCE)
    system.ref("busy").tell(Hang())
    stage.wait_until_hanging()
    for name in ("deferring", "wakeful"):
        until_idle(system, name)
    assert [put_to_sleep(system, name) for name in tree] == [False, False, False]
    assert [system.ref(name).ask(Echo(1), PATIENCE) for name in ("deferring", "wakeful")] == [1, 1]
    system.ref("deferring").ask(Settle(Answer("done")), PATIENCE)
    stage.wakeful.clear()
    for name in ("deferring", "wakeful"):
        until_idle(system, name)
        assert put_to_sleep(system, name)


def test_one_busy_child_keeps_the_whole_subtree_awake_and_reachable(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    tree = {"r": troupe.player({"a": troupe.player(), "b": troupe.player()}, sleeps=True)}
    system = run(tree)
    for path in (("r",), ("r", "a")):
        system.ref(*path).ask(Echo(0), PATIENCE)
    system.ref("r", "b").tell(Hang())
    stage.wait_until_hanging()
    for path in (("r",), ("r", "a")):
        until_idle(system, *path)
    lives = [cell_of(system, *path).context for path in (("r",), ("r", "a"))]
    assert not put_to_sleep(system, "r")
    for path in (("r",), ("r", "a")):
        system.ref(*path).ask(Echo(1), PATIENCE)
    assert [cell_of(system, *path).context for path in (("r",), ("r", "a"))] == lives


def test_one_that_has_not_started_yet_does_not_fall_asleep_with_its_first_message(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"r": troupe.player({"c": troupe.player()}, sleeps=True)})
    system.ref("r").ask(Echo(0), PATIENCE)
    until_idle(system, "r")
    slept: queue.Queue[bool] = queue.Queue()

    def told_and_put_to_sleep_before_it_starts() -> None:
        system.ref("r", "c").tell(Echo("first"))
        slept.put(system.supervisor.put_to_sleep(cell_of(system, "r")))

    system.scheduler.soon(told_and_put_to_sleep_before_it_starts)
    assert slept.get(timeout=PATIENCE) is False
    system.ref("r", "c").ask(Echo("second"), PATIENCE)
    assert stage.seen["r/c"] == ["first", "second"]


def test_a_can_sleep_that_raises_means_no(run: Run, troupe: Troupe, caplog: pytest.LogCaptureFixture) -> None:
    class Confused(Actor):
        def can_sleep(self) -> bool:
            raise SystemExit("what?")

        @receives(int)
        def echo(self, message: int) -> int:
            return message

    system = run({"a": ChildSpec("confused", Confused, sleeps=True)})
    system.ref("a").ask(1, PATIENCE)
    until_idle(system, "a")
    with caplog.at_level(logging.ERROR):
        assert not put_to_sleep(system, "a")
    assert "/p/a could not say whether it may sleep" in caplog.text
    assert system.ref("a").ask(2, PATIENCE) == 2


def test_a_branch_with_idle_actors_may_be_the_root_of_what_sleeps(run: Run, troupe: Troupe) -> None:
    system = run({"branch": troupe.player({"a": troupe.player()}, start=None, sleeps=True)})
    system.ref("branch", "a").ask(Echo(0), PATIENCE)
    until_idle(system, "branch", "a")
    assert put_to_sleep(system, "branch")
    assert system.ref("branch", "a").ask(Echo(1), PATIENCE) == 1


def test_timers_of_a_sleeper_are_forgotten(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(sleeps=True)}, clock=clock)
    system.ref("a").ask(Remind(60.0, Answer("wake up")), PATIENCE)
    until_idle(system, "a")
    assert put_to_sleep(system, "a")
    clock.advance(61.0)
    flush(system)
    assert system.find(system.ref("a").address) is None
    assert stage.answers.empty()


def test_a_pykka_ref_of_a_sleeper_wakes_it(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player(sleeps=True)})
    system.ref("a").ask(Echo(0), PATIENCE)
    inbox = stage.players["a"].actor_ref.actor_inbox
    until_idle(system, "a")
    assert put_to_sleep(system, "a")
    inbox.put(_envelope(Echo("woken")))
    system.ref("a").ask(Echo("asked"), PATIENCE)
    assert stage.seen["a"] == [0, "woken", "asked"]


def _envelope(message: Any) -> Any:
    from pykka._envelope import Envelope  # noqa: PLC0415 - Pykka's private type, needed here alone

    return Envelope(message)


# Storms ----------------------------------------------------------------------------------------------


class Numbered(Actor):
    """Notes what it is told, for good; crashes and hangs as the message says."""

    def __init__(self, context: Context, world: "World") -> None:
        super().__init__(context)
        self._world = world

    @receives(tuple)
    def note(self, message: tuple[int, int, str]) -> None:
        sender, number, deed = message
        if deed == "crash":
            raise ValueError("as told")
        if deed == "hang":
            self._world.hanging.release()
            self._world.curtain.wait(PATIENCE)
            return
        self._world.handled.put((sender, number))


class Teller(Actor):
    """Sends numbers, and hears which of them came to no end."""

    def __init__(self, context: Context, world: "World") -> None:
        super().__init__(context)
        self._world = world

    @receives(Undelivered)
    def undelivered(self, notice: Undelivered) -> None:
        self._world.failed.put((notice.message[0], notice.message[1]))


class World:
    """What a storm leaves behind."""

    def __init__(self) -> None:
        self.handled: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        self.failed: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        self.hanging = threading.Semaphore(0)
        self.curtain = threading.Event()

    def numbers(self, of: "queue.SimpleQueue[tuple[int, int]]") -> dict[int, list[int]]:
        """What is in a queue, by sender, in order."""
        found: dict[int, list[int]] = defaultdict(list)
        while not of.empty():
            sender, number = of.get()
            found[sender].append(number)
        return found


def tell_numbers(system: ActorSystem, sender: int, amount: int, crashes: int) -> None:
    rng = random.Random(sender)
    crashing = set(rng.sample(range(amount), crashes))
    target, me = system.ref("numbered"), system.ref(f"teller-{sender}")
    for number in range(amount):
        deed = "crash" if number in crashing else "note"
        target.tell((sender, number, deed), sender=me)


def test_in_a_storm_of_crashes_restarts_and_hangs_each_message_is_handled_once_or_its_sender_told(
    run: Run,
) -> None:
    senders, amount = 8, 2500
    world = World()
    forgiving = Policy(restarts=10**6, within=1e-9)
    children = {f"teller-{n}": ChildSpec("teller", partial(Teller, world=world)) for n in range(senders)}
    children["numbered"] = ChildSpec(
        "numbered", partial(Numbered, world=world), policy=forgiving, capacity=10**6
    )
    system = run(children, starts=tuple(f"teller-{n}" for n in range(senders)))
    cell = system.awake(system.ref("numbered").address)
    storm = [threading.Thread(target=tell_numbers, args=(system, n, amount, 20)) for n in range(senders)]
    for thread in storm:
        thread.start()
    rng = random.Random(4711)
    hangs = [number for number in range(30) if rng.random() < 0.5]
    for number in range(30):
        if number not in hangs:
            system.restart(cell.address, timeout=PATIENCE)
        else:
            system.ref("numbered").tell((-1, number, "hang"), sender=system.ref("teller-0"))
            assert world.hanging.acquire(timeout=PATIENCE)
            system.scheduler.soon(partial(system.supervisor.replace, cell, "abandoned by the storm"))
    for thread in storm:
        thread.join(PATIENCE)
    total = senders * amount + len(hangs)
    until(lambda: world.handled.qsize() + world.failed.qsize() == total)
    world.curtain.set()
    handled, failed = world.numbers(world.handled), world.numbers(world.failed)
    assert failed[-1] == hangs
    for sender in range(senders):
        assert sorted(handled[sender] + failed[sender]) == list(range(amount))
        assert handled[sender] == sorted(handled[sender]), "each sender's order is kept"
        assert len(failed[sender]) == 20, "those that crash are told, and no others"


def test_no_message_is_lost_while_actors_fall_asleep_and_wake(run: Run) -> None:
    world = World()
    senders, amount = 4, 3000
    tree = {
        "r": ChildSpec(
            "numbered",
            partial(Numbered, world=world),
            sleeps=True,
            children={"c": ChildSpec("numbered", partial(Numbered, world=world), capacity=10**6)},
        )
    }
    system = run(tree)

    def tell(sender: int) -> None:
        ref = system.ref("r", "c")
        pause = threading.Event()
        for number in range(amount):
            ref.tell((sender, number, "note"))
            if number % 50 == 0:
                pause.wait(0.001)

    storm = [threading.Thread(target=tell, args=(sender,)) for sender in range(senders)]
    for thread in storm:
        thread.start()
    slept = 0
    results: queue.Queue[bool] = queue.Queue()

    def sleep_now() -> None:
        cell = system.find(system.ref("r").address)
        results.put(cell is not None and system.supervisor.put_to_sleep(cell))

    while any(thread.is_alive() for thread in storm):
        system.scheduler.soon(sleep_now)
        slept += results.get(timeout=PATIENCE)
    until(lambda: world.handled.qsize() == senders * amount)
    handled = world.numbers(world.handled)
    assert handled == {sender: list(range(amount)) for sender in range(senders)}
    assert slept > 0, "the storm never slept: it has tested nothing"


def test_askers_get_a_word_whatever_happens(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player(policy=Policy(restarts=3, within=30.0), sleeps=True)})
    words: queue.SimpleQueue[str] = queue.SimpleQueue()

    def ask(seed: int) -> None:
        rng = random.Random(seed)
        ref = system.ref("a")
        for number in range(200):
            message = Crash(ValueError("boo")) if rng.random() < 0.02 else Echo(number)
            try:
                words.put(str(ref.ask(message, PATIENCE)))
            except AskTimeout:
                words.put("nothing")
            except ActorError as error:
                words.put(type(error).__name__)

    askers = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for asker in askers:
        asker.start()
    while any(asker.is_alive() for asker in askers):
        system.restart(system.ref("a").address, timeout=PATIENCE)
    got = [words.get() for _ in range(800)]
    assert "nothing" not in got
    assert "ActorFailed" in got
