"""Actors to be crashed, hung and put to sleep, and the stage on which a test watches them."""

import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from actors import Actor, ActorSystem, Cell, ChildSpec, Context, Letter, Undelivered, receives

PATIENCE = 10.0
"""Seconds after which a wait has failed."""


@dataclass(frozen=True)
class Echo:
    """Answered with its value."""

    value: Any


@dataclass(frozen=True)
class Answer:
    """What an :class:`Echo` may carry, so that its teller knows the answer."""

    value: Any


@dataclass(frozen=True)
class Crash:
    """Raised by whoever handles it."""

    error: BaseException


@dataclass(frozen=True)
class Hang:
    """Keeps its handler busy until the curtain falls."""


@dataclass(frozen=True)
class Defer:
    """Kept open until the player is told to settle."""


@dataclass(frozen=True)
class Settle:
    """Answers what was deferred first."""

    value: Any


@dataclass(frozen=True)
class Resume:
    """Takes what was deferred first in hand again, then handles this."""

    message: Any


@dataclass(frozen=True)
class Forward:
    """Told on, as the player itself, to another actor."""

    path: tuple[str, ...]
    message: Any


@dataclass(frozen=True)
class Remind:
    """Told to the player itself later."""

    seconds: float
    message: Any


@dataclass(frozen=True)
class End:
    """The player ends by itself, in order."""


class Stage:
    """What a test sees of its players."""

    def __init__(self) -> None:
        self.curtain = threading.Event()
        self.hanging = threading.Semaphore(0)
        self.seen: dict[str, list[Any]] = defaultdict(list)
        self.lives: Counter[str] = Counter()
        self.ended: queue.Queue[tuple[str, str]] = queue.Queue()
        self.notices: queue.Queue[Undelivered] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.hanging_starts: set[str] = set()
        self.failing_starts: dict[str, list[BaseException]] = defaultdict(list)
        self.failing_stops: dict[str, list[BaseException]] = defaultdict(list)
        self.abandoned: list[str] = []
        self.wakeful: set[str] = set()
        self.notes: dict[str, Callable[[], str]] = {}
        self.players: dict[str, Player] = {}

    def notice(self) -> Undelivered:
        """The next dead letter that a player has been told of."""
        return self.notices.get(timeout=PATIENCE)

    def wait_until_hanging(self) -> None:
        """Return once another player hangs."""
        assert self.hanging.acquire(timeout=PATIENCE)


class Player(Actor):
    """Does what it is told to, and reports to the stage."""

    def __init__(self, context: Context, stage: Stage, system: "list[ActorSystem]") -> None:
        super().__init__(context)
        self.stage = stage
        self.system = system
        self.open: list[Letter] = []

    @property
    def name(self) -> str:
        return "/".join(self.context.address.path)

    def on_start(self) -> None:
        self.stage.lives[self.name] += 1
        self.stage.players[self.name] = self
        if self.name in self.stage.hanging_starts:
            self.stage.hanging_starts.remove(self.name)
            self.hang(Hang())
        if self.stage.failing_starts[self.name]:
            raise self.stage.failing_starts[self.name].pop(0)

    def on_stop(self) -> None:
        self.stage.ended.put((self.name, "stopped"))
        if self.stage.failing_stops[self.name]:
            raise self.stage.failing_stops[self.name].pop(0)

    def on_failure(self, exception_type: type[BaseException] | None, *_: object) -> None:
        assert exception_type is not None
        self.stage.ended.put((self.name, exception_type.__name__))

    def on_abandoned(self) -> None:
        self.stage.abandoned.append(self.name)

    def can_sleep(self) -> bool:
        return super().can_sleep() and self.name not in self.stage.wakeful

    def greet(self, name: str) -> str:
        return f"good evening, {name}"

    @receives(Echo)
    def echo(self, message: Echo) -> Any:
        self.stage.seen[self.name].append(message.value)
        return message.value

    @receives(Answer)
    def hear(self, answer: Answer) -> None:
        self.stage.answers.put((self.name, answer.value))

    @receives(Crash)
    def crash(self, message: Crash) -> None:
        raise message.error.with_traceback(None)

    @receives(Hang)
    def hang(self, _: Hang) -> Answer:
        self.stage.hanging.release()
        self.stage.curtain.wait(PATIENCE)
        return Answer("late")

    @receives(Defer)
    def keep(self, _: Defer) -> None:
        self.open.append(self.defer())

    @receives(Settle)
    def settle_first(self, message: Settle) -> None:
        self.settle(self.open.pop(0), message.value)

    @receives(Resume)
    def resume_and_go_on(self, message: Resume) -> Any:
        self.resume(self.open[0])
        return self._dispatch(message.message)

    def status_note(self) -> str:
        if self.name in self.stage.notes:
            return self.stage.notes[self.name]()
        return super().status_note()

    @receives(Forward)
    def forward(self, message: Forward) -> None:
        self.tell(self.system[0].ref(*message.path), message.message)

    @receives(Remind)
    def remind(self, message: Remind) -> None:
        self.after(message.seconds, message.message)

    @receives(End)
    def end(self, _: End) -> None:
        self.stop()

    @receives(Undelivered)
    def undelivered(self, notice: Undelivered) -> None:
        self.stage.notices.put(notice)


class Understudy(Player):
    """A player whose turn others may take."""


Understudy._brief = frozenset(Player._handlers) - {Hang, Resume}
"""All that never waits; what it resumes may."""


class Troupe:
    """Makes specs of players for one stage, and the systems that run them."""

    def __init__(self, stage: Stage, player: type[Player] = Player) -> None:
        self.stage = stage
        self.cast = player
        self._system: list[ActorSystem] = []

    def player(self, children: Mapping[str, ChildSpec] | None = None, **options: Any) -> ChildSpec:
        """A spec; ``options`` as of :class:`ChildSpec`."""
        start = partial(self.cast, stage=self.stage, system=self._system)
        return ChildSpec(**{"kind": "player", "start": start, "children": children or {}, **options})

    def system(self, children: Mapping[str, ChildSpec], **options: Any) -> ActorSystem:
        """A system, not started, whose top are ``children``."""
        starts = options.pop("starts", ())
        root = ChildSpec("root", children=children, starts=starts)
        self._system[:] = [ActorSystem("p", root, **options)]
        return self._system[0]


def flush(system: ActorSystem) -> None:
    """Return once the scheduler has run all that is due, and what that brought about."""
    done = threading.Event()
    system.scheduler.after(0, lambda: system.scheduler.soon(done.set))
    assert done.wait(PATIENCE)


def until(true: Callable[[], bool]) -> None:
    """Return once something is true that tells nobody when it becomes so; look again every millisecond."""
    give_up = time.monotonic() + PATIENCE
    pause = threading.Event()
    while not true():
        assert time.monotonic() < give_up, "it did not come true"
        pause.wait(0.001)


def until_idle(system: ActorSystem, *path: str) -> None:
    """Return once an actor has come to the end of all that it was told, its own counting included."""
    until(lambda: cell_of(system, *path).mailbox.idle)


def cell_of(system: ActorSystem, *path: str) -> Cell:
    """The cell of an actor that is awake."""
    cell = system.find(system.ref(*path).address)
    assert cell is not None
    return cell


def begin_restart(system: ActorSystem, *path: str) -> threading.Event:
    """An operator's restart, for tests that move the clock themselves."""
    done = threading.Event()
    system.scheduler.soon(partial(system.supervisor.restart, cell_of(system, *path), done.set))
    flush(system)
    return done


def put_to_sleep(system: ActorSystem, *path: str) -> bool:
    """What the watch does with idle subtrees, now, on the thread that may."""
    result: queue.Queue[bool] = queue.Queue()
    cell = cell_of(system, *path)
    system.scheduler.soon(lambda: result.put(system.supervisor.put_to_sleep(cell)))
    return result.get(timeout=PATIENCE)
