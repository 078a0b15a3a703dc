"""How to talk to an actor: hold its address, not the actor."""

from typing import TYPE_CHECKING, Any

from pykka import ThreadingFuture, Timeout

from actors.address import Address
from actors.errors import ActorNotFound, ActorUnavailable, AskTimeout
from actors.mailbox import MailboxClosed, MailboxParked
from actors.messages import Letter, Note, Reason, Undelivered

if TYPE_CHECKING:
    from actors.cell import Cell
    from actors.system import ActorSystem


class Ref:
    """An address that can be told and asked; valid whatever happens to the actor behind it."""

    __slots__ = ("_cell", "_system", "address")

    def __init__(self, system: "ActorSystem", address: Address, cell: "Cell | None" = None) -> None:
        self._system = system
        self._cell = cell
        self.address = address

    def __repr__(self) -> str:
        return f"Ref({self.address})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)

    def tell(self, message: Any, *, sender: "Ref | None" = None, control: bool = False) -> None:
        """Put ``message`` into the mailbox, at most once, without blocking.

        A ``sender`` is told (:class:`~actors.messages.Undelivered`) when the message does not come to its
        end, and is sent the handler's answer when there is one. ``control`` goes ahead of work and is never
        refused for want of room.

        Raises:
            ActorNotFound: nobody may live there.
            MailboxFull: there is no room.
            ActorUnavailable: the actor is parked, and there is no sender to be told.
        """
        self.deliver(Letter(message, at=self._system.clock.monotonic(), sender=sender), control=control)

    def ask(self, message: Any, timeout: float) -> Any:
        """Tell, and wait up to ``timeout`` seconds for the handler's answer.

        Raises:
            AskTimeout: no answer in time.
            ActorFailed: the actor failed on this message.
            Exception: an exception *returned* by the handler is raised here.
            ActorNotFound, MailboxFull, ActorUnavailable: as for :meth:`tell`.
        """
        future: ThreadingFuture[Any] = ThreadingFuture()
        self.deliver(Letter(message, at=self._system.clock.monotonic(), reply_to=future))
        try:
            return future.get(timeout=timeout)
        except Timeout:
            raise AskTimeout(f"no answer from {self.address} within {timeout:g} s") from None

    def tell_if_awake(self, message: Any) -> bool:
        """Tell the present life ahead of work; ``False`` if there is none. For answers and notices."""
        note = Note(message, at=self._system.clock.monotonic())
        cells = (self._cell, self._system.find(self.address))
        return any(cell is not None and cell.mailbox.put_note(note) for cell in cells)

    def deliver(self, letter: Letter, *, control: bool = False) -> None:
        """Put a letter into the mailbox; what :meth:`tell` and :meth:`ask` do. Raises as they do."""
        cell = self._cell or self._look_up()
        while not self._put(cell, letter, control=control):
            # The actor went to sleep or was let go since we looked: its name has a new cell, or gets one.
            cell = self._look_up(instead_of=cell)
        self._cell = cell

    def _look_up(self, instead_of: "Cell | None" = None) -> "Cell":
        cell = self._system.awake(self.address, instead_of)
        if cell.spec.start is None:
            raise ActorNotFound(self.address, list(cell.spec.starts))
        return cell

    def _put(self, cell: "Cell", letter: Letter, *, control: bool) -> bool:
        try:
            if control:
                cell.mailbox.put_control(letter)
            else:
                cell.mailbox.put(letter)
        except MailboxClosed:
            return False
        except MailboxParked as parked:
            self._turn_away(letter, str(parked))
        return True

    def _turn_away(self, letter: Letter, reason: str) -> None:
        if letter.sender is None:
            raise ActorUnavailable(f"{self.address} takes no messages now: {reason}")
        letter.sender.tell_if_awake(Undelivered(self.address, letter.message, Reason.PARKED, reason))
