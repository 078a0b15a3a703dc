import logging
import queue
import threading
from collections.abc import Iterator

import pytest

from actors import ManualClock, SystemClock
from actors.scheduler import COMPACT_ABOVE, Scheduler


@pytest.fixture
def scheduler(clock: ManualClock) -> Iterator[Scheduler]:
    scheduler = Scheduler(clock)
    scheduler.start()
    yield scheduler
    scheduler.stop()


def due_has_run(scheduler: Scheduler) -> None:
    done = threading.Event()
    scheduler.after(0, done.set)
    assert done.wait(10)


def test_callbacks_run_one_after_the_other_on_one_thread(scheduler: Scheduler) -> None:
    ran: queue.Queue[tuple[int, str]] = queue.Queue()
    for number in range(100):
        scheduler.soon(lambda number=number: ran.put((number, threading.current_thread().name)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    assert [ran.get(timeout=10) for _ in range(100)] == [(n, "actors-scheduler") for n in range(100)]


def test_a_timer_runs_when_its_time_has_come_and_not_before(scheduler: Scheduler, clock: ManualClock) -> None:
    ran: list[str] = []
    scheduler.after(5.0, lambda: ran.append("rung"))
    clock.advance(4.9)
    due_has_run(scheduler)
    assert ran == []
    clock.advance(0.1)
    due_has_run(scheduler)
    assert ran == ["rung"]
    clock.advance(100.0)
    due_has_run(scheduler)
    assert ran == ["rung"]


def test_timers_run_in_the_order_of_their_time_then_of_their_making(
    scheduler: Scheduler, clock: ManualClock
) -> None:
    ran: list[str] = []
    scheduler.after(2.0, lambda: ran.append("second"))
    scheduler.after(1.0, lambda: ran.append("first"))
    scheduler.after(2.0, lambda: ran.append("third"))
    clock.advance(3.0)
    due_has_run(scheduler)
    assert ran == ["first", "second", "third"]


def test_a_cancelled_timer_does_not_run(scheduler: Scheduler, clock: ManualClock) -> None:
    ran: list[str] = []
    timer = scheduler.after(1.0, lambda: ran.append("rung"))
    timer.cancel()
    timer.cancel()
    clock.advance(2.0)
    due_has_run(scheduler)
    assert ran == []
    assert timer.cancelled


def test_cancelled_timers_for_hours_ahead_do_not_pile_up(scheduler: Scheduler, clock: ManualClock) -> None:
    ran: list[str] = []
    scheduler.after(7200.0, lambda: ran.append("kept"))
    for _ in range(20 * COMPACT_ABOVE):
        scheduler.after(3600.0, lambda: ran.append("cancelled")).cancel()
    assert len(scheduler._later) <= COMPACT_ABOVE + 1
    clock.advance(7200.0)
    due_has_run(scheduler)
    assert ran == ["kept"]


def test_a_timer_that_is_due_waits_for_one_callback_and_not_for_thousands(clock: ManualClock) -> None:
    ran: list[str] = []
    scheduler = Scheduler(clock)
    for number in range(4):
        scheduler.soon(lambda number=number: ran.append(f"soon {number}"))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        scheduler.after(0, lambda number=number: ran.append(f"timer {number}"))  # type: ignore[misc]  # the same
    ended = threading.Event()
    scheduler.after(0, ended.set)
    scheduler.start()
    assert ended.wait(10)
    scheduler.stop()
    assert ran == [f"{kind} {number}" for number in range(4) for kind in ("soon", "timer")]


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(1)])
def test_one_that_raises_is_logged_and_keeps_nobody_from_running(
    scheduler: Scheduler, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise error

    with caplog.at_level(logging.ERROR):
        scheduler.soon(fail)
        due_has_run(scheduler)
    assert [record.message for record in caplog.records] == ["a scheduled callback failed"]


def test_stopping_runs_what_is_due_at_once_and_drops_the_rest(clock: ManualClock) -> None:
    ran: list[str] = []
    scheduler = Scheduler(clock)
    scheduler.soon(lambda: ran.append("soon"))
    scheduler.after(1.0, lambda: ran.append("later"))
    scheduler.start()
    scheduler.stop()
    assert ran == ["soon"]
    assert not scheduler.running


def test_stopping_what_never_started_or_has_stopped_does_nothing(clock: ManualClock) -> None:
    scheduler = Scheduler(clock)
    scheduler.stop()
    scheduler.start()
    scheduler.stop()
    scheduler.stop()
    assert not scheduler.running


def test_a_callback_may_stop_the_scheduler(clock: ManualClock) -> None:
    scheduler = Scheduler(clock)
    scheduler.start()
    scheduler.soon(scheduler.stop)
    scheduler._thread.join(10)
    assert not scheduler.running


def test_the_real_clock_rings_too() -> None:
    scheduler = Scheduler(SystemClock())
    scheduler.start()
    rung = threading.Event()
    scheduler.after(0.01, rung.set)
    assert rung.wait(10)
    scheduler.stop()
