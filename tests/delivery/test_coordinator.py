"""One pass over the members of a group, in both manners."""

import pytest

from pushserver.delivery.coordinator import Coordinator, Outcome
from pushserver.domain import Manner

EVERYONE, FIRST_SUCCESS = Manner
SUCCESS, FAILURE, HOPELESS = Outcome


def test_everyone_starts_at_once_in_order() -> None:
    assert Coordinator(EVERYONE, "abc").start() == ("a", "b", "c")


def test_everyone_goes_on_whatever_becomes_of_the_others() -> None:
    group = Coordinator(EVERYONE, "abc")
    group.start()
    assert [group.end("b", HOPELESS), group.end("a", FAILURE)] == [(), ()]
    assert (set(group.under_way), group.finished) == ({"c"}, False)
    group.end("c", SUCCESS)
    assert (set(group.under_way), group.finished) == (set(), True)
    assert group.succeeded


def test_first_success_starts_the_first_alone() -> None:
    group = Coordinator(FIRST_SUCCESS, "abc")
    assert group.start() == ("a",)
    assert group.start() == ()


def test_first_success_moves_on_at_once_after_a_failure() -> None:
    group = Coordinator(FIRST_SUCCESS, "abc")
    group.start()
    assert group.end("a", FAILURE) == ("b",)
    assert group.end("b", FAILURE) == ("c",)
    assert group.end("c", FAILURE) == ()
    assert group.finished
    assert not group.succeeded


@pytest.mark.parametrize(("outcome", "succeeded"), [(SUCCESS, True), (HOPELESS, False)])
def test_first_success_skips_the_rest_when_one_has_settled_it(outcome: Outcome, succeeded: bool) -> None:
    group = Coordinator(FIRST_SUCCESS, "abc")
    group.start()
    group.end("a", FAILURE)
    assert group.end("b", outcome) == ()
    assert group.finished
    assert group.succeeded is succeeded


def test_a_pass_is_taken_up_behind_those_that_have_ended() -> None:
    group = Coordinator(FIRST_SUCCESS, "abc", {"a": FAILURE})
    assert group.start() == ("b",)


def test_everyone_that_has_not_ended_is_started_when_a_pass_is_taken_up() -> None:
    assert Coordinator(EVERYONE, "abc", {"b": SUCCESS}).start() == ("a", "c")


@pytest.mark.parametrize("settled", [SUCCESS, HOPELESS])
def test_a_settled_pass_that_is_taken_up_starts_nobody(settled: Outcome) -> None:
    group = Coordinator(FIRST_SUCCESS, "abc", {"a": settled})
    assert group.finished
    assert group.start() == ()


def test_what_is_known_of_strangers_is_of_no_interest() -> None:
    group = Coordinator(FIRST_SUCCESS, "ab", {"z": SUCCESS})
    assert not group.succeeded
    assert group.start() == ("a",)


def test_who_is_passed_over_gives_its_turn_to_the_next() -> None:
    group = Coordinator(FIRST_SUCCESS, "ab")
    assert group.start() == ("a",)
    assert group.pass_over("a") == ("b",)
    assert not group.stranded
    assert group.end("b", SUCCESS) == ()
    assert group.finished


def test_when_only_those_passed_over_are_left_one_is_waited_for() -> None:
    group = Coordinator(FIRST_SUCCESS, "abc", {"b": FAILURE})
    group.start()
    assert group.pass_over("a") == ("c",)
    assert group.pass_over("c") == ()
    assert list(group.stranded) == ["a", "c"]
    assert not group.finished
    group.wait_for("c")
    assert not group.stranded
    assert group.end("c", FAILURE) == ()
    assert list(group.stranded) == ["a"]
    group.wait_for("a")
    assert group.end("a", FAILURE) == ()
    assert group.finished


def test_nobody_is_waited_for_once_the_pass_is_settled() -> None:
    group = Coordinator(FIRST_SUCCESS, "ab")
    group.start()
    group.pass_over("a")
    group.end("b", HOPELESS)
    assert not group.stranded
    assert group.finished


@pytest.mark.parametrize("manner", Manner)
def test_a_group_without_members_is_finished(manner: Manner) -> None:
    assert Coordinator(manner, "").finished
