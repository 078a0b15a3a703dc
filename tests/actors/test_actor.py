import threading
from collections.abc import Callable, Sequence
from typing import Any

import pykka
import pytest

from actors import (
    Actor,
    ActorFailed,
    ActorUnavailable,
    AskTimeout,
    ChildSpec,
    Context,
    Letter,
    ManualClock,
    Reason,
    receives,
)
from tests.actors.cast import (
    PATIENCE,
    Answer,
    Crash,
    Defer,
    Echo,
    End,
    Forward,
    Hang,
    Remind,
    Resume,
    Settle,
    Stage,
    Troupe,
    begin_restart,
    cell_of,
    flush,
)
from tests.actors.conftest import Run

# Dispatch and answers --------------------------------------------------------------------------------


def test_a_message_goes_to_the_handler_of_its_type_and_its_value_is_the_answer(
    run: Run, troupe: Troupe
) -> None:
    system = run({"a": troupe.player()})
    assert system.ref("a").ask(Echo(42), PATIENCE) == 42


def test_a_message_that_nobody_handles_is_a_crash_that_names_what_is_handled(
    run: Run, troupe: Troupe
) -> None:
    system = run({"a": troupe.player()})
    what = f"{troupe.cast.__name__} got a int; it handles: Answer, Crash, Defer, Echo"
    with pytest.raises(ActorFailed, match=what):
        system.ref("a").ask(7, PATIENCE)


def test_handlers_are_inherited_overridden_and_mixed_in(run: Run) -> None:
    class Counting:
        @receives(int)
        def count(self, message: int) -> str:
            return f"counted {message}"

    class Base(Actor):
        @receives(str)
        def text(self, message: str) -> str:
            return "base"

        @receives(bytes)
        def raw(self, message: bytes) -> str:
            return "raw"

    class Derived(Counting, Base):
        def text(self, message: str) -> str:
            return "derived"

    system = run({"base": ChildSpec("base", Base), "derived": ChildSpec("derived", Derived)})
    derived = system.ref("derived")
    assert [derived.ask(message, PATIENCE) for message in ("x", b"x", 1)] == ["derived", "raw", "counted 1"]
    assert system.ref("base").ask("x", PATIENCE) == "base"


def test_a_returned_exception_is_raised_at_the_asker_and_harms_nobody(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player()})
    with pytest.raises(ValueError, match="bad input"):
        system.ref("a").ask(Echo(ValueError("bad input")), PATIENCE)
    assert system.ref("a").ask(Echo(1), PATIENCE) == 1
    assert stage.lives["a"] == 1


def test_a_teller_is_told_the_answer(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    system.ref("a").tell(Forward(("b",), Echo(Answer("hello"))))
    assert stage.answers.get(timeout=PATIENCE) == ("a", "hello")


def test_a_returned_exception_crashes_no_teller(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    system.ref("a").tell(Forward(("b",), Echo(ValueError("bad input"))))
    system.ref("a").tell(Forward(("b",), Echo(Answer("after"))))
    assert stage.answers.get(timeout=PATIENCE) == ("a", "after")
    assert stage.lives["a"] == 1


def test_bad_news_that_an_actor_has_no_handler_for_does_not_crash_it(run: Run, troupe: Troupe) -> None:
    class Deaf(Actor):
        @receives(str)
        def send(self, message: str) -> None:
            self.tell(bad, Crash(ValueError(message)))

        @receives(int)
        def alive(self, message: int) -> int:
            return message

    system = run({"deaf": ChildSpec("deaf", Deaf), "bad": troupe.player()})
    bad = system.ref("bad")
    system.ref("deaf").tell("boo")
    assert system.ref("deaf").ask(1, PATIENCE) == 1
    with pytest.raises(ActorFailed):
        bad.ask(Crash(ValueError("again")), PATIENCE)
    assert system.ref("deaf").ask(2, PATIENCE) == 2
    assert cell_of(system, "deaf").record.failures == 0


def test_an_asker_waits_no_longer_than_it_says(run: Run, troupe: Troupe) -> None:
    system = run({"a": troupe.player()})
    with pytest.raises(AskTimeout, match=r"no answer from /p/a within 0\.01 s"):
        system.ref("a").ask(Hang(), 0.01)


# Crashes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit("x"), KeyboardInterrupt("x")])
def test_a_crash_of_any_kind_is_the_askers_answer_and_ends_this_actor_alone(
    run: Run, troupe: Troupe, stage: Stage, error: BaseException
) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    system.ref("b").ask(Echo(0), PATIENCE)
    with pytest.raises(ActorFailed, match=f"/p/a crashed: {type(error).__name__}: x"):
        system.ref("a").ask(Crash(error), PATIENCE)
    assert stage.ended.get(timeout=PATIENCE) == ("a", type(error).__name__)
    assert system.ref("a").ask(Echo(1), PATIENCE) == 1
    assert system.ref("b").ask(Echo(2), PATIENCE) == 2
    assert stage.lives == {"a": 2, "b": 1}


def test_the_sender_of_the_crashing_message_is_told_with_the_message(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    crash = Crash(ValueError("boo"))
    system.ref("a").tell(Forward(("b",), crash))
    notice = stage.notice()
    assert (str(notice.address), notice.message, notice.reason, notice.detail) == (
        "/p/b",
        crash,
        Reason.CRASHED,
        "ValueError: boo",
    )


def test_a_start_that_fails_is_tried_again_and_the_message_waits(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    stage.failing_starts["a"] = [ValueError("not yet"), ValueError("not yet")]
    system = run({"a": troupe.player()})
    assert system.ref("a").ask(Echo(1), PATIENCE) == 1
    assert stage.lives["a"] == 3
    assert cell_of(system, "a").record.failures == 2


def test_a_constructor_that_fails_is_a_life_that_ended(run: Run) -> None:
    attempts: list[int] = []

    class Fragile(Actor):
        def __init__(self, context: Context) -> None:
            super().__init__(context)
            attempts.append(1)
            if len(attempts) < 2:
                raise SystemExit("not yet")

        @receives(int)
        def echo(self, message: int) -> int:
            return message

    system = run({"a": ChildSpec("fragile", Fragile)})
    assert system.ref("a").ask(1, PATIENCE) == 1
    assert len(attempts) == 2


def test_an_end_that_fails_is_a_failure_and_harms_no_restart(run: Run, troupe: Troupe, stage: Stage) -> None:
    stage.failing_stops["a"] = [ValueError("cannot close")]
    system = run({"a": troupe.player()})
    system.ref("a").ask(Echo(0), PATIENCE)
    assert system.restart(system.ref("a").address) == 1
    assert system.ref("a").ask(Echo(1), PATIENCE) == 1
    assert cell_of(system, "a").record.last_error == "ValueError: cannot close"


# Deferred answers ------------------------------------------------------------------------------------


def test_a_deferred_ask_is_answered_when_it_is_settled_not_before(run: Run, troupe: Troupe) -> None:
    system = run({"a": troupe.player()})
    a = system.ref("a")
    answer: list[Any] = []
    asker = threading.Thread(target=lambda: answer.append(a.ask(Defer(), PATIENCE)))
    asker.start()
    cell = cell_of(system, "a")
    while not (cell.context is not None and cell.context.deferred):
        a.ask(Echo(0), PATIENCE)
    assert answer == []
    a.tell(Settle("at last"))
    asker.join(PATIENCE)
    assert answer == ["at last"]
    assert not cell.context.deferred


def test_a_deferred_tell_is_answered_when_it_is_settled(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    system.ref("a").tell(Forward(("b",), Defer()))
    system.ref("a").ask(Echo(0), PATIENCE)
    system.ref("b").tell(Settle(Answer("at last")))
    assert stage.answers.get(timeout=PATIENCE) == ("a", "at last")


def test_who_waits_for_a_deferred_answer_is_told_of_a_crash_on_another_message(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    system.ref("a").tell(Forward(("b",), Defer()))
    system.ref("a").ask(Echo(0), PATIENCE)
    system.ref("b").tell(Crash(ValueError("boo")))
    notice = stage.notice()
    assert (notice.message, notice.reason) == (Defer(), Reason.RESTARTED)


def test_a_message_taken_in_hand_again_shares_the_fate_of_the_one_being_handled(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    system.ref("a").tell(Forward(("b",), Defer()))
    system.ref("a").ask(Echo(0), PATIENCE)
    system.ref("b").tell(Resume(Crash(ValueError("boo"))))
    notice = stage.notice()
    assert (notice.message, notice.reason) == (Defer(), Reason.CRASHED)


def test_a_message_in_hand_again_is_stuck_when_its_actor_is(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player(), "b": troupe.player(deadline=10.0)}, clock=clock)
    system.ref("a").tell(Forward(("b",), Defer()))
    system.ref("a").ask(Echo(0), PATIENCE)
    system.ref("b").tell(Resume(Hang()))
    stage.wait_until_hanging()
    clock.advance(11.0)
    notice = stage.notice()
    assert (notice.message, notice.reason) == (Defer(), Reason.STUCK)


def test_a_message_in_hand_again_is_answered_as_usual(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()})
    system.ref("a").tell(Forward(("b",), Defer()))
    system.ref("a").ask(Echo(0), PATIENCE)
    system.ref("b").tell(Resume(Settle(Answer("at last"))))
    assert stage.answers.get(timeout=PATIENCE) == ("a", "at last")
    system.ref("b").tell(Crash(ValueError("boo")))
    system.ref("b").ask(Echo(0), PATIENCE)
    assert stage.notices.empty()


def test_deferring_and_crashing_on_one_message_is_told_once(run: Run, stage: Stage, troupe: Troupe) -> None:
    class Torn(Actor):
        @receives(Echo)
        def handle(self, _: Echo) -> None:
            self.defer()
            raise ValueError("torn")

    system = run({"a": troupe.player(), "torn": ChildSpec("torn", Torn)})
    system.ref("a").tell(Forward(("torn",), Echo(1)))
    assert stage.notice().reason is Reason.CRASHED
    flush(system)
    system.ref("a").ask(Echo(0), PATIENCE)
    assert stage.notices.empty()


# Batches ---------------------------------------------------------------------------------------------


class Batcher(Actor):
    """Shows which messages it was handed together."""

    def __init__(self, context: Context, gate: threading.Event, batches: list[list[Any]]) -> None:
        super().__init__(context)
        self._gate = gate
        self._batches = batches

    def on_start(self) -> None:
        self._gate.wait(PATIENCE)

    def receive_batch(self, letters: Sequence[Letter]) -> None:
        self._batches.append([letter.message for letter in letters])
        for letter in letters:
            if letter.message == "crash":
                raise ValueError("boo")
            self.answer(letter, letter.message)


def test_what_waits_is_handed_over_up_to_the_batch_size(run: Run) -> None:
    gate, batches = threading.Event(), list[list[Any]]()
    system = run({"a": ChildSpec("batcher", lambda c: Batcher(c, gate, batches), batch=3)})
    for number in range(7):
        system.ref("a").tell(number)
    gate.set()
    system.ref("a").ask("last", PATIENCE)
    assert [message for batch in batches for message in batch] == [0, 1, 2, 3, 4, 5, 6, "last"]
    assert batches[:2] == [[0, 1, 2], [3, 4, 5]]


def test_a_batch_that_fails_fails_those_of_its_letters_that_were_not_answered(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    gate, batches = threading.Event(), list[list[Any]]()
    system = run(
        {"a": troupe.player(), "b": ChildSpec("batcher", lambda c: Batcher(c, gate, batches), batch=3)}
    )
    for message in (Answer("first"), "crash", Answer("third")):
        system.ref("a").tell(Forward(("b",), message))
    system.ref("a").ask(Echo(0), PATIENCE)
    gate.set()
    assert [stage.notice().message, stage.notice().message] == ["crash", Answer("third")]
    assert stage.answers.get(timeout=PATIENCE) == ("a", "first")
    flush(system)
    assert stage.notices.empty()


def test_a_letter_of_a_batch_may_be_deferred(run: Run, troupe: Troupe) -> None:
    class Later(Actor):
        def receive_batch(self, letters: Sequence[Letter]) -> None:
            for letter in letters:
                self.defer(letter)
            for letter in letters:
                self.settle(letter, f"settled {letter.message}")

    system = run({"a": ChildSpec("later", Later, batch=8)})
    assert system.ref("a").ask(1, PATIENCE) == "settled 1"


# Timers ----------------------------------------------------------------------------------------------


def test_a_reminder_comes_when_its_time_has_come(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player()}, clock=clock)
    system.ref("a").ask(Remind(60.0, Answer("wake up")), PATIENCE)
    clock.advance(59.0)
    flush(system)
    assert stage.answers.empty()
    clock.advance(1.0)
    assert stage.answers.get(timeout=PATIENCE) == ("a", "wake up")


def test_a_reminder_is_forgotten_with_the_life_that_wanted_it(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    system = run({"a": troupe.player()}, clock=clock)
    system.ref("a").ask(Remind(60.0, Answer("wake up")), PATIENCE)
    assert begin_restart(system, "a").wait(PATIENCE)
    clock.advance(61.0)
    flush(system)
    system.ref("a").ask(Echo(0), PATIENCE)
    assert stage.answers.empty()


def test_reminders_at_once_do_not_starve_work(run: Run) -> None:
    class Restless(Actor):
        def on_start(self) -> None:
            self.again("again")

        @receives(str)
        def again(self, message: str) -> None:
            self.after(0, message)

        @receives(int)
        def echo(self, message: int) -> int:
            return message

    system = run({"a": ChildSpec("restless", Restless)})
    assert [system.ref("a").ask(number, PATIENCE) for number in range(50)] == list(range(50))


# Stuck, and speech of the replaced -------------------------------------------------------------------


def test_a_handler_that_waits_unhurried_is_not_stuck(
    run: Run, troupe: Troupe, stage: Stage, clock: ManualClock
) -> None:
    class Patient(Actor):
        @receives(str)
        def wait(self, message: str) -> str:
            with self.unhurried():
                stage.hanging.release()
                stage.curtain.wait(PATIENCE)
            return message

    system = run({"a": ChildSpec("patient", Patient, deadline=5.0)}, clock=clock)
    answers: list[str] = []
    asker = threading.Thread(target=lambda: answers.append(system.ref("a").ask("done", PATIENCE)))
    asker.start()
    stage.wait_until_hanging()
    clock.advance(1000.0)
    flush(system)
    stage.curtain.set()
    asker.join(PATIENCE)
    assert answers == ["done"]
    assert cell_of(system, "a").record.restarts == 0


def test_one_that_has_been_replaced_can_neither_tell_nor_answer_nor_settle(
    run: Run, stage: Stage, troupe: Troupe, clock: ManualClock
) -> None:
    tried: list[str] = []
    over = threading.Event()

    class Ghost(Actor):
        @receives(Echo)
        def haunt(self, message: Echo) -> None:
            letter = self.defer()
            stage.hanging.release()
            stage.curtain.wait(PATIENCE)
            speeches: list[Callable[[], None]] = [
                lambda: self.tell(system.ref("a"), Answer("boo")),
                lambda: self.settle(letter, Answer("boo")),
                lambda: self.answer(letter, Answer("boo")),
            ]
            for speak in speeches:
                try:
                    speak()
                except BaseException as error:  # noqa: BLE001 - what is raised is what is tested
                    tried.append(type(error).__name__)

        def on_stop(self) -> None:
            over.set()

    system = run({"a": troupe.player(), "ghost": ChildSpec("ghost", Ghost, deadline=5.0)}, clock=clock)
    system.ref("a").tell(Forward(("ghost",), Echo(1)))
    stage.wait_until_hanging()
    clock.advance(6.0)
    assert stage.notice().reason is Reason.STUCK
    stage.curtain.set()
    assert over.wait(PATIENCE)
    assert tried == ["Fenced", "Fenced", "Fenced"]
    system.ref("a").ask(Echo(0), PATIENCE)
    assert stage.answers.empty()
    assert stage.notices.empty()


# Pykka's own ways ------------------------------------------------------------------------------------


def pykka_ref(stage: Stage, name: str) -> pykka.ActorRef[Any]:
    return stage.players[name].actor_ref


def test_pykkas_own_refs_and_proxies_reach_the_actor(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player()})
    system.ref("a").ask(Echo(0), PATIENCE)
    ref = pykka_ref(stage, "a")
    assert ref.ask(Echo("asked"), timeout=PATIENCE) == "asked"
    assert ref.proxy().greet("Ada").get(timeout=PATIENCE) == "good evening, Ada"
    assert ref.is_alive()


def test_pykkas_own_stop_is_an_orderly_end(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player()})
    system.ref("a").ask(Echo(0), PATIENCE)
    pykka_ref(stage, "a").stop(block=False)
    assert stage.ended.get(timeout=PATIENCE) == ("a", "stopped")
    assert system.ref("a").ask(Echo(1), PATIENCE) == 1
    assert cell_of(system, "a").record.failures == 0


def test_a_proxied_call_that_raises_is_a_crash_and_the_callers_answer(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player()})
    system.ref("a").ask(Echo(0), PATIENCE)
    with pytest.raises(ActorFailed, match="TypeError"):
        pykka_ref(stage, "a").proxy().greet().get(timeout=PATIENCE)


def test_actors_are_not_in_pykkas_registry(run: Run, troupe: Troupe) -> None:
    system = run({"a": troupe.player()})
    system.ref("a").ask(Echo(0), PATIENCE)
    assert pykka.ActorRegistry.get_all() == []


def test_an_actor_that_ends_by_itself_is_restarted_with_its_mailbox(
    run: Run, troupe: Troupe, stage: Stage
) -> None:
    system = run({"a": troupe.player()})
    system.ref("a").tell(End())
    assert [system.ref("a").ask(Echo(number), PATIENCE) for number in range(3)] == [0, 1, 2]
    assert stage.lives["a"] == 2


def test_an_answer_to_a_system_that_is_stopping_is_no_crash(run: Run, troupe: Troupe, stage: Stage) -> None:
    system = run({"a": troupe.player(), "b": troupe.player()}, starts=("b", "a"))
    system.ref("a").tell(Forward(("b",), Hang()))
    stage.wait_until_hanging()
    stopped: list[bool] = []
    stopper = threading.Thread(target=lambda: stopped.append(system.stop(grace=PATIENCE)))
    stopper.start()
    assert stage.ended.get(timeout=PATIENCE) == ("a", "stopped")
    stage.curtain.set()
    stopper.join(PATIENCE)
    assert stopped == [True]
    with pytest.raises(ActorUnavailable):
        system.ref("a").tell(Echo(1))
