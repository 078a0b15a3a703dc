"""The root over real processes: started in order, watched, replaced, stopped in reverse."""

import logging
import multiprocessing.connection
import os
import signal
import socket
import statistics
import threading
import time
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from actors.policy import Backoff, Exhausted, Policy
from actors.processes import Child, Patience, Phase, ProcessSpec
from actors.processes import root as root_module
from tests.actors.cast import until
from tests.actors.processes.conftest import Running, RunProgram, Supervise, wait_for_end
from tests.actors.processes.workers import Ear, Mouth, Part, play, serve, tell_title, weigh

pytestmark = pytest.mark.kill

GENEROUS = Policy(restarts=1000, within=60.0, backoff=Backoff(0.01, 0.01), exhausted=Exhausted.ESCALATE)


def worker(ear: Ear, name: str, part: Part | None = None, **options: Any) -> ProcessSpec:
    options.setdefault("policy", GENEROUS)
    return ProcessSpec(name, play, (Mouth(ear.path, name), part or Part()), **options)


def kill(running: Running, name: str) -> None:
    pid = running.child(name).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


# Start ---------------------------------------------------------------------------------------------------


def test_each_worker_starts_when_the_one_before_is_ready(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a", Part(birth_takes=0.2)), worker(ear, "b"), worker(ear, "c"))
    running.wait_until_ready()
    order = [(news.who, news.what) for news in (ear.next() for _ in range(6))]
    assert order == [(who, what) for who in "abc" for what in ("born", "ready")]


def test_workers_stop_in_reverse_order_each_when_the_one_after_has_ended(
    ear: Ear, supervise: Supervise
) -> None:
    running = supervise(worker(ear, "a"), worker(ear, "b", Part(stop_takes=0.1)), worker(ear, "c"))
    running.wait_until_ready()
    ear.count(3, "ready")
    assert running.stop() == 0
    assert [news.who for news in ear.count(3, "stopped")] == ["c", "b", "a"]


def test_a_worker_that_is_not_ready_in_time_is_killed_and_tried_again_and_no_other_starts(
    ear: Ear, supervise: Supervise
) -> None:
    supervise(
        worker(ear, "a", Part(gets_ready=False), patience=Patience(ready=0.2)),
        worker(ear, "b"),
    )
    assert [news.who for news in ear.count(3, "born")] == ["a", "a", "a"]


def test_a_root_can_be_stopped_during_its_first_start(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a"), worker(ear, "b", Part(gets_ready=False)), worker(ear, "c"))
    ear.hear("b", "born")
    assert running.stop() == 0
    assert [news.who for news in ear.count(2, "stopped")] == ["b", "a"]
    assert not running.ready.is_set()


def test_a_root_stopped_before_it_runs_starts_nothing(ear: Ear) -> None:
    root = root_module.Root([worker(ear, "a")])
    root.request_stop()
    begun = threading.Thread(target=root.run)
    begun.start()
    begun.join(20)
    assert not begun.is_alive()
    assert root.children[0].process is None


def test_asking_to_stop_when_all_is_over_harms_nobody(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a"))
    running.wait_until_ready()
    assert running.stop() == 0
    running.root.request_stop()


def test_arguments_of_many_megabytes_reach_the_worker(ear: Ear, supervise: Supervise) -> None:
    supervise(ProcessSpec("a", weigh, (Mouth(ear.path, "a"), b"x" * 5_000_000)))
    assert ear.hear("a", "weight").detail == "5000000"


def test_a_worker_is_listed_by_the_system_under_its_title(ear: Ear, supervise: Supervise) -> None:
    pytest.importorskip("setproctitle")
    supervise(ProcessSpec("a", tell_title, (Mouth(ear.path, "a"),), title="service: a"))
    assert ear.hear("a", "title").detail == "service: a"


# Crashes -------------------------------------------------------------------------------------------------


@pytest.mark.alone
def test_a_worker_that_is_killed_is_back_soon_and_no_other_notices(
    ear: Ear, supervise: Supervise, capsys: pytest.CaptureFixture[str]
) -> None:
    running = supervise(worker(ear, "a"), worker(ear, "b"))
    running.wait_until_ready()
    first, other = ear.hear("a", "ready").pid, running.child("b").pid
    took = []
    for _ in range(5):
        killed = time.monotonic()
        os.kill(first, signal.SIGKILL)
        back = ear.hear("a", "ready")
        took.append(back.at - killed)
        first = back.pid
    with capsys.disabled():
        print(f"\n  from kill -9 to ready: {statistics.median(took) * 1000:.0f} ms")  # noqa: T201 - a figure
    assert statistics.median(took) < 1.0
    assert running.child("b").pid == other
    assert running.child("a").restarts == 5


def test_crashes_are_followed_by_growing_pauses_then_the_service_ends_with_70(
    ear: Ear, supervise: Supervise, caplog: pytest.LogCaptureFixture
) -> None:
    policy = Policy(
        restarts=3, within=60.0, backoff=Backoff(0.1, 5.0, jitter=0), exhausted=Exhausted.ESCALATE
    )
    with caplog.at_level(logging.ERROR):
        running = supervise(
            worker(ear, "a"), worker(ear, "b", Part(fails_at_once=True, status=3), policy=policy)
        )
        born = [ear.hear("b", "born").at for _ in range(4)]
        assert running.end() == 70
    pauses = [after - before for before, after in pairwise(born)]
    assert pauses[1] > pauses[0]
    assert pauses[1] >= 0.1
    assert pauses[2] >= 0.2
    assert running.root.failure == "b failed too often: ended with status 3"
    ear.hear("a", "stopped")
    assert "giving up: b failed too often: ended with status 3" in caplog.messages


def test_after_giving_up_the_first_request_to_stop_is_still_an_orderly_one(
    ear: Ear, supervise: Supervise
) -> None:
    policy = Policy(restarts=0, exhausted=Exhausted.ESCALATE)
    running = supervise(
        worker(ear, "a", Part(stop_takes=0.5)),
        worker(ear, "b", Part(fails_at_once=True), policy=policy),
    )
    ear.hear("b", "born")
    while not running.root.failure:
        assert not running.ready.wait(0.001)
    running.root.request_stop()
    assert running.end() == 70
    ear.hear("a", "stopped")


def test_an_exception_in_a_worker_is_status_1(ear: Ear, supervise: Supervise) -> None:
    policy = Policy(restarts=0, exhausted=Exhausted.ESCALATE)
    running = supervise(worker(ear, "a", Part(raises=True), policy=policy))
    assert running.end() == 70
    assert running.root.failure == "a failed too often: ended with status 1"


@pytest.mark.alone
def test_a_worker_whose_turn_has_not_come_costs_no_cpu_while_it_waits(ear: Ear, supervise: Supervise) -> None:
    # b restarts itself, which makes it due, while a, which comes before it, is a minute away.
    minute = Policy(restarts=9, backoff=Backoff(60.0, 60.0, jitter=0), exhausted=Exhausted.ESCALATE)
    running = supervise(
        worker(ear, "a", policy=minute), worker(ear, "b"), worker(ear, "c", Part(gets_ready=False))
    )
    ear.hear("c", "born")
    kill(running, "a")  # the first restart is at once
    until(lambda: running.child("a").phase is Phase.RUNNING and running.child("a").restarts == 1)
    kill(running, "a")
    until(lambda: running.child("a").phase is Phase.DOWN)
    kill(running, "b")
    until(lambda: running.child("b").phase is Phase.DOWN)
    begun = time.process_time()
    threading.Event().wait(0.3)
    assert time.process_time() - begun < 0.1


# Heartbeats ----------------------------------------------------------------------------------------------


def test_a_worker_that_misses_its_heartbeats_is_killed_before_its_successor_starts(
    ear: Ear, supervise: Supervise, caplog: pytest.LogCaptureFixture
) -> None:
    running = supervise(worker(ear, "a", patience=Patience(heartbeat=0.5)), worker(ear, "b"))
    running.wait_until_ready()
    stopped = ear.hear("a", "ready").pid
    with caplog.at_level(logging.ERROR):
        os.kill(stopped, signal.SIGSTOP)
        successor = ear.hear("a", "born")
    assert not Path(f"/proc/{stopped}").exists()
    assert successor.pid != stopped
    assert "a is killed: no heartbeat" in caplog.messages
    assert running.child("a").last_error == "no heartbeat"
    assert running.child("b").restarts == 0


def test_a_worker_that_beats_lives(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a", patience=Patience(heartbeat=0.6)))
    running.wait_until_ready()
    ear.hear("a", "ready")
    assert ear.is_silent_for(1.3)
    assert running.child("a").restarts == 0


def test_nobody_is_blamed_for_a_pause_of_the_root_itself(
    ear: Ear, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As after `docker pause`: the root wakes much later than it asked for, and nobody has had time to beat.
    monkeypatch.setattr(root_module, "OVERSLEPT", 0.2)
    patient_wait = multiprocessing.connection.wait
    overslept = threading.Event()

    def wait(sources: Any, timeout: float | None) -> Any:
        if running.ready.is_set() and not overslept.is_set():
            overslept.set()
            os.kill(running.child("a").pid or 0, signal.SIGSTOP)
            time.sleep(1.0)
            return []
        os.kill(running.child("a").pid or 0, signal.SIGCONT)
        return patient_wait(sources, timeout)

    running = supervise(worker(ear, "a", patience=Patience(heartbeat=0.6)))
    running.wait_until_ready()
    monkeypatch.setattr(root_module, "wait", wait)
    assert overslept.wait(20)
    ear.hear("a", "ready")
    assert ear.is_silent_for(0.5)
    assert running.child("a").restarts == 0


def test_words_come_in_pieces_and_nonsense_is_passed_over(ear: Ear, supervise: Supervise) -> None:
    supervise(worker(ear, "a", Part(talks_nonsense=True))).wait_until_ready()


# Stop ----------------------------------------------------------------------------------------------------


def test_a_worker_that_does_not_stop_in_time_is_killed(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a", Part(heeds_stop=False), patience=Patience(stop=0.2)))
    running.wait_until_ready()
    assert running.stop() == 0
    assert running.child("a").last_error == "still there after the time to stop"


@pytest.mark.alone
def test_a_second_request_to_stop_is_immediate(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a"), worker(ear, "b", Part(heeds_stop=False)))
    running.wait_until_ready()
    begun = time.monotonic()
    running.root.request_stop()
    running.root.request_stop()
    assert running.end() == 0
    assert time.monotonic() - begun < 5.0


def test_a_second_term_to_a_worker_does_not_cut_its_stop_short(ear: Ear, supervise: Supervise) -> None:
    # A service manager sends one to every process of a unit, then comes the root's.
    running = supervise(worker(ear, "a", Part(stop_takes=0.3)))
    running.wait_until_ready()
    running.root.request_stop()
    os.kill(ear.hear("a", "ready").pid, signal.SIGTERM)
    assert running.end() == 0
    ear.hear("a", "stopped")


def test_a_worker_ignores_ctrl_c(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a"))
    pid = ear.hear("a", "ready").pid
    os.kill(pid, signal.SIGINT)
    assert ear.is_silent_for(0.3)
    assert running.child("a").pid == pid


def test_a_worker_that_is_told_to_stop_as_it_is_born_stops_in_order(
    ear: Ear, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it has said what to do with signals, they wait."""
    running = supervise(worker(ear, "a"))
    running.wait_until_ready()
    a, begin, ends = running.child("a"), Child.begin, list[str]()

    def begin_and_be_told(child: Child, process: BaseProcess, pipe: Connection, now: float) -> None:
        begin(child, process, pipe, now)
        ends.append(child.last_error)
        if len(ends) <= 5:
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(child.pid or 0, number)

    monkeypatch.setattr(Child, "begin", begin_and_be_told)
    kill(running, "a")
    until(lambda: len(ends) == 6 and a.phase is Phase.RUNNING)
    assert ends == ["ended with status -9", *["ended with status 0"] * 5]


# Restarts by operators -----------------------------------------------------------------------------------


def test_a_process_can_ask_for_the_restart_of_another(ear: Ear, supervise: Supervise) -> None:
    """An orderly stop, and no failure: not even one would be tolerated here."""
    strict = Policy(restarts=0, exhausted=Exhausted.ESCALATE)
    running = supervise(
        worker(ear, "a", policy=strict), worker(ear, "b", Part(restarts=("a", "nobody")), policy=strict)
    )
    assert ear.hear("a", "stopped").pid != ear.hear("a", "ready").pid
    assert running.child("a").restarts == 1
    assert running.child("b").restarts == 0


def test_a_worker_can_be_restarted_while_it_starts(ear: Ear, supervise: Supervise) -> None:
    strict = Policy(restarts=0, exhausted=Exhausted.ESCALATE)
    running = supervise(
        worker(ear, "a", policy=strict),
        worker(ear, "b", Part(restarts=("b",), gets_ready=False), policy=strict),
    )
    assert len({ear.hear("b", "born").pid for _ in range(3)}) == 3
    assert running.root.failure == ""


def test_a_restart_asked_for_during_the_stop_changes_nothing(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a"), worker(ear, "b", Part(stop_takes=0.2)))
    running.wait_until_ready()
    running.root.request_stop()
    running.root._restart("a")
    assert running.end() == 0


# Sockets and files ---------------------------------------------------------------------------------------


def test_no_connection_is_refused_while_a_door_restarts(ear: Ear, supervise: Supervise) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        spec = ProcessSpec("door", serve, (Mouth(ear.path, "door"), listener), GENEROUS)
        running = supervise(spec)
        running.wait_until_ready()
        served, pids, deaths = 0, set(), 0
        while deaths < 3:
            with socket.create_connection(listener.getsockname(), timeout=20) as client:
                pid = client.recv(16)  # empty if the door was killed with the connection in hand
            served += bool(pid)
            pids.add(pid)
            if served % 50 == 49:
                served, deaths = 0, deaths + 1
                kill(running, "door")
    assert len(pids - {b""}) >= 3


def test_the_root_keeps_no_file_open_over_fifty_restarts(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a"))
    running.wait_until_ready()
    pid = ear.hear("a", "ready").pid
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(50):
        os.kill(pid, signal.SIGKILL)
        pid = ear.hear("a", "ready").pid
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


# The fork server -----------------------------------------------------------------------------------------


def fork_server() -> Any:
    from multiprocessing.forkserver import _forkserver  # noqa: PLC0415 - to be killed

    return _forkserver._forkserver_pid  # type: ignore[attr-defined]  # private


def test_the_death_of_the_fork_server_harms_no_worker(
    ear: Ear, supervise: Supervise, caplog: pytest.LogCaptureFixture
) -> None:
    running = supervise(worker(ear, "a"), worker(ear, "b"))
    running.wait_until_ready()
    a, b = (news.pid for news in ear.count(2, "ready"))
    with caplog.at_level(logging.WARNING):
        server = fork_server()
        os.kill(server, signal.SIGKILL)
        until(lambda: len(caplog.messages) == 2)
        until(lambda: fork_server() not in {server, None})
    assert sorted(caplog.messages) == [f"{name} lives on without its fork server" for name in "ab"]
    assert (running.child("a").pid, running.child("b").pid) == (a, b)

    os.kill(a, signal.SIGKILL)
    assert ear.hear("a", "ready").pid != a
    assert running.child("b").pid == b
    assert running.stop() == 0
    assert ear.count(2, "stopped")


def test_without_a_fork_server_a_worker_that_hangs_is_still_replaced(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a", patience=Patience(heartbeat=0.5)))
    running.wait_until_ready()
    pid = ear.hear("a", "ready").pid
    os.kill(fork_server(), signal.SIGKILL)
    os.kill(pid, signal.SIGSTOP)
    assert ear.hear("a", "ready").pid != pid
    assert wait_for_end(pid)


def test_a_worker_that_cannot_be_started_is_tried_again(
    ear: Ear, supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = supervise(worker(ear, "a"), worker(ear, "b"))
    running.wait_until_ready()
    ear.count(2, "ready")
    started: list[str] = []
    start = running.root._context.Process.start

    def fail_twice(process: Any) -> None:
        started.append(process.name)
        if len(started) <= 2:
            raise EOFError("unexpected EOF")
        start(process)

    monkeypatch.setattr(running.root._context.Process, "start", fail_twice)
    kill(running, "a")
    ear.hear("a", "ready")
    assert started == ["a", "a", "a"]


def test_a_fault_of_the_root_leaves_no_worker_behind(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a"), worker(ear, "b"))
    pids = [news.pid for news in ear.count(2, "ready")]
    running.wait_until_ready()
    running.root._on_word = None  # type: ignore[assignment, method-assign]  # the fault
    running.end()
    assert isinstance(running.error, TypeError)
    assert all(wait_for_end(pid) for pid in pids)


# A service of its own ------------------------------------------------------------------------------------


def test_when_the_root_is_killed_nothing_of_the_service_is_left(ear: Ear, program: RunProgram) -> None:
    service = program("good")
    ear.hear("root", "ready")
    family = service.family()
    assert len(family) == 4, "two workers, the fork server, the resource tracker"
    service.process.kill()
    assert sorted(news.who for news in ear.count(2, "stopped")) == ["one", "two"]
    assert all(wait_for_end(pid) for pid in family)


def test_a_worker_that_hangs_ends_too_when_the_root_is_killed(ear: Ear, program: RunProgram) -> None:
    service = program("stubborn")
    ear.hear("root", "ready")
    family = service.family()
    service.process.kill()
    assert all(wait_for_end(pid) for pid in family)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_root_stops_the_service_with_status_0(
    ear: Ear, program: RunProgram, number: signal.Signals
) -> None:
    service = program("good")
    ear.hear("root", "ready")
    family = service.family()
    service.process.send_signal(number)
    assert service.end() == 0
    assert [news.who for news in ear.count(2, "stopped")] == ["two", "one"]
    assert all(wait_for_end(pid) for pid in family)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_every_process_of_the_service_is_an_orderly_stop_as_well(
    ear: Ear, program: RunProgram, number: signal.Signals
) -> None:
    service = program("slow")
    ear.hear("root", "ready")
    os.killpg(service.process.pid, number)
    assert service.end() == 0
    assert sorted(news.who for news in ear.count(2, "stopped")) == ["one", "two"]


def test_a_second_signal_ends_the_service_at_once(ear: Ear, program: RunProgram) -> None:
    service = program("stubborn")
    ear.hear("root", "ready")
    family = service.family()
    service.process.terminate()
    service.process.terminate()
    assert service.end() == 0
    assert all(wait_for_end(pid) for pid in family)


def test_a_service_that_gives_up_ends_with_status_70(ear: Ear, program: RunProgram) -> None:
    assert program("failing").end() == 70
    ear.hear("one", "stopped")


# Watching the watcher ------------------------------------------------------------------------------------


def test_a_root_whose_loop_turns_is_on_time(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a"))
    running.wait_until_ready()
    assert running.root.on_time


def test_one_that_has_let_a_deadline_pass_is_not(ear: Ear, supervise: Supervise) -> None:
    running = supervise(worker(ear, "a"))
    running.wait_until_ready()
    hung = root_module.Root([worker(ear, "b")])
    (child,) = hung.children
    child.process, child.deadline = running.child("a").process, time.monotonic() - 2 * root_module.OVERSLEPT
    assert not hung.on_time
    child.process = None  # it is another root's
    hung._leave_nobody()
