from collections import Counter

import pytest

from actors import Address
from pushserver.config import ProcessSettings
from pushserver.service import Layout


@pytest.mark.parametrize(
    ("cpus", "gateways", "deliverers"),
    [(1, 1, 1), (2, 1, 1), (3, 1, 2), (4, 1, 3), (8, 2, 6), (16, 4, 12)],
)
def test_auto_is_a_process_a_cpu_and_at_least_one_of_each(cpus: int, gateways: int, deliverers: int) -> None:
    assert Layout.of(ProcessSettings(), cpus) == Layout(gateways, deliverers)


def test_what_is_set_counts_and_auto_fills_up_the_rest() -> None:
    assert Layout.of(ProcessSettings(delivery=5), cpus=2) == Layout(1, 5)
    assert Layout.of(ProcessSettings(gateway=3), cpus=8) == Layout(3, 5)
    assert Layout.of(ProcessSettings(gateway=3), cpus=2) == Layout(3, 1)
    assert Layout.of(ProcessSettings(gateway=2, delivery=2), cpus=64) == Layout(2, 2)


def test_inline_is_one_process_that_does_everything() -> None:
    layout = Layout.of(ProcessSettings(inline=True, gateway=3, delivery=3), cpus=8)
    assert layout.alone
    assert layout.processes == layout.gateway_processes == layout.delivery_processes == ("main-0",)
    assert layout.recipient("ops") == Address("main-0", ("recipients", "ops"))


def test_who_delivers_is_started_before_who_takes_pushes() -> None:
    layout = Layout(gateways=2, deliverers=2)
    assert not layout.alone
    assert layout.processes == ("delivery-0", "delivery-1", "gateway-0", "gateway-1")


def test_the_relay_is_a_process_of_its_own_between_who_delivers_and_who_takes_pushes() -> None:
    layout = Layout.of(ProcessSettings(gateway=1, delivery=2), cpus=4, relay=True)
    assert layout.relay_process == "relay-0"
    assert layout.processes == ("delivery-0", "delivery-1", "relay-0", "gateway-0")
    assert Layout(gateways=1, deliverers=2).relay_process is None


def test_alone_the_relay_is_in_the_one_process() -> None:
    layout = Layout.of(ProcessSettings(inline=True), cpus=4, relay=True)
    assert (layout.relay_process, layout.processes) == ("main-0", ("main-0",))


@pytest.mark.parametrize(("cpus", "turns"), [(2, [0, 1, 1]), (3, [0, 1, 2]), (64, [0, 1, 2])])
def test_on_two_cpus_the_relay_shares_the_first_gateways(cpus: int, turns: list[int]) -> None:
    layout = Layout(gateways=1, deliverers=1, relay=True)
    assert [layout.cpu_turn(name, cpus) for name in ("delivery-0", "gateway-0", "relay-0")] == turns


def test_without_a_relay_every_process_has_a_turn_of_its_own() -> None:
    layout = Layout(gateways=2, deliverers=3)
    assert [layout.cpu_turn(name, 8) for name in layout.processes] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("alias", "owner"),
    [
        ("ops_alert", "delivery-1"),
        ("dev_team", "delivery-2"),
        ("值班", "delivery-0"),
        ("\udc80", "delivery-1"),
    ],
)
def test_a_recipient_belongs_to_the_same_process_for_ever(alias: str, owner: str) -> None:
    layout = Layout(gateways=1, deliverers=3)
    assert layout.owner(alias) == owner
    assert layout.recipient(alias) == Address(owner, ("recipients", alias))


def test_recipients_are_spread_evenly() -> None:
    layout = Layout(gateways=1, deliverers=4)
    owners = Counter(layout.owner(f"recipient-{number}") for number in range(10_000))
    assert set(owners) == set(layout.delivery_processes)
    assert max(owners.values()) < 1.1 * min(owners.values())
