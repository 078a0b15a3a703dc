"""What one life of an actor is given: its name, clock, lease on the mailbox, way to the others."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pykka._envelope import Envelope

from actors.address import Address
from actors.cell import Cell
from actors.clock import Clock
from actors.errors import Fenced
from actors.mailbox import Lease
from actors.messages import Letter, Note
from actors.ref import Ref
from actors.scheduler import Timer

if TYPE_CHECKING:
    from actors.actor import Actor, Ending
    from actors.system import ActorSystem


class Context:
    """Built by the supervisor for each life, and all that belongs to this life alone.

    An abandoned life may still be running somewhere; what it writes here touches no successor.
    """

    __slots__ = (
        "_children",
        "_system",
        "actor",
        "busy_since",
        "cell",
        "clock",
        "deadline_from",
        "deferred",
        "inbox",
        "lease",
        "ref",
    )

    def __init__(self, system: "ActorSystem", cell: Cell) -> None:
        self._system = system
        self._children: dict[str, Ref] = {}
        self.cell = cell
        self.clock: Clock = system.clock
        self.lease: Lease = cell.mailbox.lease()
        self.inbox = _Inbox(self)
        self.ref = Ref(system, cell.address, cell)
        self.actor: Actor | None = None
        self.deferred: dict[int, Letter] = {}
        """Letters accepted and not yet settled, by identity."""
        self.busy_since: float | None = None
        self.deadline_from: float | None = None
        """Since when the deadline of what is in hand runs; ``None`` while idle or unhurried."""

    @property
    def address(self) -> Address:
        """My address."""
        return self.cell.address

    @property
    def current(self) -> Sequence[Letter]:
        """The letters in hand."""
        return self.lease.in_hand

    def child(self, name: str) -> Ref:
        """The address of a child of mine."""
        ref = self._children.get(name)
        if ref is None:
            ref = self._children[name] = Ref(self._system, self.address / name)
        return ref

    def check_current(self) -> None:
        """Raise :class:`Fenced` if a later life has begun."""
        if self.lease.revoked:
            raise Fenced

    def after(self, seconds: float, message: Any) -> Timer:
        """Put ``message`` ahead of my work in ``seconds``, unless a later life has begun by then."""
        return self._system.scheduler.after(seconds, partial(self._remind, message))

    def _remind(self, message: Any) -> None:
        if not self.lease.revoked:
            self.cell.mailbox.put_note(Note(message, at=self.clock.monotonic()))

    def finished(self, letters: Sequence[Letter], begun: float) -> None:
        """Count what has been handled."""
        cell, now = self.cell, self.clock.monotonic()
        self.lease.in_hand = ()
        self.busy_since = self.deadline_from = None
        cell.idle_since = now
        cell.record.note(len(letters), now - begun)

    def report_started(self) -> None:
        """``on_start`` has returned."""
        self.deadline_from = None
        self._system.scheduler.soon(partial(self._system.supervisor.started, self))

    def report_ended(self, ending: "Ending") -> None:
        """The thread is about to end."""
        self._system.scheduler.soon(partial(self._system.supervisor.ended, self, ending))


class _Inbox:
    """Lets Pykka's own refs and proxies of an actor reach the mailbox of its name."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def put(self, envelope: Envelope[Any], /) -> None:
        letter = Letter(envelope.message, at=self._context.clock.monotonic(), reply_to=envelope.reply_to)
        self._context.ref.deliver(letter)

    def get(self) -> Envelope[Any]:
        raise NotImplementedError("the actor reads its lease, not this inbox")

    def empty(self) -> bool:
        return len(self._context.cell.mailbox) == 0
