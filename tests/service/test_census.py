"""Asking all processes: their metrics, and whether they are well."""

from actors import ActorNotFound, Address, State
from actors.operator import ListActors, Listing
from pushserver.service.census import Silence
from pushserver.service.health import check_health
from pushserver.service.scrape import Scrape
from tests.service.fleet import Fleet, Hand, a_fleet


def test_everybody_is_asked_at_the_same_time_and_answers_in_the_order_of_the_layout() -> None:
    with a_fleet(deaf="delivery-0") as fleet:
        answers = fleet.census.ask_all(ListActors(limit=0))
        assert [*answers] == ["delivery-0", "delivery-1", "gateway-0"]
        assert isinstance(answers["delivery-0"], Silence)
        assert isinstance(answers["delivery-1"], Listing)


def test_that_there_is_nobody_of_that_name_is_an_answer(fleet: Fleet) -> None:
    answer = fleet.census.ask("delivery-1", ListActors(under=Address("delivery-1", ("nobody",))))
    assert isinstance(answer, ActorNotFound)
    assert answer.address == "/delivery-1/nobody"


def test_who_is_gone_is_told_from_who_hangs(fleet: Fleet) -> None:
    fleet.leave("delivery-0")
    assert fleet.census.ask("delivery-0", ListActors()) == Silence(State.STOPPED, "is not there")


def test_a_process_whose_actors_are_not_there_yet_is_starting() -> None:
    with a_fleet(starting="delivery-1") as fleet:
        starting = fleet.census.ask("delivery-1", ListActors(under=Address("delivery-1")))
        assert starting == Silence(State.RESTARTING, "is starting")


# Metrics ---------------------------------------------------------------------------------------------


def test_each_family_stands_once_and_every_sample_names_its_process(fleet: Fleet) -> None:
    head, *lines = Scrape(fleet.census).page().decode().splitlines()
    assert head.startswith("# HELP pushserver_process_up 1 if the process answered within a second, else 0.")
    assert lines == [
        "# TYPE pushserver_process_up gauge",
        'pushserver_process_up{process="delivery-0"} 1.0',
        'pushserver_process_up{process="delivery-1"} 1.0',
        'pushserver_process_up{process="gateway-0"} 1.0',
        "# HELP pushes_total Some.",
        "# TYPE pushes_total counter",
        'pushes_total{kind="all",process="delivery-0"} 11.0',
        'pushes_total{kind="all",process="delivery-1"} 11.0',
        'pushes_total{kind="all",process="gateway-0"} 10.0',
    ]


def test_a_process_that_does_not_answer_is_down_and_the_others_are_shown(fleet: Fleet) -> None:
    fleet.leave("delivery-0")
    lines = Scrape(fleet.census).page().decode().splitlines()
    assert 'pushserver_process_up{process="delivery-0"} 0.0' in lines
    assert [line for line in lines if line.startswith("pushes_total")] == [
        'pushes_total{kind="all",process="delivery-1"} 11.0',
        'pushes_total{kind="all",process="gateway-0"} 10.0',
    ]


# Health ----------------------------------------------------------------------------------------------


def test_a_process_that_is_gone_is_a_fault_of_ours(fleet: Fleet) -> None:
    fleet.leave("delivery-1")
    health = check_health(fleet.census, fleet.systems["gateway-0"].ref("store"))
    assert not health.healthy
    assert "delivery-1: is not there" in health.reason
    assert health.checks["delivery-1"] == {"state": "missing", "reason": "is not there"}
    assert health.checks["delivery-0"] == {"state": "running", "actors": 3, "failing": []}


def test_an_essential_actor_that_fails_is_one_and_a_recipient_is_not(fleet: Fleet) -> None:
    fleet.crash("delivery-0", "recipients", "a-0")
    fleet.crash("delivery-1", "sweeper")
    health = check_health(fleet.census, fleet.systems["gateway-0"].ref("store"))
    assert "delivery-1: sweeper is restarting" in health.reason
    assert "a-0" not in health.reason
    assert health.checks["delivery-0"]["failing"] == ["/delivery-0/recipients/a-0"]


def test_a_store_that_cannot_commit_is_one(fleet: Fleet) -> None:
    health = check_health(fleet.census, fleet.systems["gateway-0"].ref("store"))
    assert health.reason.startswith("the store cannot commit: ")
    assert Hand.__name__ in health.checks["store"]
