"""The delivery actors over a real store, with scripted platforms and a clock that moves when told to."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from prometheus_client import CollectorRegistry

from actors import ActorStatus, ActorSystem, Address, ChildSpec, Clock, Limits, ManualClock, Policy, Ref
from actors.cell import Cell
from pushserver.api.task_view import view_task
from pushserver.config import Channel, DigestSettings, Mail, Notice, Recipient, TargetSettings, Webhook
from pushserver.delivery import (
    Gate,
    LastLine,
    Recipients,
    RetryRules,
    Services,
    Sweeper,
    Terms,
    channel_spec,
    progress_of,
)
from pushserver.domain import Fallback, PlatformName, StoredTask, Task
from pushserver.domain.messages import SubmitTasks, TaskReady
from pushserver.metrics import DeliveryMetrics
from pushserver.platforms import Platform
from pushserver.store import (
    Estate,
    InFlight,
    NotificationReader,
    NotificationStore,
    Retention,
    TaskReader,
    TaskStore,
    open_reader,
    open_writer,
)
from tests.delivery.parts import DINGTALK, EMAIL, FEISHU, NOON, SYSTEM
from tests.delivery.stage import DEADLINE, Stage

PROCESS = "main-0"
LAST_LINE = "last-line"
DELAY = 5.0
"""``queue.retry_delay`` of these tests; the clock is moved by it."""
SEND_TIMEOUT = 10.0
RULES = RetryRules(count=2, delay=DELAY)
LIMITS = Limits()
TERMS = Terms()
DIGEST = DigestSettings()

_T = TypeVar("_T")


class Outside(Protocol):
    """What stands behind the endpoints of a test."""

    def build(self, settings: TargetSettings) -> Platform:
        """The platform of an endpoint."""

    @property
    def inside(self) -> Sequence[str]:
        """Whose sends are held by the test."""

    def let_go(self) -> None:
        """Hold nothing any longer."""


def channel(platform: PlatformName, names: Iterable[str]) -> Channel:
    return Channel(platform=platform, targets=tuple(_target(platform, name) for name in names))


def _target(platform: PlatformName, name: str) -> TargetSettings:
    if platform is SYSTEM:
        return Notice(type="console", name=name)
    if platform is EMAIL:
        return Mail(smtp=None, mailboxes=(), name=name)
    return Webhook(platform=platform, name=name)


ROBOTS = (channel(FEISHU, "ab"), channel(DINGTALK, "cd"))


@dataclass(frozen=True, slots=True)
class Setup:
    """How a world is put together; all but ``channels`` rarely matters."""

    channels: tuple[Channel, ...] = ROBOTS
    more: Mapping[str, tuple[Channel, ...]] | None = None
    """Other recipients than ``ops_alert``."""
    notices: tuple[str, ...] | None = ("s",)
    """The global notices; ``None`` where there is no such block."""
    rules: RetryRules = RULES
    gate: Callable[[], Gate] = lambda: Gate(50, 20)
    limits: Limits = LIMITS
    buffer_size: int = 10_000
    busy_timeout: float = 5.0
    sweeps: bool = False
    terms: Terms = TERMS
    digest: DigestSettings = DIGEST
    channel_capacity: int = 10_000
    endpoint_capacity: int = 10_000
    notifications_capacity: int = 10_000


class World:
    """One process's delivery actors, from :meth:`start` to :meth:`stop` or :meth:`kill`."""

    def __init__(self, directory: Path, url: str, setup: Setup, stage: Outside, clock: Clock) -> None:
        self.directory = directory
        self.url = url
        self.setup = setup
        self.stage: Outside = stage
        self.clock = clock
        self._reading = open_reader(url)
        self._reader = TaskReader(self._reading)
        self.entries = NotificationReader(self._reading)
        self._in_flight_files = InFlight.recover(directory)
        self.in_flight = InFlight(directory, PROCESS)
        self.registry = CollectorRegistry()
        self.metrics = DeliveryMetrics(self.registry)
        self.system = self._build_system()
        self._killed = False

    # Building ----------------------------------------------------------------------------------------

    def _build_system(self) -> ActorSystem:
        children: dict[str, ChildSpec] = {}
        starts = ("store", "notifications", LAST_LINE, *(("sweeper",) if self.setup.sweeps else ()))
        root = ChildSpec(kind="root", children=children, starts=starts)
        system = ActorSystem(PROCESS, root, clock=self.clock, limits=self.setup.limits)
        self.store = system.ref("store")
        self.notifications = system.ref("notifications")
        notices = self.setup.notices
        self.gate = self.setup.gate()
        self.services = services = Services(
            store=self.store,
            notifications=self.notifications,
            gate=self.gate,
            in_flight=self.in_flight,
            rules=self.setup.rules,
            send_timeout=SEND_TIMEOUT,
            metrics=self.metrics,
            terms=self.setup.terms,
            last_line=(
                LastLine(system.ref(LAST_LINE), self.setup.notices)
                if self.setup.notices is not None
                else None
            ),
            chance=lambda: 0.0,
        )
        self.recipients = Recipients(self._configured(), services, self.stage.build)
        children["store"] = self._store_spec()
        children["notifications"] = self._notifications_spec()
        children[LAST_LINE] = channel_spec(channel(SYSTEM, notices or ()), services, self.stage.build)
        children["recipients"] = ChildSpec(kind="branch", children=_Bounded(self.recipients, self.setup))
        children["sweeper"] = ChildSpec(
            kind="sweeper", start=partial(Sweeper, store=self.store, recipient=self._recipient)
        )
        return system

    def _configured(self) -> dict[str, Recipient]:
        channels = {"ops_alert": self.setup.channels, **(self.setup.more or {})}
        digest = self.setup.digest
        return {
            alias: Recipient(alias=alias, name=alias, channels=of, digest=digest)
            for alias, of in channels.items()
            if of
        }

    def _store_spec(self) -> ChildSpec:
        start = partial(
            TaskStore,
            engine=partial(open_writer, self.url, busy_timeout=self.setup.busy_timeout),
            buffer_size=self.setup.buffer_size,
            retention=Retention(max_age=86_400.0, interval=300.0),
            estate=Estate(self._in_flight_files),
            on_attempt=self.metrics.attempt,
        )
        return ChildSpec(kind="store", start=start, policy=Policy(), batch=100)

    def _notifications_spec(self) -> ChildSpec:
        start = partial(
            NotificationStore,
            engine=partial(open_writer, self.url, busy_timeout=self.setup.busy_timeout),
            max_count=1000,
            owed=[],
        )
        capacity = self.setup.notifications_capacity
        return ChildSpec(kind="store", start=start, policy=Policy(), batch=100, capacity=capacity)

    def _recipient(self, alias: str) -> Ref:
        self.recipients.remember(alias)
        return self.system.ref("recipients", alias)

    # Life --------------------------------------------------------------------------------------------

    def start(self) -> "World":
        self.system.start()
        return self

    def stop(self) -> None:
        """End in order; whatever is held is let go."""
        self.stage.let_go()
        if not self._killed:
            self.system.stop(grace=DEADLINE)
        self.in_flight.close()
        self._reading.dispose()

    def kill(self) -> None:
        """As ``kill -9`` would: from here on no actor of this world does or says anything.

        A send that is inside stays inside, and what it comes to is lost.
        """
        self._killed = True
        for cell in self.system.cells():
            cell.mailbox.close()
            cell.mailbox.detach()
        self.system.scheduler.stop()

    # Pushing -----------------------------------------------------------------------------------------

    def submit(self, *tasks: Task) -> None:
        """Store, as the door does, and tell nobody."""
        self.store.ask(SubmitTasks(tasks), timeout=DEADLINE)

    def push(self, *tasks: Task) -> None:
        """Store, then wake."""
        self.submit(*tasks)
        for task in tasks:
            self._recipient(task.recipient).tell(TaskReady(task))

    def advance(self, seconds: float) -> None:
        """Let time pass, once everybody has done what there was to do before it."""
        assert isinstance(self.clock, ManualClock)
        if not self._killed:
            eventually(self._settled, "a moment of rest")
        self.clock.advance(seconds)

    def _settled(self) -> bool | None:
        """Nobody is at work, and nobody was between one look and the next."""
        before = self._handled()
        self.let_the_runtime_look()
        at_rest = all(self._rests(cell) for cell in self.system.cells())
        return (at_rest and self._handled() == before) or None

    def _handled(self) -> int:
        return sum(cell.record.processed + cell.record.failures for cell in self.system.cells())

    def _rests(self, cell: Cell) -> bool:
        """Waits for a message, for time, for somebody else, or is inside a send that a test holds."""
        if cell.mailbox.idle or cell.mailbox.parked or cell.spec.start is None:
            return True
        if cell.pending is not None or cell.ending is not None:
            return True
        life = cell.context
        waits_for_others = life is not None and life.busy_since is not None and life.deadline_from is None
        return waits_for_others or cell.address.name in self.stage.inside

    def let_the_runtime_look(self) -> None:
        """Wait until what is due on the runtime's own thread is over."""
        over = threading.Event()
        self.system.scheduler.after(0.0, over.set)
        assert over.wait(DEADLINE)

    # Looking -----------------------------------------------------------------------------------------

    def stored(self, task: Task) -> StoredTask:
        found = self._reader.fetch(task.id)
        assert found is not None
        return found

    def ended(self, *tasks: Task) -> list[StoredTask]:
        """Wait until these have come to their ends, last line of defence included."""
        return [eventually(partial(self._ended, task), "the end of a task") for task in tasks]

    def ended_in_time(self, *tasks: Task, step: float = 0.5) -> list[StoredTask]:
        """The same, and let time pass meanwhile: for tests in which nothing depends on when."""

        def look(task: Task) -> StoredTask | None:
            self.advance(step)
            return self._ended(task)

        return [eventually(partial(look, task), "the end of a task") for task in tasks]

    def _ended(self, task: Task) -> StoredTask | None:
        stored = self.stored(task)
        return stored if stored.status.final and stored.fallback is not Fallback.OWED else None

    def tell_ready(self, task: Task) -> None:
        """Wake its recipient with a task that is stored already."""
        self._recipient(task.recipient).tell(TaskReady(task))

    def recorded(self, task: Task, count: int) -> None:
        """Wait until so many attempts are in the store."""
        eventually(lambda: len(self.stored(task).attempts) >= count or None, f"{count} attempts")

    def view(self, stored: StoredTask) -> dict[str, Any]:
        channels = self._configured()[stored.task.recipient].channels
        now = self.clock.now().timestamp()
        return view_task(stored, progress_of(stored, channels, self.setup.rules, now))

    def status(self, *path: str) -> ActorStatus:
        """Of an actor that is awake."""
        address = Address(PROCESS, path)
        return next(status for status in self.system.statuses() if status.address == address)

    def awake(self, *path: str) -> bool:
        return self.system.find(Address(PROCESS, path)) is not None

    def restart(self, *path: str) -> int:
        """As an operator does."""
        return self.system.restart(Address(PROCESS, path), timeout=DEADLINE)


@dataclass(frozen=True, slots=True, eq=False)
class _Bounded(Mapping[str, ChildSpec]):
    """The recipients' specs with mailboxes of the size that a test asks for."""

    recipients: Recipients
    setup: Setup

    def __getitem__(self, alias: str) -> ChildSpec:
        spec = self.recipients[alias]
        return replace(spec, children={name: self._channel(child) for name, child in spec.children.items()})

    def _channel(self, spec: ChildSpec) -> ChildSpec:
        capacity = self.setup.endpoint_capacity
        endpoints = {name: replace(child, capacity=capacity) for name, child in spec.children.items()}
        return replace(spec, capacity=self.setup.channel_capacity, children=endpoints)

    def __iter__(self) -> Iterator[str]:
        return iter(self.recipients)

    def __len__(self) -> int:
        return len(self.recipients)


def eventually(look: Callable[[], _T | None], what: str) -> _T:
    """Look until there is something to see."""
    pause = threading.Event()
    give_up = time.monotonic() + DEADLINE
    while (found := look()) is None:
        assert time.monotonic() < give_up, f"waited in vain for {what}"
        pause.wait(0.002)
    return found


class Worlds:
    """Makes worlds, one after the other over the same store, and ends them all."""

    def __init__(self, directory: Path, url: str) -> None:
        self._directory = directory
        self._url = url
        self._made: list[World] = []
        self.clock = ManualClock(NOON + timedelta(seconds=1))

    def __call__(
        self, setup: Setup | None = None, stage: Outside | None = None, clock: Clock | None = None
    ) -> World:
        world = World(self._directory, self._url, setup or Setup(), stage or Stage(), clock or self.clock)
        self._made.append(world)
        return world.start()

    def stop(self) -> None:
        for world in reversed(self._made):
            world.stop()


@contextmanager
def worlds_over(directory: Path, migrated: Path) -> Iterator[Worlds]:
    file = directory / "store.db"
    file.write_bytes(migrated.read_bytes())
    worlds = Worlds(directory / "flight", f"sqlite:///{file}")
    try:
        yield worlds
    finally:
        worlds.stop()


def with_channels(*channels: Channel, **more: Any) -> Setup:
    return replace(Setup(channels=tuple(channels)), **more)


def summary(view: Mapping[str, Any]) -> str:
    """The results of a task in a line: ``+`` reached, ``-`` not, ``?`` not, but it may have arrived."""
    return " ".join(_summarise(item) for item in view["results"] if not item.get("fallback"))


def _summarise(item: Mapping[str, Any]) -> str:
    if item["status"] == "success":
        return f"{item['target']}+"
    return f"{item['target']}?" if item.get("uncertain") else f"{item['target']}-"


def alarms(view: Mapping[str, Any]) -> Sequence[str]:
    """The names of the notices that the last line of defence has used."""
    return [item["target"] for item in view["results"] if item.get("fallback")]
