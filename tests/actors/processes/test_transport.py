"""Messages between systems: in one process where that is enough, between real ones where processes die."""

import logging
import os
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from actors import (
    ActorFailed,
    ActorNotFound,
    ActorUnavailable,
    Address,
    AskTimeout,
    MailboxFull,
    Reason,
    Undelivered,
)
from actors.processes import CannotTravel, Network, RemoteRef, peer
from actors.processes import handshake as handshake_module
from tests.actors.cast import PATIENCE, Answer, Crash, Echo, Hang, Stage, until
from tests.actors.processes.town import Forward, House, Note, Poison, Refuse, Reveal, Town


def far(house: House, name: str = "resident", process: str = "b") -> Any:
    return house.system.ref_at(Address(process, (name,)))


def tell_all(ref: Any, messages: Sequence[Any]) -> None:
    for message in messages:
        ref.tell(message)


# Ask -----------------------------------------------------------------------------------------------------


def test_an_actor_elsewhere_answers_like_one_next_door(town: Town) -> None:
    a, _ = town.build("a"), town.build("b")
    assert far(a).ask(Echo({"x": (1, "二")}), timeout=PATIENCE) == {"x": (1, "二")}
    assert far(a).ask(Echo(None), timeout=PATIENCE) is None


def test_an_address_of_the_own_process_needs_no_way_out(town: Town) -> None:
    a = town.build("a")
    assert not isinstance(far(a, process="a"), RemoteRef)
    assert isinstance(far(a), RemoteRef)
    assert far(a) == far(a)
    assert repr(far(a)) == "Ref(/b/resident)"


def test_a_returned_exception_is_raised_at_the_asker(town: Town) -> None:
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(KeyError, match="nobody knows it"):
        far(a).ask(Refuse(KeyError("nobody knows it")), timeout=PATIENCE)


def test_a_crash_is_raised_at_the_asker(town: Town) -> None:
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(ActorFailed, match="/b/resident crashed: ValueError: bad"):
        far(a).ask(Crash(ValueError("bad")), timeout=PATIENCE)
    assert far(a).ask(Echo(1), timeout=PATIENCE) == 1


def test_an_error_that_cannot_be_built_again_still_tells_what_happened(town: Town) -> None:
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(ActorFailed, match=r"^Stubborn: one two$"):
        far(a).ask(Reveal("error"), timeout=PATIENCE)


def test_whom_the_other_process_does_not_know_is_not_found_here(town: Town) -> None:
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(ActorNotFound) as raised:
        far(a, "residant").ask(Echo(1), timeout=PATIENCE)
    assert raised.value.address == "/b/residant"
    assert raised.value.near == ("resident",)


def test_an_answer_that_does_not_come_is_waited_for_until_the_deadline(town: Town, stage: Stage) -> None:
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(AskTimeout, match=r"no answer from /b/resident within 0\.1 s"):
        far(a).ask(Hang(), timeout=0.1)
    stage.curtain.set()
    assert far(a).ask(Echo("next"), timeout=PATIENCE) == "next"


def test_two_processes_may_ask_each_other_at_the_same_time(town: Town) -> None:
    a, b = town.build("a"), town.build("b")
    answers: list[int] = []

    def ask(house: House, other: str) -> None:
        answers.extend(far(house, process=other).ask(Echo(number), timeout=PATIENCE) for number in range(200))

    threads = [threading.Thread(target=ask, args=args) for args in ((a, "b"), (b, "a"), (a, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(answers) == sorted([*range(200)] * 3)


# What cannot travel --------------------------------------------------------------------------------------


def test_a_message_that_cannot_be_pickled_fails_at_its_sender_and_the_line_lives_on(town: Town) -> None:
    a, _ = town.build("a"), town.build("b")
    expected = r"Echo cannot go to another process \(TypeError\): expected data of classes"
    with pytest.raises(CannotTravel, match=expected):
        far(a).tell(Echo(threading.Lock()))
    with pytest.raises(CannotTravel, match=expected):
        far(a).ask(Echo(threading.Lock()), timeout=PATIENCE)
    assert far(a).tell_if_awake(Echo(threading.Lock())) is False
    assert far(a).ask(Echo(1), timeout=PATIENCE) == 1


def test_an_answer_that_cannot_be_pickled_is_an_error_at_the_asker(town: Town) -> None:
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(CannotTravel, match="the answer of /b/resident: lock cannot go"):
        far(a).ask(Reveal("lock"), timeout=PATIENCE)
    assert far(a).ask(Echo(1), timeout=PATIENCE) == 1


def test_a_message_that_cannot_be_built_over_there_is_an_error_at_the_asker(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(CannotTravel, match="what came from another process cannot be read"):
        far(a).ask(Poison(), timeout=PATIENCE)
    with caplog.at_level(logging.ERROR):
        far(a).tell(Poison())
        assert far(a).ask(Echo(1), timeout=PATIENCE) == 1
    assert "a Tell from another process could not be taken" in caplog.messages


def test_an_answer_that_cannot_be_built_here_is_an_error_at_the_asker(town: Town) -> None:
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(CannotTravel, match="what came from another process cannot be read"):
        far(a).ask(Reveal("poison"), timeout=PATIENCE)
    assert far(a).ask(Echo(1), timeout=PATIENCE) == 1


# Tell ----------------------------------------------------------------------------------------------------


def test_who_tells_is_told_the_answer(town: Town, stage: Stage) -> None:
    a, _ = town.build("a"), town.build("b")
    here = a.system.ref("resident")
    here.tell(Forward(Address("b", ("resident",)), Echo(Answer("found"))))
    assert stage.answers.get(timeout=PATIENCE) == ("/a/resident", "found")


def test_who_tells_hears_of_a_crash(town: Town, stage: Stage) -> None:
    a, _ = town.build("a"), town.build("b")
    message = Crash(ValueError("bad"))
    a.system.ref("resident").tell(Forward(Address("b", ("resident",)), message))
    notice = stage.notice()
    assert (notice.address, notice.reason) == (Address("b", ("resident",)), Reason.CRASHED)
    assert isinstance(notice.message, Crash)
    assert notice.detail == "ValueError: bad"


def test_who_tells_a_parked_actor_hears_of_it(town: Town, stage: Stage) -> None:
    a, b = town.build("a"), town.build("b")
    with pytest.raises(ActorFailed):
        far(a, "fragile").ask(Crash(ValueError("bad")), timeout=PATIENCE)
    until(lambda: b.system.find(Address("b", ("fragile",))).mailbox.parked != "")  # type: ignore[union-attr]  # it is there
    with pytest.raises(ActorUnavailable, match="parked for"):
        far(a, "fragile").ask(Echo(1), timeout=PATIENCE)
    a.system.ref("resident").tell(Forward(Address("b", ("fragile",)), Note(1)))
    notice = stage.notice()
    assert (notice.message, notice.reason) == (Note(1), Reason.PARKED)


def test_who_tells_one_whose_mailbox_is_full_hears_of_it(town: Town, stage: Stage) -> None:
    a, _ = town.build("a"), town.build("b")
    room = far(a, "room")
    room.tell(Hang())
    stage.wait_until_hanging()
    room.tell(Note(1))
    a.system.ref("resident").tell(Forward(room.address, Note(2)))
    assert stage.notice() == Undelivered(
        room.address, Note(2), Reason.PARKED, "mailbox is full: 1 messages wait"
    )
    with pytest.raises(MailboxFull, match="mailbox is full: 1 messages wait"):
        room.ask(Echo(3), timeout=PATIENCE)


def test_who_tells_nobody_hears_of_it(town: Town, stage: Stage) -> None:
    a, _ = town.build("a"), town.build("b")
    a.system.ref("resident").tell(Forward(Address("b", ("nobody",)), Note(1)))
    notice = stage.notice()
    assert (notice.reason, notice.detail) == (Reason.STOPPED, "no actor at /b/nobody")


def test_a_message_that_goes_round_keeps_its_sender(town: Town, stage: Stage) -> None:
    """From a over b to c: b is the sender of what it forwards, and hears the answer of c."""
    a, _, _ = town.build("a"), town.build("b"), town.build("c")
    far(a).tell(Forward(Address("c", ("resident",)), Echo(Answer("round"))))
    assert stage.answers.get(timeout=PATIENCE) == ("/b/resident", "round")


def test_messages_of_one_sender_arrive_in_order(town: Town, stage: Stage) -> None:
    a, _ = town.build("a"), town.build("b")
    for number in range(5000):
        far(a).tell(Note(number))
    until(lambda: len(stage.seen["/b/resident"]) == 5000)
    assert stage.seen["/b/resident"] == [*range(5000)]


def test_a_control_message_goes_ahead_of_work(town: Town, stage: Stage) -> None:
    a, b = town.build("a"), town.build("b")
    far(a).tell(Hang())
    stage.wait_until_hanging()
    for number in range(3):
        far(a).tell(Note(number))
    far(a).tell(Note("first"), control=True)
    cell = b.system.find(Address("b", ("resident",)))
    assert cell is not None
    until(lambda: len(cell.mailbox) == 3 and len(cell.mailbox._control) == 1)
    stage.curtain.set()
    until(lambda: len(stage.seen["/b/resident"]) == 4)
    assert stage.seen["/b/resident"] == ["first", 0, 1, 2]


def test_a_word_to_one_who_sleeps_wakes_nobody(town: Town) -> None:
    a, b = town.build("a"), town.build("b")
    assert far(a).tell_if_awake(Note(1)) is True
    assert far(a, "fragile").ask(Echo(1), timeout=PATIENCE) == 1
    assert b.system.find(Address("b", ("resident",))) is None


def test_messages_of_five_megabytes_arrive(town: Town) -> None:
    a, _ = town.build("a"), town.build("b")
    message = os.urandom(5_000_000)
    assert far(a).ask(Echo(message), timeout=PATIENCE) == message


# Those who are gone --------------------------------------------------------------------------------------


@pytest.mark.alone
def test_a_process_that_was_never_there_costs_no_wait_and_no_thread(town: Town) -> None:
    a = town.build("a")
    before = threading.active_count()
    begun = time.monotonic()
    with pytest.raises(ActorUnavailable, match="nobody is not there"):
        far(a, process="nobody").ask(Echo(1), timeout=PATIENCE)
    far(a, process="nobody").tell(Note(1))
    far(a, process="nobody").tell_if_awake(Note(1))
    assert time.monotonic() - begun < 1.0
    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["../b", "..", ".", "x/y", "/etc/b"])
def test_a_name_that_is_a_path_leads_nowhere(town: Town, name: str) -> None:
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(ActorUnavailable, match="is not there"):
        far(a, process=name).ask(Echo(1), timeout=PATIENCE)


def test_who_tells_a_process_that_is_gone_hears_of_it(town: Town, stage: Stage) -> None:
    a, b = town.build("a"), town.build("b")
    assert far(a).ask(Echo(1), timeout=PATIENCE) == 1
    b.stop()
    a.system.ref("resident").tell(Forward(Address("b", ("resident",)), Note(1)))
    assert stage.notice() == Undelivered(
        Address("b", ("resident",)), Note(1), Reason.STOPPED, "b cannot be reached"
    )


@pytest.mark.alone
def test_a_process_that_is_gone_is_reported_at_once_and_found_again_when_it_is_back(town: Town) -> None:
    a, b = town.build("a"), town.build("b")
    counts = []
    for number in range(3):
        assert far(a).ask(Echo(number), timeout=PATIENCE) == number
        counts.append(threading.active_count())
        b.stop()
        begun = time.monotonic()
        with pytest.raises(ActorUnavailable, match="/b/resident cannot be reached: b does not answer"):
            far(a).ask(Echo(1), timeout=PATIENCE)
        assert time.monotonic() - begun < 1.0
        b = town.build("b")
    assert far(a).ask(Echo("back"), timeout=PATIENCE) == "back"
    until(lambda: threading.active_count() == counts[0])


def test_who_waits_for_an_answer_of_a_process_that_ends_hears_of_it_at_once(town: Town, stage: Stage) -> None:
    a, b = town.build("a"), town.build("b")
    failure: list[Exception] = []

    def ask() -> None:
        with pytest.raises(ActorUnavailable) as raised:
            far(a).ask(Hang(), timeout=PATIENCE)
        failure.append(raised.value)

    asking = threading.Thread(target=ask)
    asking.start()
    stage.wait_until_hanging()
    b.transport.stop()
    asking.join(PATIENCE)
    assert str(failure[0]) == "/b/resident is gone: b ended, or was restarted"


def test_an_answer_for_a_predecessor_is_no_answer_to_me(town: Town, stage: Stage) -> None:
    """Both have asked as often: only the numbers of their questions tell them apart."""
    a, _ = town.build("a"), town.build("b")
    with pytest.raises(AskTimeout):
        far(a).ask(Hang(), timeout=0.1)
    a.stop()
    again = town.build("a")
    failure: list[Any] = []

    def ask() -> None:
        failure.append(far(again, "room").ask(Hang(), timeout=PATIENCE))

    asking = threading.Thread(target=ask)
    asking.start()
    stage.wait_until_hanging()
    stage.wait_until_hanging()
    assert not set(again.transport._asked) & set(a.transport._asked)
    assert min(again.transport._asked) > 1000
    stage.curtain.set()
    asking.join(PATIENCE)


def test_a_process_that_stops_sends_what_waits_first(town: Town, stage: Stage) -> None:
    a, _ = town.build("a"), town.build("b")
    for number in range(1000):
        far(a).tell(Note(number))
    a.transport.stop(grace=PATIENCE)
    until(lambda: len(stage.seen["/b/resident"]) == 1000)
    with pytest.raises(ActorUnavailable, match="this process is stopping"):
        far(a).tell(Note(1))
    with pytest.raises(ActorUnavailable, match="this process is stopping"):
        far(a, process="c").ask(Note(1), timeout=PATIENCE)


# Those who do not listen ---------------------------------------------------------------------------------


class Deaf:
    """A process that lets others call and does nothing about it; it listens, but never answers."""

    def __init__(self, network: Network, name: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(network.path(name))
        self.socket.listen(1)


@pytest.mark.alone
def test_telling_never_blocks_and_what_waits_is_bounded(
    town: Town, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = town.build("a")
    monkeypatch.setattr(peer, "CAPACITY", 1000)
    deaf = Deaf(network, "deaf")
    begun = time.monotonic()
    expected = "deaf does not take messages as fast as they come: 1000 messages of"
    with deaf.socket, pytest.raises(MailboxFull, match=expected):
        tell_all(far(a, process="deaf"), [Note(number) for number in range(1000 + peer.BATCH + 1)])
    assert time.monotonic() - begun < 5.0


def test_what_waits_is_bounded_in_bytes_too(
    town: Town, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = town.build("a")
    monkeypatch.setattr(peer, "CAPACITY_BYTES", 3_000_000)
    deaf = Deaf(network, "deaf")
    with deaf.socket, pytest.raises(MailboxFull):
        tell_all(far(a, process="deaf"), [Note(b"x" * 1_000_000)] * 8)


def test_a_deaf_process_costs_an_asker_the_deadline_and_others_nothing(town: Town, network: Network) -> None:
    a, _ = town.build("a"), town.build("b")
    deaf = Deaf(network, "deaf")
    with deaf.socket:
        with pytest.raises(AskTimeout):
            far(a, process="deaf").ask(Echo(1), timeout=0.2)
        assert far(a).ask(Echo(1), timeout=PATIENCE) == 1


def test_a_caller_who_says_nothing_holds_up_nobody_and_is_hung_up_on(
    town: Town, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake_module, "TIMEOUT", 0.2)
    a, _ = town.build("a"), town.build("b")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(network.path("b"))
        silent.settimeout(PATIENCE)
        assert far(a).ask(Echo(1), timeout=PATIENCE) == 1
        while silent.recv(4096):
            pass


def test_a_caller_who_talks_nonsense_is_refused(
    town: Town, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    town.build("b")
    with caplog.at_level(logging.WARNING), socket.socket(socket.AF_UNIX) as babbler:
        babbler.connect(network.path("b"))
        babbler.sendall(b"GET / HTTP/1.1\r\nHost: b\r\n\r\n" * 10)
    until(lambda: any(message.startswith("a call was refused") for message in caplog.messages))


def test_a_process_that_hangs_up_on_a_caller_is_gone_and_found_again_when_it_is_back(
    town: Town, network: Network
) -> None:
    """As one that dies in the middle of the handshake."""
    a = town.build("a")
    with socket.socket(socket.AF_UNIX) as rude:
        rude.bind(network.path("b"))
        rude.listen()

        def hang_up() -> None:
            rude.accept()[0].close()

        hanging_up = threading.Thread(target=hang_up)
        hanging_up.start()
        with pytest.raises(ActorUnavailable, match="b does not answer"):
            far(a).ask(Echo(1), timeout=PATIENCE)
        hanging_up.join(PATIENCE)
    town.build("b")
    assert far(a).ask(Echo(1), timeout=PATIENCE) == 1


def test_who_has_another_key_is_refused_and_learns_only_that(
    town: Town, network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    town.build("b")
    stranger = Town(town.stage, Network(network.directory, b"another key"))
    try:
        with caplog.at_level(logging.DEBUG):
            with pytest.raises(ActorUnavailable):
                far(stranger.build("x")).ask(Echo(1), timeout=PATIENCE)
            # The one that refuses says so on a thread of its own, perhaps after the one that asked has heard.
            refused = "a call was refused: the other process does not know the key, or has ended"
            until(lambda: refused in caplog.messages)
    finally:
        stranger.close()
    assert "secret" not in caplog.text
    assert "another key" not in caplog.text


def test_the_key_is_not_shown(network: Network) -> None:
    assert "secret" not in repr(network)


def test_a_listener_that_cannot_take_a_call_takes_the_next_one(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    a, b = town.build("a"), town.build("b")
    take = b.transport._take_call
    failures = [OSError(24, "Too many open files"), RuntimeError("can't start new thread")]

    def take_call(listener: socket.socket) -> None:
        take(listener)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(b.transport, "_take_call", take_call)
    for name in ("c", "d", "e"):
        assert far(town.build(name)).ask(Echo(name), timeout=PATIENCE) == name
    assert far(a).ask(Echo("a"), timeout=PATIENCE) == "a"
    assert not failures


def test_a_directory_with_too_long_a_path_is_an_error_at_the_start(town: Town, tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    other = Town(town.stage, Network(str(deep), b"a secret"))
    with pytest.raises(OSError, match="AF_UNIX path too long"):
        other.build("a")
    other.close()
