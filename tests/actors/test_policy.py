from itertools import pairwise

import pytest

from actors import Backoff, Exhausted, Policy, Restart
from actors.policy import Decision, Escalate, History, LetGo, Park, RestartAfter, decide


def middle() -> float:
    """A random number that makes jitter vanish."""
    return 0.5


def ending(policy: Policy, history: History, now: float, *, crashed: bool = True) -> Decision:
    return decide(policy, history, crashed=crashed, now=now, random=middle)


@pytest.mark.parametrize(
    ("restart", "crashed", "has_successor"),
    [
        (Restart.PERMANENT, True, True),
        (Restart.PERMANENT, False, True),
        (Restart.TRANSIENT, True, True),
        (Restart.TRANSIENT, False, False),
        (Restart.TEMPORARY, True, False),
        (Restart.TEMPORARY, False, False),
    ],
)
def test_which_endings_call_for_a_successor(restart: Restart, crashed: bool, has_successor: bool) -> None:
    decision = ending(Policy(restart=restart), History(), 0.0, crashed=crashed)
    assert decision == (RestartAfter(0.0) if has_successor else LetGo())


def test_the_first_restart_is_at_once_and_the_pauses_then_grow() -> None:
    policy, history = Policy(restarts=5, backoff=Backoff(first=0.05, ceiling=0.3)), History()
    pauses = [ending(policy, history, 0.0) for _ in range(5)]
    assert pauses == [RestartAfter(pause) for pause in (0.0, 0.05, 0.1, 0.2, 0.3)]


def test_over_budget_means_parked_longer_and_longer_up_to_300_s() -> None:
    policy, history = Policy(restarts=1, within=30.0), History()
    now, parkings = 0.0, []
    assert ending(policy, history, now) == RestartAfter(0.0)
    for _ in range(9):
        decision = ending(policy, history, now)
        assert isinstance(decision, Park)
        parkings.append(decision.pause)
        now += decision.pause + 1.0
    assert parkings == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]


def test_no_jitter_takes_a_parking_over_its_ceiling() -> None:
    assert Backoff(first=5.0, ceiling=300.0).pause(50, lambda: 1.0) == 300.0


def test_jitter_moves_a_pause_by_its_share_both_ways() -> None:
    backoff = Backoff(first=10.0, ceiling=300.0, jitter=0.2)
    assert backoff.pause(0, lambda: 0.0) == 8.0
    assert backoff.pause(0, lambda: 1.0) == 12.0


def test_a_backoff_survives_a_count_of_thousands() -> None:
    assert Backoff(first=5.0, ceiling=300.0).pause(1_000_000, middle) == 300.0


def test_what_the_process_cannot_do_without_escalates_instead() -> None:
    policy = Policy(restarts=2, exhausted=Exhausted.ESCALATE)
    history = History()
    decisions = [ending(policy, history, 0.0) for _ in range(3)]
    assert decisions == [RestartAfter(0.0), RestartAfter(0.05), Escalate()]


def test_a_budget_of_none_parks_at_the_first_crash_and_forgives_all_the_same() -> None:
    policy, history = Policy(restarts=0, within=30.0), History()
    assert ending(policy, history, 0.0) == Park(5.0)
    assert ending(policy, history, 6.0) == Park(10.0)
    assert ending(policy, history, 500.0) == Park(5.0)


def test_endings_older_than_the_window_do_not_count() -> None:
    policy, history = Policy(restarts=2, within=30.0), History()
    for now in (0.0, 20.0, 40.0, 60.0, 80.0, 100.0):
        decision = ending(policy, history, now)
        assert isinstance(decision, RestartAfter)


def test_whole_window_of_work_after_parking_is_forgiven() -> None:
    policy, history = Policy(restarts=1, within=30.0), History()
    ending(policy, history, 0.0)
    assert ending(policy, history, 0.0) == Park(5.0)
    assert ending(policy, history, 30.0) == Park(10.0), "up for 25 s only: not forgiven"
    assert ending(policy, history, 30.0 + 12.0 + 30.1) == RestartAfter(0.0)


def test_whoever_ends_in_order_again_and_again_is_parked_as_well() -> None:
    policy, history = Policy(restarts=3), History()
    decisions = [ending(policy, history, 0.0, crashed=False) for _ in range(4)]
    assert [type(decision) for decision in decisions] == [RestartAfter, RestartAfter, RestartAfter, Park]


def test_a_life_of_crashes_is_remembered_in_bounded_space() -> None:
    policy, history = Policy(restarts=5), History()
    now = 0.0
    for _ in range(1000):
        decision = ending(policy, history, now)
        now += decision.pause + 0.1 if isinstance(decision, Park | RestartAfter) else 0.0
    assert len(history.crashes) == 6


def test_forgiving_gives_a_clean_record() -> None:
    policy, history = Policy(restarts=1), History()
    ending(policy, history, 0.0)
    ending(policy, history, 0.0)
    history.forgive()
    assert ending(policy, history, 0.0) == RestartAfter(0.0)


def test_pauses_never_shrink_before_the_ceiling() -> None:
    backoff = Backoff(first=0.05, ceiling=5.0)
    pauses = [backoff.pause(nth, middle) for nth in range(20)]
    assert all(earlier <= later for earlier, later in pairwise(pauses))
    assert pauses[-1] == 5.0
