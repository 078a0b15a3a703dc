"""A breaker: when it opens, for how long, and what closes it."""

from pushserver.domain.breaker import Breaker, BreakerRules


def test_it_opens_after_failures_in_a_row_and_lets_one_probe_through() -> None:
    breaker = Breaker(BreakerRules(failures=3, first=5.0, ceiling=300.0))
    for _ in range(2):
        breaker.failed(0.0)
        assert breaker.admits(0.0)
    breaker.failed(0.0)
    assert breaker.is_open
    assert not breaker.admits(4.9)
    assert breaker.remaining(1.0) == 4.0
    assert breaker.admits(5.0)
    assert not breaker.admits(5.0), "the probe is under way"


def test_a_success_between_failures_ends_the_row() -> None:
    breaker = Breaker(BreakerRules(failures=2))
    breaker.failed(0.0)
    breaker.succeeded()
    breaker.failed(0.0)
    assert not breaker.is_open


def test_it_opens_when_most_of_the_last_ones_failed() -> None:
    breaker = Breaker(BreakerRules(failures=100, sample=10, share=0.8))
    for _ in range(2):
        breaker.succeeded()
    for failures in range(1, 9):
        assert not breaker.is_open, f"after {failures - 1} failures"
        breaker.failed(0.0)
    assert breaker.is_open


def test_a_few_are_not_most() -> None:
    breaker = Breaker(BreakerRules(failures=100, sample=10, share=0.8))
    for _ in range(9):
        breaker.failed(0.0)
    assert not breaker.is_open


def test_what_failed_before_it_closed_is_not_held_against_it_again() -> None:
    breaker = Breaker(BreakerRules(failures=100, sample=4, share=0.5, first=1.0))
    for _ in range(4):
        breaker.failed(0.0)
    assert breaker.admits(1.0)
    breaker.succeeded()
    breaker.failed(1.0)
    assert not breaker.is_open


def test_a_fatal_failure_opens_it_at_once() -> None:
    breaker = Breaker(BreakerRules(failures=100))
    breaker.failed(0.0, fatal=True)
    assert breaker.remaining(0.0) == 5.0


def test_rests_double_up_to_the_ceiling_until_a_probe_succeeds() -> None:
    breaker = Breaker(BreakerRules(failures=1, first=5.0, ceiling=12.0))
    now = 0.0
    breaker.failed(now)
    for rest in (5.0, 10.0, 12.0, 12.0):
        assert breaker.remaining(now) == rest
        now += rest
        assert breaker.admits(now)
        breaker.failed(now)
    breaker.succeeded()
    breaker.failed(now)
    assert breaker.remaining(now) == 5.0


def test_failures_of_what_was_under_way_do_not_lengthen_the_rest() -> None:
    breaker = Breaker(BreakerRules(failures=1, first=5.0))
    breaker.failed(0.0)
    breaker.failed(1.0)
    assert breaker.remaining(1.0) == 4.0


def test_after_a_probe_that_came_to_nothing_the_next_one_is_the_probe() -> None:
    breaker = Breaker(BreakerRules(failures=1, first=5.0))
    breaker.failed(0.0)
    assert breaker.admits(5.0)
    breaker.unproven()
    assert breaker.is_open
    assert breaker.admits(5.0)
