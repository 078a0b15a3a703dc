"""One process of the service: its actors, from the store up; in a process of its own or inside the caller's.

:meth:`Worker.start` reads as the order of the start, the stop is its reverse.
"""

import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import Engine

from actors import ActorSystem, ChildSpec, Limits
from actors.cpu import pin
from actors.metrics import ActorCollector
from actors.operator import NAME, Operator
from pushserver.config import Settings
from pushserver.service.census import Census
from pushserver.service.delivery import DeliverySide
from pushserver.service.gateway import GatewaySide
from pushserver.service.groundwork import data_directory
from pushserver.service.layout import Layout
from pushserver.service.policies import ESSENTIAL
from pushserver.store import Estate, InFlight, Retention, TaskStore, open_reader, open_writer

_log = logging.getLogger(__name__)

COMMANDS_A_TASK = 10
"""Messages to the store that an unfinished task may have on the way at once, generously."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker stands: its name in the layout, its turn in the round of CPUs, its door's socket."""

    name: str
    layout: Layout
    index: int
    listening: socket.socket | None


class Worker:
    """The actors of one process.

    ``connect`` joins the system to other processes, if there are any; ``restart_process`` restarts one.
    """

    def __init__(
        self,
        settings: Settings,
        place: Place,
        *,
        console: TextIO | None = None,
        restart_process: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._place = place
        self._console = console or sys.stdout
        self._restart_process = restart_process
        self._resources = ExitStack()
        self._children: dict[str, ChildSpec] = {}
        self.cpu: int | None = None
        self.system = self._empty_system()

    def _empty_system(self) -> ActorSystem:
        """The tree is filled in afterwards: its specs hold refs, and refs need the system."""
        processes = self._settings.processes
        root = ChildSpec(kind="root", children=self._children, starts=_in_start_order(self._place))
        limits = Limits(processes.idle_after, processes.max_awake)
        return ActorSystem(self._place.name, root, limits=limits)

    # Start and stop ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything in order, the door last: what comes through it can be served.

        Raises:
            StartFailed: an actor that the process needs did not start.
        """
        if self._settings.processes.pin != "off":
            self.cpu = pin(self._place.index)
        # The store first: it reads what the last life had in hand, before this one makes a record of its own.
        self._children["store"] = self._store()
        if self._place.name in self._place.layout.delivery_processes:
            self._children |= self._delivery_side().specs()
        if self._place.name in self._place.layout.gateway_processes:
            self._children |= self._gateway_side().specs()
        self._children[NAME] = self._operator()
        self._resources.callback(self._stop_actors)
        self.system.start()
        self._log("已启动", action="worker_started", cpu=self.cpu)

    def stop(self) -> None:
        """Stop everything in the reverse order: what is under way is finished, the rest goes on next time."""
        self._resources.close()

    def _stop_actors(self) -> None:
        clean = self.system.stop(self._settings.processes.shutdown_timeout)
        self._log("已停止", action="worker_stopped", clean=clean)

    def _log(self, text: str, **fields: object) -> None:
        _log.info("%s %s", self._place.name, text, extra={"worker": self._place.name, **fields})

    # Parts -------------------------------------------------------------------------------------------

    @property
    def _directory(self) -> Path:
        return data_directory(self._settings)

    def _store(self) -> ChildSpec:
        queue, task, storage = self._settings.queue, self._settings.task, self._settings.storage
        start = partial(
            TaskStore,
            engine=partial(open_writer, storage.url, durability=storage.durability),
            buffer_size=queue.buffer_size,
            retention=Retention(task.max_age, task.cleanup_interval),
            estate=Estate(InFlight.recover(self._directory, {self._place.name})),
        )
        # Those who tell it something could do nothing about a refusal: there is room for all they say.
        capacity = COMMANDS_A_TASK * queue.buffer_size
        return ChildSpec(
            kind="store", start=start, policy=ESSENTIAL, batch=queue.batch_size, capacity=capacity
        )

    def _delivery_side(self) -> DeliverySide:
        recorder = InFlight(self._directory, self._place.name, self._settings.queue.worker_count)
        self._resources.callback(recorder.close)
        return DeliverySide(self._settings, self._place.layout, self.system, recorder, self._console)

    def _gateway_side(self) -> GatewaySide:
        if self._place.listening is None:
            raise ValueError(f"{self._place.name} has a door and needs a listening socket")
        return GatewaySide(
            self._settings,
            Census(self.system, self._place.layout),
            system=self.system,
            restart_process=self._restart_process,
            listening=self._place.listening,
            reading=self._reading_engine(),
        )

    def _reading_engine(self) -> Engine:
        engine = open_reader(self._settings.storage.url)
        self._resources.callback(engine.dispose)
        return engine

    def _operator(self) -> ChildSpec:
        start = partial(Operator, system=self.system, collect=self._collect)
        return ChildSpec(kind="operator", start=start, policy=ESSENTIAL)

    def _collect(self) -> list[Metric]:
        """Everything that this process counts."""
        per_actor = self._settings.processes.metrics_per_actor
        families = ActorCollector(self.system, prefix="pushserver_actor", per_actor=per_actor).collect()
        return [*families, *_process_families(self.cpu)]


def _in_start_order(place: Place) -> tuple[str, ...]:
    delivers = place.name in place.layout.delivery_processes
    has_door = place.name in place.layout.gateway_processes
    delivery = ("last-line", "recipients", "sweeper") if delivers else ()
    return ("store", *delivery, NAME, *(("api",) if has_door else ()))


def _process_families(cpu: int | None) -> list[Metric]:
    pinned = GaugeMetricFamily("pushserver_process_cpu", "The CPU that it is pinned to; -1: none.")
    pinned.add_metric((), -1 if cpu is None else cpu)
    memory = GaugeMetricFamily("pushserver_process_resident_bytes", "Memory of the process.")
    memory.add_metric((), _resident_bytes())
    return [pinned, memory]


def _resident_bytes() -> int:
    """Of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
