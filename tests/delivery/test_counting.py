"""What the delivery actors count, and that it is what the store has."""

from pushserver.domain import Delivered, EndpointBroken, Strategy, Transient
from tests.delivery.parts import a_task
from tests.delivery.stage import Stage
from tests.delivery.world import World, Worlds
from tests.metrics.series import samples

BROKEN = EndpointBroken()


def counted(world: World, *names: str) -> dict[tuple[str, ...], float]:
    """The counters of these names, those at 0 left out, without ``pushserver_`` and ``_total``."""
    return {
        (name.removeprefix("pushserver_").removesuffix("_total"), *labels): value
        for (name, labels), value in samples(world.registry).items()
        if name.removeprefix("pushserver_").removesuffix("_total") in names
    }


def test_a_failover_is_counted_at_the_level_where_it_happens(new_world: Worlds) -> None:
    world = new_world(stage=Stage({"a": BROKEN, "b": BROKEN, "c": BROKEN, "d": Delivered()}))
    world.push(task := a_task(Strategy.FAILOVER))
    world.ended(task)
    assert counted(world, "failovers") == {("failovers", "endpoint"): 2, ("failovers", "channel"): 1}


def test_where_everybody_is_tried_nobody_is_gone_over_to(new_world: Worlds) -> None:
    world = new_world(stage=Stage({"a": BROKEN, "c": BROKEN}))
    world.push(task := a_task(Strategy.ALL))
    world.ended(task)
    assert counted(world, "failovers", "retry_rounds") == {}


def test_rounds_after_the_first_are_counted(new_world: Worlds) -> None:
    world = new_world(stage=Stage({"a": [Transient(), Transient(), Delivered()]}))
    world.push(task := a_task(Strategy.ALL))
    world.ended_in_time(task)
    assert counted(world, "retry_rounds", "tasks_ended") == {
        ("retry_rounds", "all"): 2,
        ("tasks_ended", "all", "completed"): 1,
    }


def test_every_attempt_in_the_store_is_counted_once_whoever_has_recorded_it(new_world: Worlds) -> None:
    world = new_world(stage=Stage({"a": RuntimeError("boom"), "b": BROKEN, "c": BROKEN, "d": BROKEN}))
    world.push(task := a_task(Strategy.ALL))
    (stored,) = world.ended(task)
    assert counted(world, "attempts", "fallback_notices", "tasks_ended") == {
        ("attempts", "feishu", "uncertain"): 1,  # the channel speaks for an endpoint that crashed
        ("attempts", "feishu", "endpoint_broken"): 1,
        ("attempts", "dingtalk", "endpoint_broken"): 2,
        ("fallback_notices", "delivered"): 1,
        ("tasks_ended", "all", "failed"): 1,
    }
    assert len(stored.attempts) == 5
