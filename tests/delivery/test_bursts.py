"""More comes in than may go out: who waits, where, for how long, and what becomes of many."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from actors import Limits
from pushserver.config import Channel, DigestSettings, Rate, Webhook
from pushserver.delivery import RetryRules, Terms
from pushserver.domain import (
    Delivered,
    EndpointBroken,
    Level,
    MessageRefused,
    PlatformName,
    Push,
    RateLimited,
    RefusedHere,
    StoredTask,
    Strategy,
    Target,
    Task,
    TaskStatus,
    Transient,
    Uncertain,
    Verdict,
    WaitingFor,
)
from pushserver.domain.breaker import BreakerRules
from tests.delivery.parts import DINGTALK, FEISHU, NOON, a_task
from tests.delivery.stage import Acts, Hold, Stage
from tests.delivery.world import DELAY, Setup, World, Worlds, channel, eventually, with_channels
from tests.metrics.series import samples

TWO_A_MINUTE = (Rate(2, 60.0),)
APART = DigestSettings(enabled=False)
ENDPOINT = ("recipients", "ops_alert", "feishu", "a")


def robots(names: str, rates: Sequence[Rate] = TWO_A_MINUTE, **settings: Any) -> Channel:
    targets = tuple(Webhook(platform=FEISHU, name=name, rate=tuple(rates), **settings) for name in names)
    return Channel(platform=FEISHU, targets=targets)


def limited(names: str = "a", **more: Any) -> Setup:
    """Two sends a minute, apart unless said otherwise."""
    return with_channels(robots(names), **({"digest": APART} | more))


def rated(acts: dict[str, Acts] | None = None, **more: Any) -> Stage:
    return Stage(acts or {}, rated=True, **more)


def message(text: str, level: Level = Level.INFO, strategy: Strategy = Strategy.WEBHOOK_FAILOVER) -> Task:
    task = a_task(strategy, task_id=f"task_{text}")
    return replace(task, push=Push(text, text, level))


def messages(texts: str, **more: Any) -> list[Task]:
    return [message(text, **more) for text in texts]


def pushed(world: World, tasks: Sequence[Task]) -> None:
    for task in tasks:
        world.push(replace(task, created_at=world.clock.now()))


def waiting(world: World, count: int) -> None:
    """Wait until so many wait."""

    def look() -> bool | None:
        figures = world.services.board.figures(world.clock.monotonic())
        return sum(endpoint.waiting for endpoint in figures) == count or None

    eventually(look, f"{count} messages that wait")


def verdicts(stored: StoredTask) -> list[Verdict]:
    return [attempt.verdict for attempt in stored.attempts]


# One endpoint ----------------------------------------------------------------------------------------


def test_what_is_over_the_rate_waits_until_the_window_has_slid(new_world: Worlds) -> None:
    world = new_world(limited(), stage := rated())
    pushed(world, messages("12345"))
    waiting(world, 3)
    world.advance(59.0)
    assert stage.texts("a") == ["1", "2"]
    world.advance(1.0)
    waiting(world, 1)
    assert stage.texts("a") == ["1", "2", "3", "4"]
    world.advance(60.0)
    ended = world.ended(*messages("12345"))
    assert stage.texts("a") == ["1", "2", "3", "4", "5"]
    assert {stored.status for stored in ended} == {TaskStatus.COMPLETED}
    assert [len(stored.attempts) for stored in ended] == [1] * 5


def test_without_a_rate_nothing_waits(new_world: Worlds) -> None:
    world = new_world(with_channels(robots("a", ())), stage := rated())
    pushed(world, tasks := messages("123456789"))
    world.ended(*tasks)
    assert stage.texts("a") == [*"123456789"]


def test_a_webhook_has_its_vendors_rate_by_default(new_world: Worlds) -> None:
    setup = with_channels(channel(DINGTALK, "c"), terms=Terms(reserve=0.2), digest=APART)
    world = new_world(setup, stage := rated())
    pushed(world, [a_task(task_id=f"task_{n:02}") for n in range(20)])
    waiting(world, 5)
    assert len(stage.calls) == 15


def test_errors_go_first_and_everybody_else_in_order(new_world: Worlds) -> None:
    world = new_world(limited(), stage := rated())
    pushed(world, messages("12345"))
    waiting(world, 3)
    pushed(world, [message("e", Level.ERROR), message("f", Level.ERROR), message("6")])
    waiting(world, 6)
    for _ in range(3):
        world.advance(60.0)
    world.ended(*messages("123456ef"))
    assert stage.texts("a") == [*"12ef3456"]


def test_errors_use_the_reserve_at_once(new_world: Worlds) -> None:
    setup = limited(terms=Terms(reserve=0.5))
    world = new_world(setup, stage := rated())
    pushed(world, messages("123"))
    waiting(world, 2)
    pushed(world, [message("e", Level.ERROR)])
    world.ended(message("e"))
    assert stage.texts("a") == ["1", "e"]


def test_a_webhooks_own_reserve_goes_before_everybodys(new_world: Worlds) -> None:
    setup = with_channels(robots("a", reserve=0.0), digest=APART, terms=Terms(reserve=0.5))
    world = new_world(setup, stage := rated())
    pushed(world, messages("123"))
    waiting(world, 1)
    assert stage.texts("a") == ["1", "2"]


def test_failed_calls_count(new_world: Worlds) -> None:
    world = new_world(
        limited(rules=RetryRules(0, DELAY)), stage := rated({"a": Transient(detail="HTTP 500")})
    )
    pushed(world, messages("123"))
    waiting(world, 1)
    assert stage.texts("a") == ["1", "2"]


def test_nobody_waits_longer_than_max_wait(new_world: Worlds) -> None:
    world = new_world(limited(terms=Terms(max_wait=30.0)), stage := rated())
    pushed(world, tasks := messages("1234"))
    waiting(world, 2)
    world.advance(29.0)
    waiting(world, 2)
    world.advance(1.0)
    third = world.ended(*tasks)[2]
    assert third.status is TaskStatus.FAILED
    assert verdicts(third)[:1] == [
        RateLimited(waits=(0.0,), detail="no budget within 30 s (queue.max_wait)", retries=0)
    ]
    assert third.attempts[0].duration == 0.0
    assert stage.texts("a") == ["1", "2"]


def test_a_rest_ordered_by_the_vendor_is_waited_out(new_world: Worlds) -> None:
    mute = RateLimited(waits=(600.0,), detail="muted")
    world = new_world(limited(), stage := rated({"a": mute}))
    pushed(world, messages("1"))
    world.recorded(message("1"), 1)
    stage.acts = {}
    pushed(world, messages("2"))
    waiting(world, 1)
    world.advance(599.0)
    waiting(world, 1)
    world.advance(1.0)
    world.ended(message("1"))
    assert stage.texts("a")[:1] == ["1"]
    assert sorted(stage.texts("a")[1:]) == ["1", "2"]


def test_an_endpoint_with_somebody_waiting_does_not_sleep(new_world: Worlds) -> None:
    world = new_world(limited(limits=Limits(idle_after=10.0)), stage := rated())
    pushed(world, messages("123"))
    waiting(world, 1)
    for _ in range(60):
        world.advance(1.0)
        world.let_the_runtime_look()
    world.ended(message("3"))
    assert stage.built == ["a"]


# Several endpoints -----------------------------------------------------------------------------------


def test_where_one_success_is_enough_budgets_add_up(new_world: Worlds) -> None:
    world = new_world(limited("ab"), stage := rated())
    pushed(world, tasks := messages("12345"))
    waiting(world, 1)
    world.advance(60.0)
    ended = world.ended(*tasks)
    assert [len(stored.attempts) for stored in ended] == [1] * 5
    assert (len(stage.texts("a")), len(stage.texts("b"))) == (3, 2)


def test_who_has_to_wait_waits_where_it_is_over_first(new_world: Worlds) -> None:
    setup = with_channels(robots("a"), digest=APART)
    (pool,) = setup.channels
    fast = Webhook(platform=FEISHU, name="b", rate=(Rate(1, 10.0),))
    setup = replace(setup, channels=(pool.model_copy(update={"targets": (*pool.targets, fast)}),))
    world = new_world(setup, stage := rated())
    pushed(world, messages("1234"))
    waiting(world, 1)
    world.advance(10.0)
    world.ended(*messages("1234"))
    assert stage.texts("b") == ["3", "4"]


def test_where_everybody_gets_it_everybodys_own_budget_counts(new_world: Worlds) -> None:
    everyone = {"strategy": Strategy.ALL}
    world = new_world(limited("ab"), stage := rated())
    pushed(world, messages("123", **everyone))
    waiting(world, 2)
    world.advance(60.0)
    world.ended(*messages("123"))
    assert (stage.texts("a"), stage.texts("b")) == (["1", "2", "3"], ["1", "2", "3"])


def test_who_was_passed_over_is_asked_again_when_the_others_fail(new_world: Worlds) -> None:
    world = new_world(limited("ab"), stage := rated({"b": EndpointBroken()}))
    pushed(world, messages("12"))
    world.ended(*messages("12"))
    pushed(world, messages("3"))
    waiting(world, 1)
    world.advance(60.0)
    (third,) = world.ended(message("3"))
    assert [attempt.target.name for attempt in third.attempts] == ["b", "a"]
    assert third.status is TaskStatus.COMPLETED
    assert stage.texts("a") == ["1", "2", "3"]


def test_the_time_waited_at_one_endpoint_counts_at_the_next(new_world: Worlds) -> None:
    setup = limited("ab", terms=Terms(max_wait=30.0))
    world = new_world(setup, stage := rated())
    pushed(world, messages("12345"))
    waiting(world, 1)
    world.advance(30.0)
    (last,) = world.ended(message("5"))
    assert sorted(attempt.target.name for attempt in last.attempts if not attempt.fallback) == ["a", "b"]
    assert last.status is TaskStatus.FAILED
    assert len(stage.calls) == 5  # the last one is the notice


# Digests ---------------------------------------------------------------------------------------------


def merging(**more: Any) -> Setup:
    return limited(digest=DigestSettings(after=3.0, over=5), **more)


def test_many_that_wait_go_out_as_one(new_world: Worlds) -> None:
    world = new_world(merging(), stage := rated())
    pushed(world, tasks := messages("12345678"))
    waiting(world, 6)
    world.advance(60.0)
    ended = world.ended(*tasks)
    assert stage.texts("a") == ["1", "2", "3+4+5+6+7+8"]
    assert {stored.status for stored in ended} == {TaskStatus.COMPLETED}
    merged = [stored.attempts[0] for stored in ended[2:]]
    assert {(made.digest, made.started_at, made.duration) for made in merged} == {
        (6, NOON + timedelta(seconds=61), 0.0)
    }
    assert [stored.attempts[0].digest for stored in ended[:2]] == [0, 0]
    assert samples(world.registry)["pushserver_digests_total", ("feishu",)] == 1
    assert samples(world.registry)["pushserver_digest_messages_total", ("feishu",)] == 6


def test_a_digest_is_shown_in_the_result(new_world: Worlds) -> None:
    world = new_world(merging(), rated())
    pushed(world, tasks := messages("12345678"))
    waiting(world, 6)
    world.advance(60.0)
    ended = world.ended(*tasks)
    assert world.view(ended[7])["results"][0]["digest"] == 6
    assert "digest" not in world.view(ended[0])["results"][0]


@pytest.mark.parametrize(("age", "sends"), [(3.0, ["3", "4"]), (3.5, ["3+4"])])
def test_a_few_go_out_as_one_when_they_have_waited_long(
    age: float, sends: list[str], new_world: Worlds
) -> None:
    world = new_world(merging(), stage := rated())
    pushed(world, messages("12"))
    world.ended(*messages("12"))
    world.advance(60.0 - age)
    pushed(world, messages("34"))
    waiting(world, 2)
    world.advance(age)
    world.ended(*messages("34"))
    assert stage.texts("a")[2:] == sends


def test_who_only_stands_behind_a_send_is_not_merged(new_world: Worlds) -> None:
    hold = Hold()
    setup = with_channels(robots("a", [Rate(100, 60.0)]))
    world = new_world(setup, stage := rated({"a": hold}))
    pushed(world, tasks := messages("123456789"))
    stage.wait_for_calls("a")
    hold.let_go()
    world.ended(*tasks)
    assert stage.texts("a") == [*"123456789"]


def test_in_a_digest_errors_stand_first(new_world: Worlds) -> None:
    world = new_world(merging(), stage := rated())
    pushed(world, messages("1234567"))
    waiting(world, 5)
    pushed(world, [message("e", Level.ERROR)])
    waiting(world, 6)
    world.advance(60.0)
    world.ended(*messages("1234567e"))
    assert stage.texts("a")[2:] == ["e+3+4+5+6+7"]


@pytest.mark.parametrize("refusal", [RefusedHere(detail="no keyword"), MessageRefused()])
def test_a_refused_digest_is_sent_one_by_one(refusal: Verdict, new_world: Worlds) -> None:
    def act(delivery: Any) -> Verdict:
        return refusal if "+" in delivery.push.text else Delivered()

    world = new_world(merging(), stage := rated({"a": act}))
    pushed(world, tasks := messages("12345678"))
    waiting(world, 6)
    world.advance(60.0)
    waiting(world, 5)
    pushed(world, messages("9"))
    waiting(world, 6)
    for _ in range(4):
        world.advance(60.0)
    ended = world.ended(*tasks, message("9"))
    assert stage.texts("a") == ["1", "2", "3+4+5+6+7+8", *"3456789"]
    assert [verdicts(stored) for stored in ended] == [[Delivered()]] * 9


def test_a_digest_that_cannot_be_made_holds_up_nobody(
    new_world: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world(merging(), stage := rated())
    pushed(world, tasks := messages("12345678"))
    waiting(world, 6)
    endpoint = world.system.find(world.system.ref(*ENDPOINT).address)
    assert endpoint is not None
    assert endpoint.context is not None
    monkeypatch.setattr(endpoint.context.actor, "_rated", _CannotMerge(endpoint.context.actor))
    for _ in range(3):
        world.advance(60.0)
    world.ended(*tasks)
    assert stage.texts("a") == [*"12345678"]


class _CannotMerge:
    def __init__(self, actor: Any) -> None:
        self._rated = actor._rated

    @property
    def calls(self) -> int:
        return int(self._rated.calls)

    def merge(self, *_: object) -> None:
        raise ZeroDivisionError


def test_one_recipient_may_be_different(new_world: Worlds) -> None:
    world = new_world(replace(merging(), digest=APART), stage := rated())
    pushed(world, tasks := messages("12345678"))
    waiting(world, 6)
    for _ in range(3):
        world.advance(60.0)
    world.ended(*tasks)
    assert stage.texts("a") == [*"12345678"]


def test_a_lost_digest_is_sent_once_more(new_world: Worlds) -> None:
    def act(delivery: Any) -> Verdict:
        return Uncertain(detail="no answer") if "+" in delivery.push.text else Delivered()

    stage = rated({"a": act})
    world = new_world(merging(), stage)
    pushed(world, tasks := messages("12345678"))
    waiting(world, 6)
    world.advance(60.0)
    world.recorded(tasks[7], 1)
    stage.acts = {}
    last = world.ended_in_time(*tasks, step=5.0)[7]
    assert [type(verdict) for verdict in verdicts(last)] == [Uncertain, Delivered]


# Restarts --------------------------------------------------------------------------------------------


def test_a_restart_gives_everybody_back_and_nobody_is_sent_twice(new_world: Worlds) -> None:
    world = new_world(merging(), stage := rated())
    pushed(world, tasks := messages("12345678"))
    waiting(world, 6)
    world.restart(*ENDPOINT)
    waiting(world, 6)
    assert stage.texts("a") == ["1", "2"]
    world.advance(60.0)
    ended = world.ended(*tasks)
    assert stage.texts("a") == ["1", "2", "3+4+5+6+7+8"]
    assert [verdicts(stored) for stored in ended] == [[Delivered()]] * 8


def test_a_killed_process_remembers_its_budget(new_world: Worlds) -> None:
    before = new_world(merging(), rated())
    pushed(before, tasks := messages("12345678"))
    waiting(before, 6)
    before.ended(*tasks[:2])
    before.kill()
    before.advance(1.0)
    world = new_world(merging(sweeps=True), stage := rated())
    waiting(world, 6)
    world.advance(58.0)
    assert stage.calls == []
    world.advance(1.0)
    world.ended(*tasks)
    assert stage.texts("a") == ["3+4+5+6+7+8"]


def test_a_killed_process_remembers_a_rest(new_world: Worlds) -> None:
    mute = RateLimited(waits=(60.0, 600.0))
    before = new_world(limited(), rated({"a": mute}))
    pushed(before, messages("1"))
    before.recorded(message("1"), 1)
    before.kill()
    world = new_world(limited(sweeps=True), stage := rated({"a": [mute, Delivered()]}))
    pushed(world, messages("2"))
    waiting(world, 1)
    world.advance(59.0)
    assert stage.calls == []
    world.advance(1.0)
    eventually(lambda: stage.calls or None, "a call")
    world.recorded(message("2"), 1)
    assert verdicts(world.stored(message("2"))) == [RateLimited(waits=(600.0,))]


def test_a_send_that_a_process_died_in_counts(new_world: Worlds) -> None:
    before = new_world(limited(), held := rated({"a": Hold()}))
    pushed(before, messages("1"))
    held.wait_for_calls("a")
    before.kill()
    before.advance(1.0)
    world = new_world(limited(sweeps=True), stage := rated())
    world.ended(message("1"))
    pushed(world, messages("2"))
    waiting(world, 1)
    assert stage.texts("a") == ["1"]


def test_a_digest_that_a_process_died_in_counts_for_each_of_its_messages(new_world: Worlds) -> None:
    before = new_world(merging(), held := rated({"a": [Delivered()]}))
    pushed(before, tasks := messages("12345678"))
    waiting(before, 6)
    held.acts = {"a": Hold()}
    before.advance(60.0)
    held.wait_for_calls("a")
    before.kill()
    world = new_world(merging(sweeps=True), stage := rated())
    eventually(lambda: len(world.stored(tasks[7]).resumptions) or None, "the count")
    assert [world.stored(task).resumptions for task in tasks] == [{}] * 2 + [{Target(FEISHU, "a"): 1}] * 6
    world.advance(60.0)
    world.ended(*tasks)
    assert [part for text in stage.texts("a") for part in text.split("+")] == [*"345678"]


def test_a_send_from_the_line_that_crashes_is_not_tried_again(new_world: Worlds) -> None:
    def act(delivery: Any) -> Verdict:
        if delivery.push.text == "3":
            raise RuntimeError("boom")
        return Delivered()

    world = new_world(limited(), stage := rated({"a": act}))
    pushed(world, tasks := messages("1234"))
    waiting(world, 2)
    world.advance(60.0)
    third, fourth = world.ended_in_time(*tasks)[2:]
    assert [type(verdict) for verdict in verdicts(third)[:1]] == [Uncertain]
    assert stage.texts("a").count("3") == 1
    assert verdicts(fourth) == [Delivered()]


def test_a_send_from_the_line_that_hangs_is_uncertain(new_world: Worlds) -> None:
    hold = Hold()
    world = new_world(limited(), stage := rated({"a": [Delivered()]}))
    pushed(world, tasks := messages("123"))
    waiting(world, 1)
    stage.acts = {"a": [hold, Delivered()]}
    world.advance(60.0)
    stage.wait_for_calls("a")
    world.advance(14.0)
    (third,) = world.ended_in_time(tasks[2])
    assert [type(verdict) for verdict in verdicts(third)] == [Uncertain, Delivered]
    hold.let_go()


# Breakers --------------------------------------------------------------------------------------------

RULES = BreakerRules(failures=3, first=10.0, ceiling=40.0)
FRAIL = Terms(breaker=RULES)
ONCE = RetryRules(0, DELAY)
DOWN = Transient(detail="HTTP 503")


def unlimited(names: str, **more: Any) -> Setup:
    return with_channels(robots(names, ()), **({"terms": FRAIL, "rules": ONCE} | more))


def one_by_one(world: World, tasks: Sequence[Task]) -> list[StoredTask]:
    ended = []
    for task in tasks:
        pushed(world, [task])
        ended += world.ended(task)
    return ended


def test_an_endpoint_that_fails_again_and_again_is_passed_over(new_world: Worlds) -> None:
    world = new_world(unlimited("ab"), stage := Stage({"a": DOWN}))
    ended = one_by_one(world, messages("12345"))
    assert {stored.status for stored in ended} == {TaskStatus.COMPLETED}
    assert (stage.texts("a"), stage.texts("b")) == ([*"123"], [*"12345"])
    assert verdicts(ended[4])[0] == Transient(detail="not tried, breaker open for 10 s more: HTTP 503")


def test_a_broken_endpoint_is_tried_once(new_world: Worlds) -> None:
    world = new_world(unlimited("ab"), stage := Stage({"a": EndpointBroken(detail="no such token")}))
    one_by_one(world, messages("123"))
    assert stage.texts("a") == ["1"]


@pytest.mark.parametrize("refusal", [RefusedHere(), MessageRefused()])
def test_refusals_of_messages_say_nothing_about_the_endpoint(refusal: Verdict, new_world: Worlds) -> None:
    world = new_world(unlimited("a"), stage := Stage({"a": refusal}))
    one_by_one(world, messages("123456"))
    assert stage.texts("a") == [*"123456"]


def test_only_probes_reach_an_endpoint_that_always_fails(new_world: Worlds) -> None:
    world = new_world(unlimited("ab"), stage := Stage({"a": DOWN}))
    for n in range(150):
        world.advance(1.0)
        one_by_one(world, [message(f"m{n}")])
    # 3 failures, then a probe after 10, 20, 40, 40 and 40 s
    assert len(stage.texts("a")) == 3 + 4
    assert len(stage.texts("b")) == 150


def test_a_probe_that_succeeds_closes_the_breaker(new_world: Worlds) -> None:
    stage = Stage({"a": DOWN})
    world = new_world(unlimited("ab"), stage)
    one_by_one(world, messages("123"))
    stage.acts = {}
    world.advance(10.0)
    one_by_one(world, messages("45"))
    assert stage.texts("a") == [*"12345"]


def test_where_there_is_a_harmless_probe_no_message_is_risked(new_world: Worlds) -> None:
    stage = Stage({"a": DOWN}, rated=True, probes=[DOWN, MessageRefused()])
    world = new_world(unlimited("a"), stage)
    one_by_one(world, messages("123"))
    world.advance(10.0)
    (fourth,) = one_by_one(world, messages("4"))
    assert verdicts(fourth)[0] == Transient(detail="not tried, breaker open after a probe: HTTP 503")
    stage.acts = {}
    world.advance(20.0)
    one_by_one(world, messages("5"))
    assert stage.texts("a") == [*"1235"]
    assert stage.probed == ["a", "a"]


def test_where_everybody_counts_an_open_breaker_is_a_passing_failure(new_world: Worlds) -> None:
    stage = Stage({"a": DOWN})
    world = new_world(unlimited("a", rules=RetryRules(1, 10.0)), stage)
    pushed(world, messages("1", strategy=Strategy.ALL))
    world.recorded(message("1"), 1)
    pushed(world, messages("23", strategy=Strategy.ALL))
    world.recorded(message("3"), 1)
    pushed(world, messages("4", strategy=Strategy.ALL))
    world.recorded(message("4"), 1)
    stage.acts = {}
    world.advance(10.0)
    (fourth,) = world.ended(message("4"))
    assert [type(verdict) for verdict in verdicts(fourth)] == [Transient, Delivered]
    assert stage.texts("a").count("4") == 1


def test_who_waits_for_budget_does_not_wait_for_an_open_breaker(new_world: Worlds) -> None:
    setup = limited(terms=replace(FRAIL, breaker=BreakerRules(1, 10.0, 40.0)), rules=ONCE)
    stage = rated({"a": [Delivered()]})
    world = new_world(setup, stage)
    pushed(world, messages("12345"))
    waiting(world, 3)
    stage.acts = {"a": DOWN}
    world.advance(60.0)
    ended = world.ended(*messages("345"))
    assert stage.texts("a") == ["1", "2", "3"]
    assert [verdicts(stored)[0].detail[:9] for stored in ended] == ["HTTP 503", "not tried", "not tried"]


def test_notices_have_no_breaker(new_world: Worlds) -> None:
    setup = unlimited("a", notices=("s",))
    world = new_world(setup, stage := Stage({"a": MessageRefused(), "s": DOWN}))
    one_by_one(world, messages("12345"))
    assert len(stage.texts("s")) == 5


# What is seen ----------------------------------------------------------------------------------------


def test_a_task_shows_what_it_waits_for(new_world: Worlds) -> None:
    world = new_world(limited(), rated())
    pushed(world, messages("1234"))
    waiting(world, 2)
    board, clock = world.services.board, world.clock
    assert board.waiting_for("task_3", clock) == WaitingFor(
        Target(FEISHU, "a"), NOON + timedelta(seconds=61 + 2 * 30), "budget"
    )
    assert board.waiting_for("task_1", clock) is None
    world.advance(60.0)
    waiting(world, 0)
    assert board.waiting_for("task_3", clock) is None


def test_an_actor_says_in_the_list_who_waits_and_why(new_world: Worlds) -> None:
    world = new_world(limited(terms=FRAIL), rated())
    pushed(world, messages("123"))
    waiting(world, 1)
    assert world.status(*ENDPOINT).note == "1 waiting, next in 60 s (budget); budget left: 0"


def test_an_open_breaker_is_seen(new_world: Worlds) -> None:
    world = new_world(unlimited("a"), Stage({"a": EndpointBroken(detail="no such token")}))
    one_by_one(world, messages("1"))
    assert world.status(*ENDPOINT).note == "breaker open for 10 s more: no such token"
    (figures,) = world.services.board.figures(world.clock.monotonic())
    assert (figures.actor, figures.platform) == ("recipients/ops_alert/feishu/a", PlatformName.FEISHU)
    assert (figures.budget_left, figures.waiting, figures.breaker_open) == (None, 0, True)


def test_who_is_gone_is_not_seen(new_world: Worlds) -> None:
    world = new_world(limited(terms=FRAIL), rated())
    pushed(world, messages("1"))
    world.ended(message("1"))
    world.stop()
    assert [*world.services.board.figures(0.0)] == []
