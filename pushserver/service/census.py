"""One view of all processes: their actors, their metrics, whether they are well.

Whoever is asked asks every process's operator and joins the answers; one that does not answer in time is
reported as such and keeps nobody waiting.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from actors import ActorError, ActorNotFound, ActorSystem, ActorUnavailable, Address, State
from actors.operator import NAME, CollectMetrics, ListActors, Listing, RestartActor
from pushserver.api import Health
from pushserver.domain import PushServerError
from pushserver.domain.messages import SubmitTasks
from pushserver.service.layout import Layout

PATIENCE = 1.0
"""Seconds that a process has to answer."""
RESTART_PATIENCE = 6.0
STORE_PATIENCE = 5.0
ESSENTIAL_KINDS = frozenset({"store", "sweeper", "door", "operator"})
"""What a process is not well without."""
_MOST_FAILING = 100


@dataclass(frozen=True, slots=True)
class Silence:
    """What a process answers that does not."""

    why: str


class Census(Collector):
    """Asks all processes of a service; safe to share between threads."""

    def __init__(self, system: ActorSystem, layout: Layout, restart_process: Callable[[str], None]) -> None:
        self._system = system
        self.layout = layout
        self._restart_process = restart_process

    # Actors ------------------------------------------------------------------------------------------

    def listings(self, wanted: ListActors) -> Mapping[str, Listing | Silence]:
        """What each process says to ``wanted``, in the order of the layout."""
        return self._ask_all(wanted)

    def restart(self, text: str) -> tuple[Address, int]:
        """Restart an actor, or a whole process; how often it has been by now (of processes not known: 0).

        Raises:
            ActorNotFound: there is no such name; it holds near ones.
            ActorError: the process does not answer, or the actor has not started again in time.
        """
        address = self.resolve(text)
        if not address.path:
            self._restart_process(address.process)
            return address, 0
        operator = self._operator(address.process)
        restarts: int = operator.ask(RestartActor(address), timeout=RESTART_PATIENCE)
        return address, restarts

    def resolve(self, text: str) -> Address:
        """Read an address as operators write it: the process may be left out.

        Raises:
            ActorNotFound: it is none, or of a process that does not exist.
        """
        try:
            address = Address.parse(text, default_process="")
        except ValueError:
            raise ActorNotFound(text) from None
        if address.process in self.layout.processes:
            return address
        if address.process:
            raise ActorNotFound(text, [f"/{name}" for name in self.layout.processes])
        return Address(self._process_of(address.path), address.path)

    def _process_of(self, path: tuple[str, ...]) -> str:
        if path[0] == "recipients" and len(path) > 1:
            return self.layout.owner(path[1])
        side = self.layout.gateway_processes if path[0] == "api" else self.layout.delivery_processes
        return side[0]

    # Health ------------------------------------------------------------------------------------------

    def health(self) -> Health:
        """Whether the service is fit to take and deliver a push: faults of ours only."""
        listings = self.listings(ListActors(limit=_MOST_FAILING))
        checks: dict[str, Any] = {process: _check(listing) for process, listing in listings.items()}
        ill = [f"{process}: {what}" for process, listing in listings.items() for what in _ills(listing)]
        store = self._store_fault()
        checks["store"] = store or "ok"
        if store:
            ill.append(f"the store cannot commit: {store}")
        return Health(healthy=not ill, reason="; ".join(ill), checks=checks)

    def _store_fault(self) -> str:
        try:
            self._system.ref("store").ask(SubmitTasks(()), timeout=STORE_PATIENCE)
        except (ActorError, PushServerError) as error:
            return str(error)
        return ""

    # Metrics -----------------------------------------------------------------------------------------

    def describe(self) -> Iterator[Metric]:
        """Nothing: the names are known without asking."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families of all processes, each family once; every sample says of which process it is."""
        up = GaugeMetricFamily("pushserver_process_up", "1 if the process answers.", labels=("process",))
        joined: dict[str, Metric] = {}
        for process, families in self._ask_all(CollectMetrics()).items():
            up.add_metric((process,), 0 if isinstance(families, Silence) else 1)
            for family in () if isinstance(families, Silence) else families:
                target = joined.setdefault(
                    family.name, Metric(family.name, family.documentation, family.type)
                )
                target.samples.extend(
                    sample._replace(labels={"process": process, **sample.labels}) for sample in family.samples
                )
        yield up
        yield from joined.values()

    # Asking ------------------------------------------------------------------------------------------

    def _operator(self, process: str) -> Any:
        return self._system.ref_at(Address(process, (NAME,)))

    def _ask_all(self, question: object) -> Mapping[str, Any]:
        processes = self.layout.processes
        with ThreadPoolExecutor(len(processes)) as pool:
            answers = pool.map(partial(self._ask, question), processes)
            return dict(zip(processes, answers, strict=True))

    def _ask(self, question: object, process: str) -> Any:
        try:
            return self._operator(process).ask(question, timeout=PATIENCE)
        except ActorUnavailable:
            return Silence("is not there")
        except ActorError as error:
            return Silence(str(error))


def _check(listing: Listing | Silence) -> dict[str, Any]:
    if isinstance(listing, Silence):
        return {"state": "missing", "reason": listing.why}
    failing = [str(status.address) for status in listing.actors if status.state is not State.RUNNING]
    return {"state": "running", "actors": listing.total, "failing": failing}


def _ills(listing: Listing | Silence) -> list[str]:
    if isinstance(listing, Silence):
        return [listing.why]
    return [
        f"{status.address.name} is {status.state}"
        for status in listing.actors
        if status.kind in ESSENTIAL_KINDS and status.state is not State.RUNNING
    ]
