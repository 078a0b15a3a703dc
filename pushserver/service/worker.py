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

from sqlalchemy import Engine

from actors import ActorSystem, ChildSpec, Limits
from actors.cpu import pin
from actors.operator import NAME, Life, Operator
from pushserver.config import Settings
from pushserver.service.census import Census
from pushserver.service.delivery import NOTIFICATIONS, DeliverySide
from pushserver.service.gateway import GatewaySide
from pushserver.service.groundwork import data_directory
from pushserver.service.instruments import Instruments
from pushserver.service.layout import Layout
from pushserver.service.policies import ESSENTIAL
from pushserver.store import (
    Estate,
    InFlight,
    NotificationStore,
    Retention,
    TaskReader,
    TaskStore,
    open_reader,
    open_writer,
)

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

    ``restart_process`` restarts a process by its name; ``restarts`` is how often this one has been.
    """

    def __init__(
        self,
        settings: Settings,
        place: Place,
        *,
        console: TextIO | None = None,
        restart_process: Callable[[str], None],
        restarts: int = 0,
    ) -> None:
        self._settings = settings
        self._place = place
        self._console = console or sys.stdout
        self._restart_process = restart_process
        self._resources = ExitStack()
        self._children: dict[str, ChildSpec] = {}
        self.cpu: int | None = None
        self.system = self._empty_system()
        self._life = Life(os.getpid(), restarts, self.system.clock.monotonic())
        self._instruments = Instruments(
            self.system,
            self._life,
            per_actor=settings.processes.metrics_per_actor,
            cpu=lambda: self.cpu,
        )

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
        self._children[NOTIFICATIONS] = self._notifications()
        if self._place.name in self._place.layout.delivery_processes:
            self._children |= self._delivery_side().specs()
        if self._place.name in self._place.layout.gateway_processes:
            self._children |= self._gateway_side().specs()
        if self._place.name == self._place.layout.processes[0]:
            self._show_queue()
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
            on_attempt=self._instruments.note_attempt,
        )
        # Those who tell it something could do nothing about a refusal: there is room for all they say.
        capacity = COMMANDS_A_TASK * queue.buffer_size
        return ChildSpec(
            kind="store", start=start, policy=ESSENTIAL, batch=queue.batch_size, capacity=capacity
        )

    def _notifications(self) -> ChildSpec:
        """Each process has one: who delivers writes entries, who has a door changes them."""
        queue, storage = self._settings.queue, self._settings.storage
        start = partial(
            NotificationStore,
            engine=partial(open_writer, storage.url, durability=storage.durability),
            max_count=self._settings.notifications.max_count,
            owed=[],
        )
        return ChildSpec(
            kind="store", start=start, policy=ESSENTIAL, batch=queue.batch_size, capacity=queue.buffer_size
        )

    def _delivery_side(self) -> DeliverySide:
        recorder = InFlight(self._directory, self._place.name, self._settings.queue.worker_count)
        self._resources.callback(recorder.close)
        return DeliverySide(
            self._settings,
            self._place.layout,
            system=self.system,
            in_flight=recorder,
            metrics=self._instruments.delivery,
            console=self._console,
        )

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
            metrics=self._instruments.door,
        )

    def _reading_engine(self) -> Engine:
        engine = open_reader(self._settings.storage.url)
        self._resources.callback(engine.dispose)
        return engine

    def _operator(self) -> ChildSpec:
        start = partial(Operator, system=self.system, collect=self._instruments.collect, life=self._life)
        return ChildSpec(kind="operator", start=start, policy=ESSENTIAL)

    def _show_queue(self) -> None:
        """The queue is one for all processes, so that the first of them shows it."""
        reader = TaskReader(self._reading_engine())
        self._instruments.show_queue(reader.backlog, self._settings.queue.buffer_size)


def _in_start_order(place: Place) -> tuple[str, ...]:
    delivers = place.name in place.layout.delivery_processes
    has_door = place.name in place.layout.gateway_processes
    delivery = ("last-line", "recipients", "sweeper") if delivers else ()
    return ("store", NOTIFICATIONS, *delivery, NAME, *(("api",) if has_door else ()))
