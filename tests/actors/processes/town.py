"""Several systems of actors, each in a process as far as it knows, in the one process of a test."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from actors import Actor, ActorSystem, Address, ChildSpec, Context, Exhausted, Policy, Undelivered, receives
from actors.processes import Network, Transport
from tests.actors.cast import PATIENCE, Answer, Crash, Echo, Hang, Stage


@dataclass(frozen=True)
class Forward:
    """Told on, as the resident itself."""

    to: Address
    message: Any


@dataclass(frozen=True)
class Reveal:
    """Answered with something that cannot leave its process, or not arrive."""

    kind: str


@dataclass(frozen=True)
class Refuse:
    """Answered with an error that is returned."""

    error: Exception


@dataclass(frozen=True)
class Note:
    """Kept by the resident, in the order of arrival."""

    value: Any


class Stubborn(Exception):  # noqa: N818 - a name
    """An error that can be pickled but not built again."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


@dataclass(frozen=True)
class Poison:
    """Can be pickled here and built nowhere."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (_explode, ())


def _explode() -> None:
    raise RuntimeError("this cannot be built")


class Resident(Actor):
    """Does what it is told, and shows the stage what it hears."""

    def __init__(self, context: Context, stage: Stage, system: list[ActorSystem]) -> None:
        super().__init__(context)
        self.stage = stage
        self.system = system

    @receives(Echo)
    def echo(self, message: Echo) -> Any:
        return message.value

    @receives(Note)
    def note(self, message: Note) -> None:
        self.stage.seen[str(self.context.address)].append(message.value)

    @receives(Crash)
    def crash(self, message: Crash) -> None:
        raise message.error

    @receives(Hang)
    def hang(self, _: Hang) -> str:
        self.stage.hanging.release()
        self.stage.curtain.wait(PATIENCE)
        return "late"

    @receives(Reveal)
    def reveal(self, message: Reveal) -> Any:
        return {"lock": threading.Lock(), "poison": Poison(), "error": Stubborn("one", "two")}[message.kind]

    @receives(Refuse)
    def refuse(self, message: Refuse) -> Exception:
        return message.error

    @receives(Forward)
    def forward(self, message: Forward) -> None:
        self.tell(self.system[0].ref_at(message.to), message.message)

    @receives(Answer)
    def hear(self, answer: Answer) -> None:
        self.stage.answers.put((str(self.context.address), answer.value))

    @receives(Undelivered)
    def undelivered(self, notice: Undelivered) -> None:
        self.stage.notices.put(notice)


@dataclass
class House:
    """One process."""

    system: ActorSystem
    transport: Transport

    def stop(self) -> None:
        self.transport.stop()
        self.system.stop(grace=1.0)


class Town:
    """Builds houses on one network."""

    def __init__(self, stage: Stage, network: Network) -> None:
        self.stage = stage
        self.network = network
        self.houses: list[House] = []

    def build(self, name: str, children: Mapping[str, ChildSpec] | None = None) -> House:
        """A process with a ``resident``, one that is ``fragile`` and one with little ``room``."""
        own: list[ActorSystem] = []
        start: Callable[[Context], Actor] = partial(Resident, stage=self.stage, system=own)
        known = {
            "resident": ChildSpec("resident", start),
            "fragile": ChildSpec("resident", start, policy=Policy(restarts=0, exhausted=Exhausted.PARK)),
            "room": ChildSpec("resident", start, capacity=1),
        }
        system = ActorSystem(name, ChildSpec("root", children=children or known))
        own.append(system)
        house = House(system, Transport(system, self.network))
        self.houses.append(house)
        system.start()
        house.transport.start()
        return house

    def close(self) -> None:
        self.stage.curtain.set()
        for house in self.houses:
            house.stop()
