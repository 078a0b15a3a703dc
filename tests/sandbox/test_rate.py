import pytest

from pushserver.sandbox import BadSettingError, Rate
from pushserver.sandbox.rate import RateGauge


def admitted(rate: Rate, *times: float) -> list[bool]:
    gauge = RateGauge()
    return [gauge.admits(rate, time) for time in times]


def test_a_window_slides() -> None:
    assert admitted(Rate(((2, 10.0),)), 0, 9, 9.9, 10, 10.1, 19) == [True, True, False, True, False, True]


def test_all_windows_hold() -> None:
    rate = Rate(((2, 1.0), (3, 60.0)))
    assert admitted(rate, 0, 0, 0, 1, 2, 60) == [True, True, False, True, False, True]


def test_a_refused_call_does_not_count() -> None:
    assert admitted(Rate(((1, 10.0),)), 0, 5, 9, 10) == [True, False, False, True]


def test_a_lock_outlasts_the_window() -> None:
    assert admitted(Rate(((1, 1.0),), lock=10.0), 0, 0.5, 5, 10.4, 10.5) == [True, False, False, False, True]


@pytest.mark.parametrize("window", [(0, 1.0), (1, 0.0)])
def test_an_empty_window_makes_no_sense(window: tuple[int, float]) -> None:
    with pytest.raises(BadSettingError, match="expected both above 0"):
        Rate((window,))
