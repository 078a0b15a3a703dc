"""Notices that belong to no task: stored, raised on every way, and tried again where that helps."""

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from actors import Actor, ActorSystem, Backoff, ChildSpec, Context, ManualClock, Policy, receives
from pushserver.config import Notice, TargetSettings
from pushserver.delivery import RetryRules, herald_spec
from pushserver.domain import (
    Delivered,
    Delivery,
    EndpointBroken,
    Level,
    Notification,
    RateLimited,
    Strategy,
    Style,
    Transient,
    Uncertain,
    Verdict,
)
from pushserver.domain.messages import NoticeRaised, NotificationStored, RaiseNotice, StoreNotification
from pushserver.platforms import Platform
from tests.system.deadline import until

DEADLINE = 10.0
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def notice(task_id: str = "m1") -> RaiseNotice:
    entry = Notification(
        id=f"notify_{task_id}",
        task_id=task_id,
        reason="原因",
        title="SMTP中继发送失败",
        text="收件人: ann@corp.example",
        level=Level.ERROR,
        strategy=Strategy.FAILOVER,
        style=Style.TEXT,
        created_at=NOON,
    )
    return RaiseNotice(entry, "ann@corp.example")


@dataclass
class Way:
    """Answers with these verdicts in turn, the last one for ever."""

    verdicts: list[Verdict | Exception]
    said: list[Delivery] = field(default_factory=list)
    closed: int = 0

    def deliver(self, delivery: Delivery) -> Verdict:
        self.said.append(delivery)
        verdict = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    def close(self) -> None:
        self.closed += 1


class Entries(Actor):
    """A notification store that answers when it is told to."""

    def __init__(
        self, context: Context, *, kept: list[Notification], refusals: list[str | Exception]
    ) -> None:
        super().__init__(context)
        self._kept = kept
        self._refusals = refusals

    @receives(StoreNotification)
    def store(self, store: StoreNotification) -> NotificationStored:
        refusal = self._refusals.pop(0) if self._refusals else ""
        if isinstance(refusal, Exception):
            raise refusal
        self._kept.append(store.notification)
        return NotificationStored(store.notification.task_id, refusal)


class Listener(Actor):
    """Asks the herald, and keeps its answers."""

    def __init__(self, context: Context, *, answers: "queue.SimpleQueue[Any]", herald: Any) -> None:
        super().__init__(context)
        self._answers = answers
        self._herald = herald

    @receives(RaiseNotice)
    def ask(self, notice: RaiseNotice) -> None:
        self.tell(self._herald, notice)

    @receives(NoticeRaised)
    def raised(self, raised: NoticeRaised) -> None:
        self._answers.put(raised)


@dataclass
class Stage:
    system: ActorSystem
    clock: ManualClock
    ways: dict[str, Way]
    kept: list[Notification]
    answers: "queue.SimpleQueue[Any]" = field(default_factory=queue.SimpleQueue)

    def raise_notice(self, task_id: str = "m1") -> None:
        self.system.ref("listener").tell(notice(task_id))

    def raised(self) -> NoticeRaised:
        answer: NoticeRaised = self.answers.get(timeout=DEADLINE)
        return answer

    def said(self, way: str) -> int:
        return len(self.ways[way].said)


@contextmanager
def stage(
    refusals: list[str | Exception] | None = None, **ways: list[Verdict | Exception]
) -> Iterator[Stage]:
    clock = ManualClock()
    children: dict[str, ChildSpec] = {}
    root = ChildSpec("root", children=children, starts=("notifications", "herald", "listener"))
    system = ActorSystem("relay-0", root, clock=clock)
    made = Stage(system, clock, {name: Way(list(verdicts)) for name, verdicts in ways.items()}, [])
    at_once = Policy(restarts=100, backoff=Backoff(first=0.0, ceiling=0.0))
    children["notifications"] = ChildSpec(
        "store", lambda context: Entries(context, kept=made.kept, refusals=refusals or []), policy=at_once
    )
    children["herald"] = herald_spec(
        [Notice.model_validate({"type": "console", "name": name}) for name in ways],
        _build(made.ways),
        notifications=system.ref("notifications"),
        rules=RetryRules(2, 5.0),
        policy=at_once,
        chance=lambda: 0.0,
    )
    children["listener"] = ChildSpec(
        "listener", lambda context: Listener(context, answers=made.answers, herald=system.ref("herald"))
    )
    system.start()
    try:
        yield made
    finally:
        system.stop(2.0)


def _build(ways: dict[str, Way]) -> Callable[[TargetSettings], Platform]:
    return lambda target: ways[target.name]


def test_it_is_stored_and_said_on_every_way_and_whoever_asked_is_answered() -> None:
    with stage(screen=[Delivered()], web=[Delivered()]) as on:
        on.raise_notice()
        assert on.raised() == NoticeRaised("m1")
    assert [entry.task_id for entry in on.kept] == ["m1"]
    for way in on.ways.values():
        (delivery,) = way.said
        assert (delivery.task_id, delivery.recipient) == ("m1", "ann@corp.example")
        assert (delivery.push.title, delivery.push.level) == ("SMTP中继发送失败", Level.ERROR)
        assert way.closed == 1


def test_without_any_way_the_entry_is_enough() -> None:
    with stage() as on:
        on.raise_notice()
        assert on.raised() == NoticeRaised("m1")
    assert len(on.kept) == 1


def test_asked_again_it_only_answers() -> None:
    with stage(screen=[Delivered()]) as on:
        on.raise_notice()
        on.raised()
        on.raise_notice()
        assert on.raised() == NoticeRaised("m1")
        on.raise_notice("m2")
        assert on.raised() == NoticeRaised("m2")
    assert [delivery.task_id for delivery in on.ways["screen"].said] == ["m1", "m2"]
    assert [entry.task_id for entry in on.kept] == ["m1", "m2"]


def test_what_fails_for_now_is_tried_again_after_growing_pauses() -> None:
    with stage(web=[Transient(), Transient(), Delivered()]) as on:
        on.raise_notice()
        until(lambda: on.said("web") == 1, "the first try")
        on.clock.advance(5.0)
        until(lambda: on.said("web") == 2, "the second")
        on.clock.advance(9.9)
        assert on.answers.empty()
        on.clock.advance(0.1)
        assert on.raised() == NoticeRaised("m1")
    assert on.said("web") == 3


def test_after_the_last_try_it_is_given_up_and_answered() -> None:
    with stage(web=[Transient()]) as on:
        on.raise_notice()
        for tries in (1, 2):
            until(lambda tries=tries: on.said("web") == tries, f"try {tries}")  # type: ignore[misc]  # a default binds it
            on.clock.advance(60.0)
        assert on.raised() == NoticeRaised("m1")
    assert on.said("web") == 3


def test_a_rest_that_was_ordered_is_kept() -> None:
    with stage(web=[RateLimited(waits=(60.0,)), Delivered()]) as on:
        on.raise_notice()
        until(lambda: on.said("web") == 1, "the first try")
        on.clock.advance(59.0)
        assert on.said("web") == 1
        on.clock.advance(1.0)
        assert on.raised() == NoticeRaised("m1")


def test_a_lost_answer_is_worth_one_more_try() -> None:
    with stage(web=[Uncertain()]) as on:
        on.raise_notice()
        until(lambda: on.said("web") == 1, "the first try")
        on.clock.advance(5.0)
        assert on.raised() == NoticeRaised("m1")
    assert on.said("web") == 2


def test_a_way_that_is_broken_is_not_tried_again_and_holds_up_no_other() -> None:
    with stage(web=[EndpointBroken()], screen=[Delivered()]) as on:
        on.raise_notice()
        assert on.raised() == NoticeRaised("m1")
    assert (on.said("web"), on.said("screen")) == (1, 1)


def test_a_way_that_crashes_is_tried_again() -> None:
    with stage(web=[RuntimeError("boom"), Delivered()]) as on:
        on.raise_notice()
        until(lambda: on.said("web") == 1, "the first try")
        until(lambda: on.ways["web"].closed, "its crash")
        until(lambda: _advanced(on) and on.said("web") == 2, "the second try")
        assert on.raised() == NoticeRaised("m1")


def test_an_entry_that_the_store_crashed_on_is_sent_again() -> None:
    with stage([RuntimeError("boom")], screen=[Delivered()]) as on:
        on.raise_notice()
        until(lambda: _advanced(on) and on.kept, "the entry is stored")
        assert on.raised() == NoticeRaised("m1")


def test_an_entry_that_is_refused_is_logged_and_keeps_nobody_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with stage(["too long"], screen=[Delivered()]) as on:
        on.raise_notice()
        assert on.raised() == NoticeRaised("m1")
    assert _logged(caplog) == [("notification_not_stored", "m1")]


def test_a_notice_that_arrives_nowhere_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with stage(web=[EndpointBroken()]) as on:
        on.raise_notice()
        on.raised()
    assert _logged(caplog) == [("notice_failed", "m1")]


def _logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.__dict__["action"], record.__dict__["task_id"])
        for record in caplog.records
        if record.name == "pushserver.delivery.herald"
    ]


def _advanced(on: Stage) -> bool:
    """Whatever pause has begun is over."""
    on.clock.advance(5.0)
    return True
