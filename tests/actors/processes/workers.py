"""What the worker processes of these tests run, and how a test hears of them: they must be importable."""

import json
import os
import queue
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actors import Actor, ActorSystem, ChildSpec, receives
from actors.processes import Link, Network, Transport
from actors.processes.exit_codes import ORPHANED

PATIENCE = 20.0
"""Seconds after which a wait has failed."""
BEAT = 0.05


@dataclass(frozen=True)
class News:
    """Something that happened to a worker."""

    who: str
    what: str
    pid: int
    at: float
    detail: str = ""


class Ear:
    """The test's end: hears of all workers, in the order in which they speak."""

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "ear")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        # A socket holds ten datagrams or so, and whoever has more to say would wait.
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def hear(self, who: str, *what: str) -> News:
        """The next news of a worker that is of a certain kind; others are passed over."""
        while True:
            news = self.next()
            if news.who == who and news.what in what:
                return news

    def next(self) -> News:
        return self._news.get(timeout=PATIENCE)

    def count(self, amount: int, what: str) -> list[News]:
        """The next so many of one kind, whoever they are about."""
        found: list[News] = []
        while len(found) < amount:
            news = self.next()
            if news.what == what:
                found.append(news)
        return found

    def is_silent_for(self, seconds: float) -> bool:
        try:
            self._news.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._listener.join()
        self._socket.close()

    def _listen(self) -> None:
        while words := self._socket.recv(4096):
            self._news.put(News(**json.loads(words)))


@dataclass(frozen=True)
class Mouth:
    """The worker's end."""

    path: str
    who: str

    def say(self, what: str, detail: str = "") -> None:
        news = {"who": self.who, "what": what, "pid": os.getpid(), "at": time.monotonic(), "detail": detail}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
            mouth.sendto(json.dumps(news).encode(), self.path)


@dataclass(frozen=True)
class Part:
    """How a worker behaves."""

    status: int = 0
    fails_at_once: bool = False
    raises: bool = False
    gets_ready: bool = True
    beats: bool = True
    heeds_stop: bool = True
    talks_nonsense: bool = False
    restarts: tuple[str, ...] = ()
    stop_takes: float = 0.0
    birth_takes: float = 0.0


def play(link: Link, mouth: Mouth, part: Part) -> int:
    """A worker like any other, but for its part."""
    mouth.say("born")
    if part.raises:
        raise RuntimeError("as its part says")
    if part.fails_at_once:
        return part.status
    time.sleep(part.birth_takes)
    if part.talks_nonsense:
        os.write(link._pipe.fileno(), b"\x80\x05garbage\nrea")
        os.write(link._pipe.fileno(), b"dy\n")
    elif part.gets_ready:
        link.ready()
    mouth.say("ready")
    for name in part.restarts:
        link.restart(name)
    return stay(link, mouth, part)


def stay(link: Link, mouth: Mouth, part: Part) -> int:
    """Work until told to stop."""
    while not link.wait(BEAT) or not part.heeds_stop:
        if part.beats:
            link.beat()
        if not part.heeds_stop:
            time.sleep(BEAT)
    time.sleep(part.stop_takes)
    mouth.say("stopped", "orphaned" if link.orphaned else "")
    return ORPHANED if link.orphaned else part.status


def tell_title(link: Link, mouth: Mouth) -> int:
    """Says what the system calls it."""
    mouth.say("title", Path("/proc/self/cmdline").read_text(encoding="utf-8").split("\0")[0])
    return play(link, mouth, Part())


def serve(link: Link, mouth: Mouth, listener: socket.socket) -> int:
    """A door: answers each connection with its pid."""

    def answer() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(str(os.getpid()).encode())

    threading.Thread(target=answer, daemon=True).start()
    return play(link, mouth, Part())


def weigh(link: Link, mouth: Mouth, payload: bytes) -> int:
    """Says how much it was given."""
    mouth.say("weight", str(len(payload)))
    return play(link, mouth, Part())


@dataclass(frozen=True)
class Count:
    """One more."""

    number: int


@dataclass(frozen=True)
class HowMany:
    """Answered with a :class:`Tally`."""


@dataclass(frozen=True)
class Tally:
    """How many came, whether in order, and what that cost: seconds of CPU since the first one."""

    amount: int
    in_order: bool
    cpu: float


class Counter(Actor):
    """Counts what it is told."""

    amount = 0
    in_order = True
    begun = 0.0

    @receives(Count)
    def count(self, message: Count) -> None:
        if self.amount == 0:
            self.begun = time.process_time()
        self.in_order &= message.number == self.amount
        self.amount += 1

    @receives(HowMany)
    def how_many(self, _: HowMany) -> Tally:
        return Tally(self.amount, self.in_order, time.process_time() - self.begun)


@dataclass(frozen=True)
class Pid:
    """Answered with the number of the process."""


@dataclass(frozen=True)
class Sleep:
    """Answered after so many seconds."""

    seconds: float


class Doorman(Actor):
    """Knows which process it is in."""

    @receives(Pid)
    def pid(self, _: Pid) -> int:
        return os.getpid()

    @receives(Sleep)
    def sleep(self, message: Sleep) -> None:
        time.sleep(message.seconds)


def residents() -> Mapping[str, ChildSpec]:
    return {
        "counter": ChildSpec("counter", Counter, capacity=1_000_000),
        "doorman": ChildSpec("doorman", Doorman),
    }


def host(link: Link, mouth: Mouth, network: Network, cpus: Sequence[int] = ()) -> int:
    """A process with actors in it, named as the worker is."""
    if cpus:
        os.sched_setaffinity(0, cpus)
    system = ActorSystem(mouth.who, ChildSpec("root", children=residents()))
    transport = Transport(system, network)
    system.start()
    transport.start()
    try:
        return play(link, mouth, Part())
    finally:
        transport.stop()
        system.stop()
