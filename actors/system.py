"""The actors of one process: a tree of names, the specs behind it, and the threads that keep it going."""

import difflib
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from actors.address import Address
from actors.admission import PACE, Admission
from actors.cell import Cell, State
from actors.clock import Clock, SystemClock
from actors.errors import ActorNotFound, ActorUnavailable, AskTimeout, StartFailed
from actors.ledger import Ledger
from actors.mailbox import Mailbox
from actors.ref import Ref
from actors.scheduler import Scheduler
from actors.spec import ChildSpec
from actors.status import ActorStatus, asleep, is_stuck, status_of
from actors.supervisor import GRACE, Supervisor

_log = logging.getLogger(__name__)

SCAN_INTERVAL = 0.5
"""Seconds between two looks for stuck and idle actors."""
LAST_MOMENT = 0.5
"""Seconds that an actor gets to end at the stop, however long those before it took."""
MOST_COMPARED = 5_000
"""Names that are compared with one that is not known."""
SLEEP_SCANS = 4
"""Idle actors are looked for in every so-manieth scan: nothing depends on the moment."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When subtrees are put to sleep: idle for ``idle_after`` seconds, or over ``max_awake`` actors.

    Over that, those who are told something wait until others sleep; a few may wake every now and then, so
    that who stays awake for long keeps nobody waiting for ever.
    """

    idle_after: float = 600.0
    max_awake: int = 2000


class ActorSystem:
    """The runtime of one process.

    ``root`` is the spec whose children are the top of the tree; the root itself is a branch. Names that the
    specs allow can be told and asked at any time; cells exist only for those awake.
    """

    def __init__(
        self, process: str, root: ChildSpec, *, clock: Clock | None = None, limits: Limits | None = None
    ) -> None:
        self.process = process
        self.clock: Clock = clock or SystemClock()
        self.scheduler = Scheduler(self.clock)
        self.supervisor = Supervisor(self)
        self.failed = threading.Event()
        self.failure = ""
        self.remote: Callable[[Address], Ref] | None = None
        """How to reach other processes, once there are any."""
        self._limits = limits or Limits()
        self.ledger = Ledger()
        self._admission = Admission(self._limits.max_awake, self.supervisor.start)
        self.lock = threading.RLock()
        """Held by whoever changes the tree."""
        self._stopping = False
        self._scans = 0
        self._root = Cell(Address(process), root, None, Mailbox(0), state=State.RUNNING)

    # Start and stop ----------------------------------------------------------------------------------

    def start(self, timeout: float = 30.0) -> None:
        """Start the children that the root names, each once the one before it has answered.

        Raises:
            StartFailed: one of them has not started after ``timeout`` seconds or has given up.
        """
        self.scheduler.start()
        self.scheduler.after(SCAN_INTERVAL, self._scan)
        for name in self._root.spec.starts:
            self._start_one(name, timeout)

    def _start_one(self, name: str, timeout: float) -> None:
        started = threading.Event()
        cell = self.awake(self._root.address / name)
        self.scheduler.soon(partial(self.supervisor.when_started, cell, started.set))
        if not started.wait(timeout) or self.failed.is_set():
            raise StartFailed(f"{cell.address} did not start: {cell.record.last_error or 'no answer'}")

    def stop(self, grace: float = 10.0) -> bool:
        """End all actors in the reverse order of their start, within ``grace`` seconds in all.

        Each has what those before it have left of that time, and a last moment in any case. Returns ``True``
        if all of them ended by themselves. Messages still waiting are not handled.
        """
        with self.lock:
            self._stopping = True
        if not self.scheduler.running:
            return True
        clean = True
        deadline = self.clock.monotonic() + grace
        for cell in reversed(self._in_start_order()):
            clean &= self._stop_one(cell, max(LAST_MOMENT, deadline - self.clock.monotonic()))
        self.scheduler.stop()
        return clean

    def _in_start_order(self) -> list[Cell]:
        order = {name: index for index, name in enumerate(self._root.spec.starts)}
        with self.lock:
            cells = list(self._root.children.values())
        return sorted(cells, key=lambda cell: order.get(cell.address.name, len(order)))

    def _stop_one(self, cell: Cell, grace: float) -> bool:
        ended = threading.Event()
        cells = cell.subtree()
        failures = _failures(cells)
        self.scheduler.soon(partial(self.supervisor.stop, cell, grace, ended.set))
        ended.wait(grace + 5.0)
        return ended.is_set() and _failures(cells) == failures

    def fail(self, reason: str) -> None:
        """Something the system cannot do without is beyond repair: whoever runs the process must end it."""
        _log.critical("giving up: %s", reason, extra={"action": "system_failed", "error": reason})
        self.failure = self.failure or reason
        self.failed.set()

    # Names -------------------------------------------------------------------------------------------

    def ref(self, *path: str) -> Ref:
        """The address of an actor of this process, by its path."""
        return Ref(self, Address(self.process, path))

    def ref_at(self, address: Address) -> Ref:
        """The address of an actor of any process that this one is connected to.

        Raises:
            ActorNotFound: it is of another process, and this one is connected to none.
        """
        if address.process == self.process:
            return Ref(self, address)
        if self.remote is None:
            raise ActorNotFound(address)
        return self.remote(address)

    def find(self, address: Address) -> Cell | None:
        """The cell of an awake actor."""
        cell: Cell | None = self._root if address.process == self.process else None
        for name in address.path:
            cell = cell.children.get(name) if cell is not None else None
        return cell

    def awake(self, address: Address, instead_of: Cell | None = None) -> Cell:
        """The cell of an actor, started if it is asleep, together with those it stands under.

        ``instead_of`` is a cell whose mailbox turned out to be closed.

        Raises:
            ActorNotFound: the specs do not know this name.
            ActorUnavailable: the system is stopping.
        """
        if instead_of is None and (found := self.find(address)) is not None:
            return found
        with self.lock:
            if self._stopping:
                raise ActorUnavailable(f"{address} takes no messages: {self.process} is stopping")
            if address.process != self.process:
                raise ActorNotFound(address)
            if instead_of is not None and instead_of.mailbox.closed:
                self.remove(instead_of)
            cell = self._root
            for name in address.path:
                cell = cell.children.get(name) or self._create(cell, name, address)
            return cell

    def _create(self, parent: Cell, name: str, wanted: Address) -> Cell:
        spec = parent.spec.children.get(name)
        if spec is None:
            raise ActorNotFound(wanted, _near(name, parent.spec.children))
        cell = Cell(parent.address / name, spec, parent, Mailbox(spec.capacity))
        if spec.start is not None:
            self.ledger.enter(cell)
        cell.idle_since = self.clock.monotonic()
        parent.children[name] = cell
        self.scheduler.soon(partial(self._begin, cell))
        return cell

    def _begin(self, cell: Cell) -> None:
        """Start a new cell; one whose subtree can sleep when there is room, or room can be made."""
        if not cell.spec.sleeps:
            self.supervisor.start(cell)
            return
        crowded_before = self._admission.crowded
        self._admission.apply(cell)
        if self._admission.crowded and not crowded_before:  # the next ones wait for the next scan
            self._end_idle(self.cells(), self.clock.monotonic())
            self._admission.call()

    def spec_of(self, cell: Cell) -> ChildSpec | None:
        """A cell's spec as it is now; ``None`` if its parent does not know the name any more."""
        return cell.spec if cell.parent is None else cell.parent.spec.children.get(cell.address.name)

    def remove(self, cell: Cell) -> None:
        """Take a cell out of the tree, unless its name has a new one already."""
        with self.lock:
            parent = cell.parent
            if parent is not None and parent.children.get(cell.address.name) is cell:
                del parent.children[cell.address.name]

    def take_children(self, cell: Cell) -> list[Cell]:
        """Take all that stands under a cell out of the tree."""
        with self.lock:
            children, cell.children = cell.children, {}
        return list(children.values())

    # Operators ---------------------------------------------------------------------------------------

    def restart(self, address: Address, timeout: float = 5.0) -> int:
        """Restart an actor and what stands under it; its mailbox stays. A sleeping one stays asleep.

        Returns how often it has been restarted by now.

        Raises:
            ActorNotFound: the specs do not know this name.
            AskTimeout: it has not started again in time.
        """
        answer: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.begin_restart(address, answer.put)
        try:
            return answer.get(timeout=timeout)
        except queue.Empty:
            raise AskTimeout(f"{address} has not started again within {timeout:g} s") from None

    def begin_restart(self, address: Address, done: Callable[[int], None], grace: float = GRACE) -> None:
        """Begin what :meth:`restart` waits for, for those who must not wait.

        Who is busy may finish within ``grace`` seconds, half a second by default. ``done`` is told what that
        returns, on the supervisor's thread; of a sleeping one before this returns.

        Raises:
            ActorNotFound: the specs do not know this name.
        """
        cell = self.find(address)
        if cell is None:
            self.check_known(address)
            done(0)
        else:
            started_again = partial(_tell_restarts, cell, done)
            self.scheduler.soon(partial(self.supervisor.restart, cell, started_again, grace))

    def check_known(self, address: Address) -> ChildSpec:
        """The spec of an actor, awake or not.

        Raises:
            ActorNotFound: there is none; holds near names.
        """
        spec = self._root.spec
        for name in address.path:
            child = spec.children.get(name)
            if child is None:
                raise ActorNotFound(address, _near(name, spec.children))
            spec = child
        return spec

    def statuses(self) -> list[ActorStatus]:
        """All awake actors, parents before children."""
        now = self.clock.monotonic()
        return [status_of(cell, now) for cell in self.cells() if cell.spec.start is not None]

    def cells(self) -> list[Cell]:
        """All cells below the root."""
        with self.lock:
            return self._root.subtree()[1:]

    def sleeping(self, under: Address | None = None) -> Iterator[ActorStatus]:
        """All actors that the specs know and that are not awake; those at and below ``under`` only.

        Raises:
            ActorNotFound: the specs do not know ``under``.
        """
        top = under or self._root.address
        return self._sleeping(top, self.check_known(top), self.find(top))

    def _sleeping(self, at: Address, spec: ChildSpec, cell: Cell | None) -> Iterator[ActorStatus]:
        """Nobody is awake under a name that is not."""
        if cell is None and spec.start is not None:
            yield asleep(at, spec.kind)
        for name, child in spec.children.items():
            yield from self._sleeping(at / name, child, cell.children.get(name) if cell is not None else None)

    # The watch ---------------------------------------------------------------------------------------

    def _scan(self) -> None:
        self.scheduler.after(SCAN_INTERVAL, self._scan)
        now = self.clock.monotonic()
        cells = self.cells()
        for cell in cells:
            if is_stuck(cell, now):
                self.supervisor.replace(cell, f"busy with one message for more than {cell.spec.deadline:g} s")
        self._scans += 1
        if self._scans % SLEEP_SCANS == 0 or self._admission.crowded:
            self._end_idle(cells, now)
            self._admission.call(PACE)

    def _end_idle(self, cells: list[Cell], now: float) -> None:
        """End subtrees idle for too long, and the longest idle while too many are, or would be, awake."""
        awake = sum(1 for cell in cells if cell.context is not None)
        wanted = self._admission.shortage()
        roots = sorted((_idle_since(cell), id(cell), cell) for cell in cells if cell.spec.sleeps)
        for since, _, root in roots:
            enough = awake <= self._limits.max_awake and wanted <= 0
            if now - since < self._limits.idle_after and enough:
                return
            lives = sum(1 for cell in root.subtree() if cell.context is not None)
            if self.supervisor.put_to_sleep(root):
                awake -= lives
                wanted -= self._admission.size(root)


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Names that may have been meant; comparing costs 20 µs each, so that only so many are."""
    alike = (other for other in known if other[:1] == name[:1] or other[-1:] == name[-1:])
    return difflib.get_close_matches(name, list(islice(alike, MOST_COMPARED)), 3)


def _tell_restarts(cell: Cell, done: Callable[[int], None]) -> None:
    done(cell.record.restarts)


def _idle_since(root: Cell) -> float:
    return max(cell.idle_since for cell in root.subtree())


def _failures(cells: list[Cell]) -> int:
    return sum(cell.record.failures for cell in cells)
