"""Several processes of a service, as far as they know, in the one process of a test."""

import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily

from actors import Actor, ActorSystem, ChildSpec, Context, Policy, receives
from actors.operator import NAME, CollectMetrics, Life, ListActors, Operator, RestartActor
from actors.processes import Network, Transport
from pushserver.service.census import Census
from pushserver.service.directory import Directory
from pushserver.service.layout import Layout

PATIENCE = 10.0
LAYOUT = Layout(gateways=1, deliverers=2)
ALIASES = {"delivery-0": ("a-0", "b-0"), "delivery-1": ("a-1", "b-1")}
"""Placed by hand, since only names matter here: see :class:`ByLastDigit`."""


class ByLastDigit(Layout):
    """A layout in which an alias names its process: ``a-1`` belongs to ``delivery-1``."""

    def owner(self, alias: str) -> str:
        return f"delivery-{alias[-1]}" if alias[-1:] in {"0", "1"} else "delivery-0"


@dataclass(frozen=True)
class Boom:
    """Crashes who gets it."""


@dataclass(frozen=True)
class Ping:
    """Answered with the number of the life."""


class Hand(Actor):
    """Does what it is told."""

    @receives(Boom)
    def boom(self, _: Boom) -> None:
        raise ValueError("boom")

    @receives(Ping)
    def ping(self, _: Ping) -> int:
        return 1 + self.context.cell.record.restarts


class Deaf(Actor):
    """Stands where the operator should, and does not answer in time."""

    def __init__(self, context: Context, *, over: threading.Event) -> None:
        super().__init__(context)
        self._over = over

    @receives(ListActors, RestartActor, CollectMetrics)
    def hang(self, _: object) -> None:
        self._over.wait(PATIENCE)


def hand(kind: str, **children: ChildSpec) -> ChildSpec:
    return ChildSpec(kind, start=Hand, policy=Policy(restarts=0), children=children)


@dataclass
class Fleet:
    """``gateway-0`` asks; a ``deaf`` process has an operator that never answers, a ``starting`` one none."""

    systems: dict[str, ActorSystem] = field(default_factory=dict)
    transports: dict[str, Transport] = field(default_factory=dict)
    restarted: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def census(self) -> Census:
        return Census(self.systems["gateway-0"], ByLastDigit(1, 2))

    @property
    def directory(self) -> Directory:
        return Directory(self.census, self.restarted.append)

    def add(self, process: str, network: Network, *, deaf: bool, starting: bool) -> None:
        children: dict[str, ChildSpec] = {} if starting else dict(_children(process))
        starts = () if starting else (*children, NAME)
        system = ActorSystem(process, ChildSpec("root", children=children, starts=starts))
        if not starting:
            children[NAME] = self._operator(system, deaf=deaf)
        transport = Transport(system, network)
        transport.start()
        system.start()
        self.systems[process], self.transports[process] = system, transport

    def _operator(self, system: ActorSystem, *, deaf: bool) -> ChildSpec:
        if deaf:
            return ChildSpec("operator", start=partial(Deaf, over=self.over))
        life = Life(pid=4000 + len(self.systems), restarts=2, began=system.clock.monotonic() - 60)
        collect = partial(_families, system.process)
        return ChildSpec("operator", start=partial(Operator, system=system, collect=collect, life=life))

    def leave(self, process: str) -> None:
        """This one ends."""
        self.systems.pop(process).stop(grace=1.0)
        self.transports.pop(process).stop()

    def crash(self, process: str, *path: str) -> None:
        """An actor fails, and is parked."""
        system = self.systems[process]
        system.ref(*path).tell(Boom())
        until_parked = threading.Event()
        for _ in range(1000):
            if any(status.address.path == path and status.failures for status in system.statuses()):
                return
            until_parked.wait(0.005)
        raise AssertionError(f"{path} did not crash")


def _children(process: str) -> Mapping[str, ChildSpec]:
    if process.startswith("gateway"):
        return {"store": hand("store"), "api": hand("door")}
    recipients = {alias: hand("recipient", feishu=hand("channel")) for alias in ALIASES[process]}
    return {
        "store": hand("store"),
        "sweeper": hand("sweeper"),
        "recipients": ChildSpec("branch", children=recipients),
    }


def _families(process: str) -> list[Metric]:
    counter = CounterMetricFamily("pushes", "Some.", labels=("kind",))
    counter.add_metric(("all",), 1 + len(process))
    counter.samples.append(counter.samples[0]._replace(name="pushes_created"))
    return [counter]


@contextmanager
def a_fleet(deaf: str = "", starting: str = "") -> Iterator[Fleet]:
    directory = tempfile.mkdtemp(prefix="fleet-")
    fleet = Fleet()
    network = Network(directory, b"key")
    try:
        for process in LAYOUT.processes:
            fleet.add(process, network, deaf=process == deaf, starting=process == starting)
        yield fleet
    finally:
        fleet.over.set()
        for process in list(fleet.systems):
            fleet.leave(process)
        shutil.rmtree(directory)
