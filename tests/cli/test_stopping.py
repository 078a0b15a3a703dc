import signal
import threading

import pytest

from pushserver.cli.stopping import StopRequests


def test_a_signal_is_a_request_with_its_name() -> None:
    with StopRequests() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait() == "SIGTERM"


def test_another_thread_may_ask_too() -> None:
    with StopRequests() as stop:
        threading.Thread(target=stop.request, args=("out of luck",)).start()
        assert stop.wait() == "out of luck"


def test_a_signal_that_is_held_back_arrives_afterwards() -> None:
    with StopRequests() as stop:
        with stop.held_back():
            signal.raise_signal(signal.SIGINT)
            assert signal.SIGINT in signal.sigpending()
        assert stop.wait() == "SIGINT"


def test_threads_started_while_signals_are_held_back_never_get_them() -> None:
    masks: list[set[int]] = []
    with StopRequests() as stop, stop.held_back():
        thread = threading.Thread(
            target=lambda: masks.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
        )
        thread.start()
        thread.join()
    assert {signal.SIGINT, signal.SIGTERM} <= masks[0]
    assert not {signal.SIGINT, signal.SIGTERM} & signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_the_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopRequests():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_a_system_without_signal_masks_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "pthread_sigmask")
    with StopRequests() as stop:
        with stop.held_back():
            stop.request("done")
        assert stop.wait() == "done"
