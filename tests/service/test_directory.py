"""The list of all actors, and restarts by address, over several processes."""

import pytest

from actors import ActorNotFound, State
from pushserver.api import ActorPage, ActorQuery, CannotRestart, NotRestarted
from pushserver.service.census import Census
from pushserver.service.directory import Directory
from pushserver.service.layout import Layout
from tests.service.fleet import PATIENCE, Fleet, Ping, a_fleet

EVERYBODY = [
    "/delivery-0",
    "/delivery-1",
    "/gateway-0",
    "/delivery-0/operator",
    "/delivery-0/store",
    "/delivery-0/sweeper",
    "/delivery-1/operator",
    "/delivery-1/store",
    "/delivery-1/sweeper",
    "/gateway-0/api",
    "/gateway-0/operator",
    "/gateway-0/store",
]


def addresses(page: ActorPage) -> list[str]:
    return [str(view.status.address) for view in page.actors]


def wake(fleet: Fleet, process: str, *path: str) -> int:
    life: int = fleet.systems[process].ref(*path).ask(Ping(), timeout=PATIENCE)
    return life


# The list --------------------------------------------------------------------------------------------


def test_processes_come_first_and_then_their_actors(fleet: Fleet) -> None:
    page = fleet.directory.page(ActorQuery())
    assert addresses(page) == EVERYBODY
    assert (page.total, page.silent, page.complete) == (12, {}, True)


def test_each_has_the_id_of_its_process_and_a_process_its_restarts_and_uptime(fleet: Fleet) -> None:
    views = {str(view.status.address): view for view in fleet.directory.page(ActorQuery()).actors}
    assert {views[name].pid for name in ("/delivery-1", "/delivery-1/store")} == {4001}
    process = views["/delivery-1"].status
    assert (process.kind, process.state, process.restarts) == ("process", State.RUNNING, 2)
    assert 60 <= process.uptime < 120


def test_failing_ones_come_first_from_whichever_process(fleet: Fleet) -> None:
    fleet.crash("delivery-1", "recipients", "b-1")
    fleet.crash("delivery-0", "recipients", "a-0", "feishu")
    page = fleet.directory.page(ActorQuery(limit=3))
    assert addresses(page) == [
        "/delivery-0/recipients/a-0/feishu",
        "/delivery-1/recipients/b-1",
        "/delivery-0",
    ]
    assert [view.status.state for view in page.actors[:2]] == [State.RESTARTING, State.RESTARTING]
    assert page.actors[1].status.last_error == "ValueError: boom"
    assert page.total == 15


@pytest.mark.parametrize("size", [1, 2, 5, 11])
def test_pages_put_together_are_the_whole_list(fleet: Fleet, size: int) -> None:
    pages = [fleet.directory.page(ActorQuery(limit=size, offset=at)) for at in range(0, 12 + size, size)]
    assert [address for page in pages for address in addresses(page)] == EVERYBODY
    assert {page.total for page in pages} == {12}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        (ActorQuery(kind="process"), ["/delivery-0", "/delivery-1", "/gateway-0"]),
        (ActorQuery(kind="process", state=State.STUCK), []),
        (ActorQuery(kind="store"), ["/delivery-0/store", "/delivery-1/store", "/gateway-0/store"]),
        (ActorQuery(kind="door", state=State.RUNNING), ["/gateway-0/api"]),
        (
            ActorQuery(address="/gateway-0"),
            ["/gateway-0", "/gateway-0/api", "/gateway-0/operator", "/gateway-0/store"],
        ),
        (ActorQuery(address="gateway-0", kind="store"), ["/gateway-0/store"]),
        (ActorQuery(address="api"), ["/gateway-0/api"]),
        (
            ActorQuery(recipient="a-1"),
            ["/delivery-1/recipients/a-1", "/delivery-1/recipients/a-1/feishu"],
        ),
        (ActorQuery(recipient="a-1", kind="channel"), ["/delivery-1/recipients/a-1/feishu"]),
        (ActorQuery(recipient="a-1", address="recipients/a-1/feishu"), ["/delivery-1/recipients/a-1/feishu"]),
        (
            ActorQuery(recipient="a-1", address="/delivery-1", kind="recipient"),
            ["/delivery-1/recipients/a-1"],
        ),
        (ActorQuery(recipient="a-1", address="/delivery-0"), []),
        (ActorQuery(address="recipients/a-0"), []),
    ],
)
def test_filters_select(fleet: Fleet, query: ActorQuery, shown: list[str]) -> None:
    wake(fleet, "delivery-1", "recipients", "a-1", "feishu")
    page = fleet.directory.page(query)
    assert (addresses(page), page.total) == (shown, len(shown))


def test_sleeping_ones_are_listed_only_when_asked_for(fleet: Fleet) -> None:
    wake(fleet, "delivery-0", "recipients", "a-0")
    page = fleet.directory.page(ActorQuery(state=State.SLEEPING))
    assert addresses(page) == [
        "/delivery-0/recipients/a-0/feishu",
        "/delivery-0/recipients/b-0",
        "/delivery-0/recipients/b-0/feishu",
        "/delivery-1/recipients/a-1",
        "/delivery-1/recipients/a-1/feishu",
        "/delivery-1/recipients/b-1",
        "/delivery-1/recipients/b-1/feishu",
    ]


def test_a_recipient_that_does_not_exist_has_no_actors(fleet: Fleet) -> None:
    assert fleet.directory.page(ActorQuery(recipient="a-9")) == ActorPage(0)


def test_an_address_that_does_not_exist_is_refused_in_the_list_too(fleet: Fleet) -> None:
    with pytest.raises(ActorNotFound) as raised:
        fleet.directory.page(ActorQuery(address="recipients/a-9"))
    assert raised.value.near == ("a-0",)


def test_a_process_that_is_gone_is_reported_as_stopped(fleet: Fleet) -> None:
    fleet.leave("delivery-1")
    page = fleet.directory.page(ActorQuery())
    assert addresses(page)[0] == "/delivery-1"
    gone = page.actors[0]
    assert (gone.status.state, gone.pid, gone.status.last_error) == (State.STOPPED, None, "is not there")
    assert page.silent == {"delivery-1": "is not there"}
    assert page.total == 12 - 3


@pytest.mark.alone
def test_a_process_that_hangs_is_reported_and_not_waited_for() -> None:
    with a_fleet(deaf="delivery-0") as fleet:
        began = fleet.systems["gateway-0"].clock.monotonic()
        page = fleet.directory.page(ActorQuery())
        assert fleet.systems["gateway-0"].clock.monotonic() - began < 2.5
        assert page.actors[0].status.state is State.STUCK
        assert page.silent == {"delivery-0": "no answer from /delivery-0/operator within 1 s"}
        with pytest.raises(NotRestarted, match="delivery-0 no answer from /delivery-0/operator within 1 s"):
            fleet.directory.restart("/delivery-0/store")


# Restarts --------------------------------------------------------------------------------------------


def test_a_restart_reaches_the_actor_in_its_process_and_no_other(fleet: Fleet) -> None:
    wake(fleet, "delivery-1", "recipients", "a-1", "feishu")
    restarted = fleet.directory.restart("recipients/a-1/feishu")
    assert (str(restarted.address), restarted.restarts) == ("/delivery-1/recipients/a-1/feishu", 1)
    assert wake(fleet, "delivery-1", "recipients", "a-1", "feishu") == 2
    assert wake(fleet, "delivery-1", "recipients", "a-1") == 1


def test_restarting_one_that_sleeps_does_nothing(fleet: Fleet) -> None:
    assert fleet.directory.restart("/delivery-0/recipients/b-0").restarts == 0
    assert "/delivery-0/recipients/b-0" not in addresses(fleet.directory.page(ActorQuery()))


def test_a_process_is_restarted_by_its_address(fleet: Fleet) -> None:
    assert fleet.directory.restart("/delivery-1").restarts == 3
    fleet.leave("delivery-0")
    assert fleet.directory.restart("/delivery-0").restarts is None
    assert fleet.restarted == ["delivery-1", "delivery-0"]


def test_the_only_process_is_the_service(fleet: Fleet) -> None:
    alone = Directory(Census(fleet.systems["gateway-0"], Layout()), fleet.restarted.append)
    with pytest.raises(CannotRestart, match="/main-0 是整个服务"):
        alone.restart("/main-0")
    assert fleet.restarted == []


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("", ()),
        ("//", ()),
        ("/delivery-7/store", ("/delivery-0", "/delivery-1", "/gateway-0")),
        ("store", ("/delivery-0/store", "/delivery-1/store", "/gateway-0/store")),
        ("stor", ("store",)),
        ("/delivery-0/stor", ("store",)),
        ("/delivery-0/recipients/a-1", ("/delivery-1/recipients/a-1",)),
        ("/gateway-0/recipients/a-1", ("/delivery-1/recipients/a-1",)),
        ("recipients/a-1/feishi", ("feishu",)),
        ("recipients", ("/delivery-0/recipients", "/delivery-1/recipients")),
    ],
)
def test_what_nobody_can_be_meant_by_is_refused_with_near_ones(
    fleet: Fleet, address: str, near: tuple[str, ...]
) -> None:
    with pytest.raises(ActorNotFound) as raised:
        fleet.directory.restart(address)
    assert raised.value.near == near


def test_an_error_from_another_process_reads_like_one_from_here(fleet: Fleet) -> None:
    with pytest.raises(ActorNotFound) as raised:
        fleet.directory.restart("/delivery-1/stor")
    assert str(raised.value) == "no actor at /delivery-1/stor; near names: store"
