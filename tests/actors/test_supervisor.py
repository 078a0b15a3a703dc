import threading
from typing import Any

import pytest

from actors import (
    ActorFailed,
    ActorNotFound,
    ActorUnavailable,
    Backoff,
    Exhausted,
    ManualClock,
    Policy,
    Reason,
    Restart,
    StartFailed,
    State,
)
from tests.actors.cast import (
    PATIENCE,
    Answer,
    Crash,
    Defer,
    Echo,
    Forward,
    Hang,
    Stage,
    Troupe,
    begin_restart,
    cell_of,
    flush,
    until_idle,
)
from tests.actors.conftest import Run

BOO = Crash(ValueError("boo"))
SOON_PARKED = Policy(restarts=1, within=30.0, parking=Backoff(first=5.0, ceiling=300.0, jitter=0.0))
ESCALATES = Policy(restarts=0, exhausted=Exhausted.ESCALATE)


def crash(system: Any, *path: str) -> None:
    """Crash an actor and let its supervisor act."""
    with pytest.raises(ActorFailed):
        system.ref(*path).ask(BOO, PATIENCE)
    flush(system)


# A crash ---------------------------------------------------------------------------------------------


def test_what_waited_behind_the_crash_is_handled_in_order_and_the_crash_is_not_repeated(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player()})
    a = system.ref("a")
    a.tell(Hang())
    stage.wait_until_hanging()
    for number in range(100):
        a.tell(BOO if number == 50 else Echo(number))
    stage.curtain.set()
    a.ask(Echo("last"), PATIENCE)
    assert stage.seen["a"] == [*range(50), *range(51, 100), "last"]
    assert cell_of(system, "a").record.failures == 1


def test_siblings_of_a_crash_keep_their_life_and_their_record(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()}, clock=clock)
    system.ref("b").ask(Echo(1), PATIENCE)
    until_idle(system, "b")
    life = cell_of(system, "b").context
    flush(system)
    clock.advance(10.0)
    crash(system, "a")
    system.ref("a").ask(Echo(1), PATIENCE)
    assert cell_of(system, "b").context is life
    (status,) = [status for status in system.statuses() if status.address.name == "b"]
    assert (status.processed, status.failures, status.restarts, status.uptime) == (1, 0, 0, 10.0)


def test_a_crash_of_a_parent_restarts_what_stands_under_it_and_nothing_else(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    tree = {
        "p": troupe.player({"c": troupe.player({"g": troupe.player()})}, starts=("c",)),
        "q": troupe.player({"c": troupe.player()}),
    }
    system = run(tree)
    paths = [("p",), ("p", "c"), ("p", "c", "g"), ("q",), ("q", "c")]
    for path in paths:
        system.ref(*path).ask(Echo(0), PATIENCE)
    crash(system, "p")
    for path in paths:
        system.ref(*path).ask(Echo(1), PATIENCE)
    assert stage.lives == {"p": 2, "p/c": 2, "p/c/g": 2, "q": 1, "q/c": 1}


def test_a_crash_of_a_child_leaves_its_parent_alone(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"p": troupe.player({"c": troupe.player()})})
    system.ref("p", "c").ask(Echo(0), PATIENCE)
    crash(system, "p", "c")
    system.ref("p", "c").ask(Echo(1), PATIENCE)
    assert stage.lives == {"p": 1, "p/c": 2}


def test_children_that_start_with_their_parent_start_again_with_it(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"p": troupe.player({"c": troupe.player(), "d": troupe.player()}, starts=("c",))})
    system.ref("p").ask(Echo(0), PATIENCE)
    flush(system)
    crash(system, "p")
    system.ref("p").ask(Echo(0), PATIENCE)
    flush(system)
    system.ref("p", "c").ask(Echo(0), PATIENCE)
    assert stage.lives == {"p": 2, "p/c": 2}


def test_what_a_former_life_had_told_its_children_goes_with_it(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"p": troupe.player({"c": troupe.player()}), "q": troupe.player()}, clock=clock)
    system.ref("q").tell(Forward(("p", "c"), Hang()))
    stage.wait_until_hanging()
    system.ref("p").ask(Forward(("p", "c"), Echo("from the former life")), PATIENCE)
    system.ref("q").ask(Forward(("p", "c"), Echo("from somebody else")), PATIENCE)
    crash(system, "p")
    notice = stage.notice()
    assert (notice.message, notice.reason) == (Echo("from somebody else"), Reason.STOPPED)
    clock.advance(1.0)
    assert stage.notice().reason is Reason.STUCK, "the child was still busy when its grace was over"
    system.ref("p", "c").ask(Echo("new"), PATIENCE)
    assert stage.seen["p/c"] == ["new"]
    assert stage.notices.empty(), "the new life of the parent hears nothing of what the former one had sent"


def test_what_is_told_to_a_child_during_the_takedown_waits_for_its_next_life(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run(
        {"p": troupe.player({"c": troupe.player({"g": troupe.player()}), "d": troupe.player()})}, clock=clock
    )
    system.ref("p", "c").tell(Hang())
    stage.wait_until_hanging()
    system.ref("p", "d").ask(Echo("before"), PATIENCE)
    crash(system, "p")
    for path in (("p", "c"), ("p", "c", "g"), ("p", "d")):
        system.ref(*path).tell(Echo("meanwhile"))
    flush(system)
    assert stage.lives == {"p": 1, "p/c": 1, "p/d": 1}, "nothing starts while something is being taken down"
    clock.advance(1.0)
    for path in (("p", "c"), ("p", "c", "g"), ("p", "d")):
        system.ref(*path).ask(Echo("after"), PATIENCE)
    assert stage.seen["p/c"] == stage.seen["p/c/g"] == ["meanwhile", "after"]
    assert stage.seen["p/d"] == ["before", "meanwhile", "after"]
    assert stage.lives == {"p": 2, "p/c": 2, "p/c/g": 1, "p/d": 2}


def test_deferred_answers_are_given_up_only_when_nothing_below_is_busy_any_more(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(), "p": troupe.player({"c": troupe.player()})}, clock=clock)
    system.ref("a").ask(Forward(("p",), Defer()), PATIENCE)
    system.ref("p").ask(Echo(0), PATIENCE)
    system.ref("p", "c").tell(Hang())
    stage.wait_until_hanging()
    crash(system, "p")
    system.ref("a").ask(Echo(0), PATIENCE)
    assert stage.notices.empty(), "the busy child may still bring the matter to its end"
    clock.advance(1.0)
    notice = stage.notice()
    assert (notice.message, notice.reason) == (Defer(), Reason.RESTARTED)


def test_a_child_let_go_is_an_end_and_the_next_message_a_new_beginning(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player(policy=Policy(restart=Restart.TEMPORARY))})
    system.ref("a").ask(Echo(0), PATIENCE)
    cell = cell_of(system, "a")
    crash(system, "a")
    assert system.find(system.ref("a").address) is None
    assert cell.state is State.STOPPED
    assert system.ref("a").ask(Echo(1), PATIENCE) == 1
    assert stage.lives["a"] == 2


def test_a_transient_child_that_ends_in_order_gives_its_letters_back(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player(), "t": troupe.player(policy=Policy(restart=Restart.TRANSIENT))})
    system.ref("a").ask(Forward(("t",), Hang()), PATIENCE)
    stage.wait_until_hanging()
    stage.players["t"].stop()
    system.ref("a").ask(Forward(("t",), Echo("never handled")), PATIENCE)
    stage.curtain.set()
    notice = stage.notice()
    assert (notice.message, notice.reason) == (Echo("never handled"), Reason.STOPPED)


# A start that crashes --------------------------------------------------------------------------------


def test_one_that_crashes_in_its_start_keeps_nobody_busy(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    stage.failing_starts["a"] = [ValueError("not yet")] * 100
    system = run({"a": troupe.player(policy=Policy(restarts=3, within=30.0))}, clock=clock)
    system.ref("a").tell(Echo(0))
    for expected in (("a", "ValueError"), ("a", "ValueError")):
        assert stage.ended.get(timeout=PATIENCE) == expected
    flush(system)
    assert stage.lives["a"] == 2, "the first restart is at once, the second after a pause"
    for advance in (0.07, 0.13):
        clock.advance(advance)
        assert stage.ended.get(timeout=PATIENCE) == ("a", "ValueError")
        flush(system)
    flush(system)
    assert stage.lives["a"] == 4
    assert cell_of(system, "a").parked.startswith("ValueError: not yet; parked for ")


def test_a_start_that_hangs_is_replaced_after_the_deadline_too(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    stage.hanging_starts.add("a")
    system = run({"a": troupe.player(deadline=5.0)}, clock=clock)
    system.ref("a").tell(Echo("waited"))
    stage.wait_until_hanging()
    clock.advance(6.0)
    flush(system)
    system.ref("a").ask(Echo("asked"), PATIENCE)
    assert stage.seen["a"] == ["waited", "asked"]
    assert stage.abandoned == ["a"]


# Stuck -----------------------------------------------------------------------------------------------


def test_a_stuck_actor_is_visible_then_replaced_and_its_successor_sees_all_that_waited(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(deadline=30.0), "b": troupe.player()}, clock=clock)
    system.ref("b").ask(Forward(("a",), Hang()), PATIENCE)
    stage.wait_until_hanging()
    for number in range(1000):
        system.ref("a").tell(Echo(number))
    clock.advance(30.0)
    flush(system)
    assert stage.abandoned == []
    clock.advance(0.6)
    flush(system)
    system.ref("a").ask(Echo("last"), PATIENCE)
    assert stage.seen["a"] == [*range(1000), "last"]
    assert stage.abandoned == ["a"]
    notice = stage.notice()
    assert (notice.message, notice.reason) == (Hang(), Reason.STUCK)
    assert notice.detail == "busy with one message for more than 30 s"


def test_stuck_is_a_state_of_its_own_between_the_deadline_and_the_next_look(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(deadline=30.0)}, clock=clock)
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    clock._elapsed += 31.0  # nobody is woken: the watch has not looked yet
    (status,) = system.statuses()
    assert (status.state, status.busy_for) == (State.STUCK, 31.0)


def test_the_late_answer_of_an_abandoned_actor_has_no_effect(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(deadline=5.0), "b": troupe.player()}, clock=clock)
    system.ref("b").ask(Forward(("a",), Hang()), PATIENCE)
    stage.wait_until_hanging()
    clock.advance(6.0)
    assert stage.notice().reason is Reason.STUCK
    system.ref("a").ask(Echo(1), PATIENCE)
    stage.curtain.set()
    assert stage.ended.get(timeout=PATIENCE) == ("a", "stopped")
    flush(system)
    system.ref("b").ask(Echo(0), PATIENCE)
    assert stage.answers.empty()
    until_idle(system, "a")
    record = cell_of(system, "a").record
    assert (record.processed, record.failures, record.restarts) == (1, 1, 1)


def test_the_asker_of_a_stuck_message_is_told_when_it_is_replaced(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(deadline=5.0)}, clock=clock)
    errors: list[str] = []

    def ask() -> None:
        with pytest.raises(ActorFailed) as failed:
            system.ref("a").ask(Hang(), PATIENCE)
        errors.append(str(failed.value))

    asker = threading.Thread(target=ask)
    asker.start()
    stage.wait_until_hanging()
    clock.advance(6.0)
    asker.join(PATIENCE)
    assert errors == ["/p/a stuck: busy with one message for more than 5 s"]


def test_a_hook_that_fails_keeps_no_successor_from_starting(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(deadline=5.0)}, clock=clock)
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    stage.abandoned = None  # type: ignore[assignment]  # makes the player's hook raise
    clock.advance(6.0)
    flush(system)
    assert system.ref("a").ask(Echo(1), PATIENCE) == 1


# Parked ----------------------------------------------------------------------------------------------


def test_a_parked_actor_turns_askers_and_tellers_away_and_says_why(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(policy=SOON_PARKED), "b": troupe.player()}, clock=clock)
    crash(system, "a")
    crash(system, "a")
    reason = "ValueError: boo; parked for 5 s after too many failures"
    with pytest.raises(ActorUnavailable, match=f"/p/a takes no messages now: {reason}"):
        system.ref("a").ask(Echo(1), PATIENCE)
    with pytest.raises(ActorUnavailable):
        system.ref("a").tell(Echo(1))
    system.ref("b").tell(Forward(("a",), Echo(1)))
    notice = stage.notice()
    assert (notice.message, notice.reason, notice.detail) == (Echo(1), Reason.PARKED, reason)
    assert cell_of(system, "a").state is State.RESTARTING


def test_what_waited_when_an_actor_is_parked_goes_back(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(policy=SOON_PARKED), "b": troupe.player()}, clock=clock)
    crash(system, "a")
    for message in (Hang(), BOO, Echo("waits")):
        system.ref("b").ask(Forward(("a",), message), PATIENCE)
    stage.wait_until_hanging()
    stage.curtain.set()
    assert [stage.notice().reason for _ in range(2)] == [Reason.CRASHED, Reason.PARKED]


def test_a_parked_actor_comes_back_and_is_parked_longer_each_time(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(policy=SOON_PARKED)}, clock=clock)
    crash(system, "a")
    for pause in (5.0, 10.0, 20.0):
        crash(system, "a")
        clock.advance(pause - 0.1)
        flush(system)
        with pytest.raises(ActorUnavailable):
            system.ref("a").tell(Echo(0))
        clock.advance(0.1)
        flush(system)
        assert system.ref("a").ask(Echo("back"), PATIENCE) == "back"


def test_an_operator_gets_a_parked_actor_back_at_once_with_a_clean_record(
    run: Run, troupe: Troupe, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(policy=SOON_PARKED)}, clock=clock)
    crash(system, "a")
    crash(system, "a")
    assert begin_restart(system, "a").wait(PATIENCE)
    crash(system, "a")
    assert system.ref("a").ask(Echo("not parked"), PATIENCE) == "not parked"
    clock.advance(100.0)
    flush(system)
    assert cell_of(system, "a").record.restarts == 4, "the timer of the parking was taken back"


# Escalation ------------------------------------------------------------------------------------------


def test_a_child_over_its_budget_takes_its_parent_down_and_no_more(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run(
        {
            "p": troupe.player({"c": troupe.player(policy=ESCALATES), "d": troupe.player()}),
            "q": troupe.player(),
        }
    )
    for path in (("p", "c"), ("p", "d"), ("q",)):
        system.ref(*path).ask(Echo(0), PATIENCE)
    crash(system, "p", "c")
    for path in (("p", "c"), ("p", "d"), ("q",)):
        system.ref(*path).ask(Echo(1), PATIENCE)
    assert stage.lives == {"p": 2, "p/c": 2, "p/d": 2, "q": 1}
    assert cell_of(system, "p").record.last_error == "ActorFailed: /p/p/c failed too often: ValueError: boo"
    assert not system.failed.is_set()


def test_escalation_ends_at_the_system_with_the_first_reason(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"branch": troupe.player({"a": troupe.player(policy=ESCALATES)}, start=None)})
    crash(system, "branch", "a")
    assert system.failed.wait(PATIENCE)
    system.fail("something later")
    assert system.failure == "/p/branch/a failed too often: ValueError: boo"


def test_a_chain_of_escalations_reaches_the_system(run: Run, troupe: Troupe) -> None:
    system = run({"p": troupe.player({"c": troupe.player(policy=ESCALATES)}, policy=ESCALATES)})
    crash(system, "p", "c")
    assert system.failed.wait(PATIENCE)
    assert system.failure.startswith("/p/p failed too often: ActorFailed: /p/p/c failed too often")


def test_a_child_that_escalates_while_its_parent_is_between_two_lives_troubles_nobody_above(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run(
        {"p": troupe.player({"c": troupe.player(policy=ESCALATES)}, policy=SOON_PARKED)}, clock=clock
    )
    crash(system, "p")
    crash(system, "p")
    crash(system, "p", "c")
    assert not system.failed.is_set()
    assert stage.lives["p"] == 2
    clock.advance(5.0)
    flush(system)
    assert system.ref("p", "c").ask(Echo("works"), PATIENCE) == "works"


def test_a_system_whose_first_actor_gives_up_does_not_wait_for_the_time_out(
    troupe: Troupe, stage: Stage
) -> None:
    stage.failing_starts["a"] = [ValueError("no disk")] * 9
    system = troupe.system({"a": troupe.player(policy=ESCALATES)}, starts=("a",))
    with pytest.raises(StartFailed, match="/p/a did not start: ValueError: no disk"):
        system.start(timeout=1000.0)
    assert system.stop()


# An operator's restart -------------------------------------------------------------------------------


def test_a_restart_keeps_the_mailbox_and_restarts_what_stands_under_it_alone(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"p": troupe.player({"c": troupe.player()}), "q": troupe.player()})
    for path in (("p",), ("p", "c"), ("q",)):
        system.ref(*path).ask(Echo(0), PATIENCE)
    assert system.restart(system.ref("p").address) == 1
    for path in (("p",), ("p", "c"), ("q",)):
        system.ref(*path).ask(Echo(1), PATIENCE)
    assert stage.lives == {"p": 2, "p/c": 2, "q": 1}


def test_a_restart_of_a_stuck_actor_answers_within_a_second(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player()})
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    system.ref("a").tell(Echo("waits"))
    assert system.restart(system.ref("a").address, timeout=1.0) == 1
    system.ref("a").ask(Echo("asked"), PATIENCE)
    assert stage.seen["a"] == ["waits", "asked"]


def test_a_busy_actor_may_finish_its_message_before_it_is_restarted(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()}, clock=clock)
    system.ref("b").ask(Forward(("a",), Hang()), PATIENCE)
    stage.wait_until_hanging()
    done = begin_restart(system, "a")
    assert not done.is_set()
    stage.curtain.set()
    assert done.wait(PATIENCE)
    assert stage.answers.get(timeout=PATIENCE) == ("b", "late")
    assert cell_of(system, "a").record.failures == 0


def test_two_restarts_at_once_are_one(run: Run, troupe: Troupe, stage: Stage, clock: ManualClock) -> None:
    system = run({"a": troupe.player()}, clock=clock)
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    first, second = begin_restart(system, "a"), begin_restart(system, "a")
    clock.advance(0.5)
    assert first.wait(PATIENCE)
    assert second.wait(PATIENCE)
    system.ref("a").ask(Echo(0), PATIENCE)
    assert stage.lives["a"] == 2
    assert cell_of(system, "a").record.restarts == 1


def test_a_restart_during_the_takedown_after_a_crash_joins_it(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"p": troupe.player({"c": troupe.player()})}, clock=clock)
    system.ref("p", "c").tell(Hang())
    stage.wait_until_hanging()
    crash(system, "p")
    done = begin_restart(system, "p")
    assert not done.is_set()
    clock.advance(0.5)
    assert done.wait(PATIENCE)
    system.ref("p", "c").ask(Echo(0), PATIENCE)
    clock.advance(5.0)
    flush(system)
    system.ref("p", "c").ask(Echo(0), PATIENCE)
    assert stage.lives == {"p": 2, "p/c": 2}


def test_a_restart_of_a_parent_takes_over_the_takedown_below_it(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    tree = {"p": troupe.player({"c": troupe.player({"g": troupe.player()})})}
    system = run(tree, clock=clock)
    system.ref("p", "c", "g").tell(Hang())
    stage.wait_until_hanging()
    crash(system, "p", "c")
    done = begin_restart(system, "p")
    system.ref("p", "c", "g").tell(Echo("meanwhile"))
    flush(system)
    assert stage.lives["p/c/g"] == 1, "the name's former life is not over"
    clock.advance(0.5)
    assert done.wait(PATIENCE)
    system.ref("p", "c", "g").ask(Echo("after"), PATIENCE)
    assert stage.seen["p/c/g"] == ["meanwhile", "after"]
    assert stage.lives == {"p": 2, "p/c": 2, "p/c/g": 2}


def test_a_restart_of_a_child_that_goes_down_with_its_parent_is_done_when_that_is(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"p": troupe.player({"c": troupe.player()})}, clock=clock)
    system.ref("p", "c").tell(Hang())
    stage.wait_until_hanging()
    child = begin_restart(system, "p", "c")
    parent = begin_restart(system, "p")
    clock.advance(0.5)
    assert child.wait(PATIENCE)
    assert parent.wait(PATIENCE)


def test_a_restart_of_a_branch_restarts_what_stands_under_it(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run(
        {"branch": troupe.player({"a": troupe.player(), "b": troupe.player()}, start=None, starts=("a",))}
    )
    for name in ("a", "b"):
        system.ref("branch", name).ask(Echo(0), PATIENCE)
    system.restart(system.ref("branch").address)
    for name in ("a", "b"):
        system.ref("branch", name).ask(Echo(0), PATIENCE)
    assert stage.lives == {"branch/a": 2, "branch/b": 2}
    assert cell_of(system, "branch").state is State.RUNNING


def test_a_restart_answers_only_when_the_new_life_does(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(policy=Policy(backoff=Backoff(1.0, 1.0, jitter=0.0)))}, clock=clock)
    system.ref("a").ask(Echo(0), PATIENCE)
    stage.failing_starts["a"] = [ValueError("not yet")] * 2
    stage.ended.queue.clear()
    done = begin_restart(system, "a")
    for expected in (("a", "stopped"), ("a", "ValueError"), ("a", "ValueError")):
        assert stage.ended.get(timeout=PATIENCE) == expected
    flush(system)
    assert not done.is_set()
    clock.advance(1.0)
    assert done.wait(PATIENCE)
    assert stage.lives["a"] == 4


# What is told to a life ends with it -----------------------------------------------------------------


def test_an_answer_to_a_former_life_does_not_reach_the_next(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    slow = Policy(restarts=5, backoff=Backoff(1.0, 1.0, jitter=0.0))
    system = run({"a": troupe.player(policy=slow), "b": troupe.player()}, clock=clock)
    crash(system, "a")
    system.ref("a").ask(Forward(("b",), Hang()), PATIENCE)
    stage.wait_until_hanging()
    crash(system, "a")
    stage.curtain.set()
    system.ref("b").ask(Echo(0), PATIENCE)
    clock.advance(1.0)
    system.ref("a").ask(Echo(0), PATIENCE)
    assert stage.answers.empty()


def test_a_control_message_waits_for_the_next_life_like_any_other(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    slow = Policy(restarts=5, backoff=Backoff(1.0, 1.0, jitter=0.0))
    system = run({"a": troupe.player(policy=slow)}, clock=clock)
    crash(system, "a")
    crash(system, "a")
    system.ref("a").tell(Answer("ordered"), control=True)
    clock.advance(1.0)
    assert stage.answers.get(timeout=PATIENCE) == ("a", "ordered")


# Specs that change -----------------------------------------------------------------------------------


def test_a_new_life_is_as_the_specs_have_it_by_then(run: Run, troupe: Troupe) -> None:
    tree = {"p": troupe.player({"c": troupe.player()})}
    system = run(tree)
    system.ref("p", "c").ask(Echo(1), PATIENCE)
    tree["p"] = troupe.player({"d": troupe.player()})
    assert system.ref("p", "c").ask(Echo(2), PATIENCE) == 2, "who lives goes on"
    system.restart(system.ref("p").address)
    assert system.ref("p", "d").ask(Echo(3), PATIENCE) == 3
    with pytest.raises(ActorNotFound):
        system.ref("p", "c").ask(Echo(4), PATIENCE)


def test_a_crash_begins_such_a_life_too(run: Run, troupe: Troupe) -> None:
    tree = {"a": troupe.player(capacity=1)}
    system = run(tree)
    tree["a"] = troupe.player({"c": troupe.player()})
    crash(system, "a")
    assert system.ref("a", "c").ask(Echo(1), PATIENCE) == 1


def test_who_is_known_no_more_ends_with_its_restart(run: Run, troupe: Troupe) -> None:
    tree = {"a": troupe.player(), "b": troupe.player()}
    system = run(tree)
    system.ref("a").ask(Echo(1), PATIENCE)
    gone = tree.pop("a")
    system.restart(system.ref("a").address)
    assert system.find(system.ref("a").address) is None
    tree["a"] = gone
    assert system.ref("a").ask(Echo(2), PATIENCE) == 2


def test_a_restart_may_wait_longer_for_what_is_in_hand(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player()}, clock=clock)
    system.ref("a").tell(Hang())
    stage.wait_until_hanging()
    done = threading.Event()
    system.begin_restart(system.ref("a").address, lambda _: done.set(), grace=20.0)
    flush(system)
    clock.advance(19.0)
    flush(system)
    assert not done.is_set()
    stage.curtain.set()
    assert done.wait(PATIENCE)
    assert cell_of(system, "a").record.failures == 0
