"""Sliding windows over an endpoint's calls."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushserver.config import Rate
from pushserver.delivery.budget import Budget
from pushserver.sandbox import Rate as VendorRate
from pushserver.sandbox.rate import RateGauge

FEISHU = (Rate(5, 1.0), Rate(90, 60.0))


def spent(budget: Budget, *times: float) -> Budget:
    for time in times:
        budget.spend(time)
    return budget


def test_a_call_waits_until_the_window_has_slid_past_the_one_that_fills_it() -> None:
    budget = spent(Budget([Rate(2, 10.0)]), 0.0, 4.0)
    assert budget.wait(5.0, urgent=False) == 5.0
    assert budget.wait(10.0, urgent=False) == 0.0
    budget.spend(10.0)
    assert budget.wait(10.0, urgent=False) == 4.0


def test_all_windows_hold() -> None:
    budget = spent(Budget([Rate(2, 1.0), Rate(3, 60.0)]), 0.0, 0.0)
    assert budget.wait(0.5, urgent=False) == 0.5
    budget.spend(1.0)
    assert budget.wait(2.0, urgent=False) == 58.0


def test_the_reserve_is_for_the_urgent() -> None:
    budget = spent(Budget([Rate(10, 60.0)], reserve=0.2), *[0.0] * 8)
    assert budget.wait(1.0, urgent=False) == 59.0
    assert budget.wait(1.0, urgent=True) == 0.0
    spent(budget, 1.0, 1.0)
    assert budget.wait(1.0, urgent=True) == 59.0


@pytest.mark.parametrize(("count", "for_others"), [(1, 1), (4, 4), (5, 4), (18, 15), (90, 72)])
def test_a_reserve_is_rounded_down_and_leaves_the_others_something(count: int, for_others: int) -> None:
    budget = Budget([Rate(count, 60.0)], reserve=0.2)
    made = 0
    while budget.wait(0.0, urgent=False) == 0.0:
        budget.spend(0.0)
        made += 1
    assert made == for_others


def test_how_many_are_left_is_what_the_tightest_window_leaves() -> None:
    budget = Budget(FEISHU, reserve=0.2)
    assert budget.left(0.0) == 5
    spent(budget, 0.0, 0.0)
    assert budget.left(0.5) == 3
    assert budget.left(1.0) == 5
    spent(budget, *[1.0] * 86)
    assert budget.left(2.0) == 2
    assert budget.left(61.0) == 5


def test_a_call_may_cost_several() -> None:
    budget = Budget([Rate(2, 60.0)])
    budget.spend(0.0, calls=2)
    assert budget.wait(0.0, urgent=True) == 60.0


def test_calls_of_an_earlier_life_count_in_any_order() -> None:
    budget = Budget([Rate(2, 60.0)])
    budget.restore([30.0, -10.0])
    assert budget.wait(40.0, urgent=True) == 10.0


def test_pace_and_longest_window() -> None:
    budget = Budget(FEISHU, reserve=0.2)
    assert budget.pace == pytest.approx(60 / 72)
    assert budget.longest_window == 60.0


@given(
    pauses=st.lists(st.floats(0.0, 0.5), min_size=1, max_size=120),
    ways=st.lists(st.tuples(st.floats(0.0, 0.4), st.floats(0.0, 0.4)), min_size=120, max_size=120),
)
def test_whatever_the_way_to_the_vendor_takes_it_never_refuses(
    pauses: list[float], ways: list[tuple[float, float]]
) -> None:
    """Calls as early as the budget permits, each so long on its way there and back."""
    budget, gauge = Budget([Rate(5, 1.0), Rate(12, 7.0)]), RateGauge()
    vendor = VendorRate(((5, 1.0), (12, 7.0)))
    now = 0.0
    for pause, (there, back) in zip(pauses, ways, strict=False):
        now += max(pause, budget.wait(now + pause, urgent=True) + pause) + 1e-9
        assert gauge.admits(vendor, now + there)
        now += there + back
        budget.spend(now)


@given(pauses=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60))
def test_nobody_waits_longer_than_a_plain_count_says(pauses: list[float]) -> None:
    rates = (Rate(3, 2.0), Rate(5, 10.0))
    budget, calls, now = Budget(rates), deque[float](), 0.0
    for pause in pauses:
        now += pause
        free = all(sum(call + rate.seconds > now for call in calls) < rate.count for rate in rates)
        assert (budget.wait(now, urgent=True) == 0.0) == free
        if free:
            budget.spend(now)
            calls.append(now)
