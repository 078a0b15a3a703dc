"""One process of the service: its actors, from the store up; in a process of its own or inside the caller's.

:meth:`Worker.start` reads as the order of the start, the stop is its reverse.
"""

import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self, TextIO

from sqlalchemy import Engine

from actors import ActorSystem, ChildSpec, Limits
from actors.cpu import available, give_way, pin
from actors.operator import NAME, Life, Operator
from pushserver.config import Settings
from pushserver.config.apart import Source
from pushserver.delivery import Board
from pushserver.service.census import Census
from pushserver.service.configuration import spread
from pushserver.service.delivery import LOOKOUT, NOTIFICATIONS, DeliverySide
from pushserver.service.endpoints import Endpoints
from pushserver.service.follower import FOLLOWER, Follower, Side, Standing
from pushserver.service.gateway import GatewaySide
from pushserver.service.groundwork import Sockets, data_directory
from pushserver.service.instruments import Instruments
from pushserver.service.layout import Layout
from pushserver.service.mailer import mailer_of
from pushserver.service.policies import ESSENTIAL, REMOTE
from pushserver.service.relay import RelaySide
from pushserver.service.relay import in_start_order as relay_start_order
from pushserver.service.reloader import DEADLINE, RELOADER, Reload, Reloader
from pushserver.service.shelf import MemoryShelf, Shelf
from pushserver.store import (
    Checkpointer,
    Estate,
    InFlight,
    MailReader,
    NotificationStore,
    Receipts,
    Retention,
    TaskReader,
    TaskStore,
    open_reader,
    open_writer,
)

_log = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
COMMANDS_A_TASK = 10
"""Messages to the store that an unfinished task may have on the way at once, generously."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker stands: its name in the layout, and the sockets of the doors that it has.

    ``smtp_port`` is the port of the SMTP door, wherever that is, if there is one.
    """

    name: str
    layout: Layout
    http: socket.socket | None = None
    smtp: socket.socket | None = None
    smtp_port: int | None = None

    @classmethod
    def of(cls, name: str, layout: Layout, sockets: Sockets) -> Self:
        """A process gets the sockets of its own doors only."""
        return cls(
            name,
            layout,
            sockets.http if name in layout.gateway_processes else None,
            sockets.smtp if name == layout.relay_process else None,
            sockets.smtp_port,
        )

    @property
    def delivers(self) -> bool:
        """Are there recipients here?"""
        return self.name in self.layout.delivery_processes

    @property
    def has_door(self) -> bool:
        """Do pushes come in here?"""
        return self.name in self.layout.gateway_processes

    @property
    def is_first(self) -> bool:
        """Is this where things are done that are done once for all processes?"""
        return self.name == self.layout.processes[0]

    @property
    def has_tasks(self) -> bool:
        """Has anybody here to do with pushes?"""
        return self.delivers or self.has_door

    @property
    def relays(self) -> bool:
        """Are mails relayed here?"""
        return self.name == self.layout.relay_process


@dataclass(frozen=True, slots=True)
class Changing:
    """How settings change while a service works.

    ``source`` is where they come from, ``shelf`` where those in effect lie. ``learn`` is told of the parts
    that are new, for whoever keeps their secrets.
    """

    source: Source | None = None
    shelf: Shelf = field(default_factory=MemoryShelf)
    learn: Callable[[object], None] = lambda _: None


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
        changing: Changing | None = None,
    ) -> None:
        self._changing = changing or Changing()
        self._standing = _standing(settings, self._changing.shelf)
        self._settings = settings = self._standing.settings
        if self._standing.number:  # whoever made the redactor knew the earlier ones only
            self._changing.learn(settings)
        self._sides: list[Side] = []
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
        starts = _in_start_order(self._place, self._settings)
        root = ChildSpec(kind="root", children=self._children, starts=starts)
        limits = Limits(processes.idle_after, processes.max_awake)
        return ActorSystem(self._place.name, root, limits=limits)

    # Start and stop ----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything in order, the door last: what comes through it can be served.

        Raises:
            StartFailed: an actor that the process needs did not start.
        """
        if self._settings.processes.pin != "off":
            self.cpu = pin(self._place.layout.cpu_turn(self._place.name, available()))
        if not self._place.has_tasks:
            give_way()  # a mail may take a moment longer, whoever posts a push is waiting
        self._make_children()
        self._children[NAME] = self._operator()
        self._resources.callback(self._stop_actors)
        self.system.start()
        self._log("已启动", action="worker_started", cpu=self.cpu)

    def _make_children(self) -> None:
        place = self._place
        # The store first: it reads what the last life had in hand, before this one makes a record of its own.
        if place.has_tasks:
            self._children["store"] = self._store()
        self._children[NOTIFICATIONS] = self._notifications()
        if place.delivers:
            delivery = self._delivery_side()
            self._children |= delivery.specs()
            self._sides.append(delivery)
        if place.relays:
            relay = self._relay_side()
            self._children |= relay.specs()
            self._sides.append(relay)
            self._show_relay(relay)
        if place.has_door:
            gateway = self._gateway_side()
            self._children |= gateway.specs()
            self._sides.append(gateway)
        if place.is_first:
            self._children[CHECKPOINTS] = self._checkpoints()
            self._children[RELOADER] = self._reloader()
            self._show_queue()
        self._children[FOLLOWER] = self._follower()

    def reload(self) -> None:
        """Have the configuration put into effect, without waiting; in the first process only."""
        self.system.ref(RELOADER).tell(Reload())

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

    def _checkpoints(self) -> ChildSpec:
        """Without it the log grows, and in the end others wait for the disk: no reason to end the process."""
        start = partial(Checkpointer, engine=partial(open_writer, self._settings.storage.url))
        return ChildSpec(kind="checkpointer", start=start, policy=REMOTE)

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
        board = Board()
        self._instruments.show_endpoints(board)
        return DeliverySide(
            self._settings,
            self._place.layout,
            system=self.system,
            in_flight=recorder,
            metrics=self._instruments.delivery,
            board=board,
            build=self._endpoints(),
        )

    def _relay_side(self) -> RelaySide:
        receipts = Receipts(self._directory, self._place.name)
        self._resources.callback(receipts.close)
        return RelaySide(
            self._settings,
            system=self.system,
            listening=self._place.smtp,
            receipts=receipts,
            instruments=self._instruments,
            build=self._endpoints(),
        )

    def _endpoints(self) -> Endpoints:
        """Before the side that builds with them: what begins anew is built by the new settings."""
        accounts = mailer_of(self._settings, self.system, self._place.layout.relay_process)
        endpoints = Endpoints(self._settings, self._console, accounts)
        self._sides.append(endpoints)
        return endpoints

    def _gateway_side(self) -> GatewaySide:
        if self._place.http is None:
            raise ValueError(f"{self._place.name} has a door and needs a listening socket")
        return GatewaySide(
            self._settings,
            Census(self.system, self._place.layout),
            system=self.system,
            restart_process=self._restart_process,
            listening=self._place.http,
            reading=self._reading_engine(),
            metrics=self._instruments.door,
            smtp_port=self._place.smtp_port,
        )

    def _reading_engine(self) -> Engine:
        engine = open_reader(self._settings.storage.url)
        self._resources.callback(engine.dispose)
        return engine

    def _operator(self) -> ChildSpec:
        start = partial(Operator, system=self.system, collect=self._instruments.collect, life=self._life)
        return ChildSpec(kind="operator", start=start, policy=ESSENTIAL)

    def _follower(self) -> ChildSpec:
        start = partial(
            Follower,
            shelf=self._changing.shelf,
            standing=self._standing,
            sides=self._sides,
            learn=self._changing.learn,
        )
        return ChildSpec(kind="follower", start=start, policy=ESSENTIAL)

    def _reloader(self) -> ChildSpec:
        start = partial(
            Reloader,
            source=self._changing.source,
            shelf=self._changing.shelf,
            standing=self._standing,
            spread=partial(spread, self.system, self._place.layout),
        )
        return ChildSpec(kind="reloader", start=start, policy=REMOTE, deadline=DEADLINE)

    def _show_queue(self) -> None:
        """The queue is one for all processes, so that the first of them shows it."""
        reader = TaskReader(self._reading_engine())
        self._instruments.show_queue(reader.backlog, self._settings.queue.buffer_size)

    def _show_relay(self, relay: RelaySide) -> None:
        reader = MailReader(self._reading_engine())
        self._instruments.show_relay(
            tally=relay.tally,
            backlog=reader.backlog,
            resting=lambda: relay.roll.accounts,
            now=self.system.clock.now,
        )


def _in_start_order(place: Place, settings: Settings) -> tuple[str, ...]:
    tasks = ("store",) if place.has_tasks else ()
    delivery = ("last-line", "recipients", LOOKOUT, "sweeper") if place.delivers else ()
    relay = relay_start_order(settings) if place.relays else ()
    of_the_first = (CHECKPOINTS, RELOADER) if place.is_first else ()
    api = ("api",) if place.has_door else ()
    return (*tasks, NOTIFICATIONS, *delivery, NAME, *relay, FOLLOWER, *of_the_first, *api)


def _standing(settings: Settings, shelf: Shelf) -> Standing:
    """What a process is born with, or what came into effect before it was."""
    newer = shelf.newer_than(0)
    return Standing(newer[1], newer[0]) if newer else Standing(settings)
