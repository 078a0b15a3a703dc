import signal
import threading

from pushserver.cli.stopping import StopRequests


def test_a_signal_is_a_request_with_its_name() -> None:
    with StopRequests() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.wait() == "SIGTERM"


def test_another_thread_may_ask_too() -> None:
    with StopRequests() as stop:
        threading.Thread(target=stop.request, args=("out of luck",)).start()
        assert stop.wait() == "out of luck"


def test_a_signal_before_anybody_waits_is_kept() -> None:
    with StopRequests() as stop:
        signal.raise_signal(signal.SIGINT)
        stop.request("later")
        assert [stop.wait(), stop.wait()] == ["SIGINT", "later"]


def test_what_is_started_meanwhile_is_not_deaf_to_signals() -> None:
    with StopRequests():
        assert not {signal.SIGINT, signal.SIGTERM} & signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_the_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopRequests():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
