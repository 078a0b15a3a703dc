from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Row

from pushserver.domain import (
    VERDICTS,
    Attempt,
    Delivered,
    EndpointBroken,
    MessageRefused,
    PlatformName,
    RateLimited,
    RefusedHere,
    RefusedMailbox,
    Target,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.store import TaskTable, codec
from tests.store.samples import ROBOT, a_task, an_attempt

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
any_texts = st.text(max_size=30)
codes = st.none() | st.integers() | any_texts
common: dict[str, st.SearchStrategy[Any]] = {"code": codes, "detail": texts}
mailboxes = st.builds(RefusedMailbox, email=any_texts, code=st.none() | st.integers(), reason=any_texts)
seconds = st.floats(min_value=0, max_value=1e9)
verdicts: st.SearchStrategy[Verdict] = st.one_of(
    st.builds(
        Delivered,
        refused=st.lists(mailboxes, max_size=3).map(tuple),
        deferred=st.lists(any_texts, max_size=3).map(tuple),
        **common,
    ),
    st.builds(
        RateLimited,
        waits=st.lists(seconds, max_size=4).map(tuple),
        whole_platform=st.booleans(),
        retries=st.none() | st.integers(0, 9),
        **common,
    ),
    st.builds(Transient, retries=st.none() | st.integers(0, 9), **common),
    st.builds(EndpointBroken, **common),
    st.builds(RefusedHere, **common),
    st.builds(MessageRefused, **common),
    st.builds(Uncertain, again=st.booleans(), **common),
)
attempts = st.builds(
    Attempt,
    task_id=st.just("t"),
    target=st.builds(Target, st.sampled_from(PlatformName), texts),
    round=st.integers(1, 9),
    number=st.integers(1, 9),
    verdict=verdicts,
    started_at=st.datetimes(timezones=st.just(UTC)),
    duration=seconds,
    fallback=st.booleans(),
    only=st.lists(any_texts, max_size=3).map(tuple),
    digest=st.integers(0, 500),
)


def row_of(columns: dict[str, Any]) -> Row[Any]:
    return cast("Row[Any]", SimpleNamespace(**columns))


@given(verdict=verdicts)
def test_every_verdict_comes_back_as_it_was(verdict: Verdict) -> None:
    columns = codec.verdict_to_columns(verdict)
    assert codec.verdict_from_columns(**columns) == verdict


@given(attempt=attempts)
def test_every_attempt_comes_back_as_it_was(attempt: Attempt) -> None:
    assert codec.attempt_from_row(row_of(codec.attempt_to_row(attempt))) == attempt


def test_the_database_between_changes_nothing(connection: Connection) -> None:
    verdicts: tuple[Verdict, ...] = (
        Delivered(refused=(RefusedMailbox("a@x", 550, "没有此人"),), deferred=("b@x",)),
        RateLimited(waits=(1.5, 60.0), whole_platform=True, code=11232),
        Transient(code="30", detail="超时", retries=1),
        EndpointBroken(code=30),
        RefusedHere(),
        MessageRefused(detail="too long"),
        Uncertain(again=False),
    )
    made = [an_attempt("t", number=number, verdict=verdict) for number, verdict in enumerate(verdicts, 1)]
    with connection.begin():
        table = TaskTable(connection)
        table.insert([a_task("t")])
        table.record([(attempt, "") for attempt in made])
        stored = table.fetch("t")
    assert {verdict.kind for verdict in verdicts} == set(VERDICTS)
    assert stored is not None
    assert stored.attempts == tuple(made)


def test_a_number_and_a_text_with_the_same_digits_stay_two_codes() -> None:
    assert codec.verdict_to_columns(EndpointBroken(code=30))["code"] == "30"
    assert codec.verdict_to_columns(EndpointBroken(code="30"))["code"] == '"30"'


def test_what_a_verdict_has_nothing_to_say_about_is_null() -> None:
    assert codec.verdict_to_columns(Delivered()) == {
        "kind": "delivered",
        "code": None,
        "detail": "",
        "data": None,
    }


def test_moments_keep_their_microseconds_in_any_time_zone() -> None:
    moment = datetime(2026, 1, 2, 20, 0, 0, 1, tzinfo=timezone(timedelta(hours=8)))
    assert codec.to_microseconds(moment) == 1767355200000001
    assert codec.from_microseconds(1767355200000001) == datetime(2026, 1, 2, 12, 0, 0, 1, tzinfo=UTC)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        codec.to_microseconds(datetime(2026, 1, 2))  # noqa: DTZ001 - the naive moment is the point


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("disk full", "disk full"),
        ("磁盘 🚨", "磁盘 🚨"),
        ("a\0b", "a�b"),
        ("a\ud83db", "a�b"),
        ("磁\0\udfff", "磁��"),
    ],
)
def test_only_what_no_database_can_hold_is_replaced(text: str, kept: str) -> None:
    assert codec.storable(text) == kept


def test_hostile_text_in_a_verdict_can_be_stored() -> None:
    attempt = an_attempt("t", ROBOT, verdict=Transient(code="\ud800", detail="bad \ud800"))
    columns = codec.attempt_to_row(attempt)
    assert columns["detail"] == "bad �"
    assert columns["code"] == '"\\ud800"'
