"""How to talk to an actor in another process: as to any other."""

import logging
from typing import TYPE_CHECKING, Any

from pykka import Timeout

from actors.address import Address
from actors.errors import ActorError, AskTimeout
from actors.messages import Letter
from actors.processes.errors import CannotTravel
from actors.processes.frames import Tell, pack, route_to
from actors.ref import Ref

if TYPE_CHECKING:
    from actors.processes.transport import Transport
    from actors.system import ActorSystem

_log = logging.getLogger(__name__)


class RemoteRef(Ref):
    """The address of an actor in another process; it behaves like any :class:`Ref`."""

    __slots__ = ("_transport",)

    def __init__(self, system: "ActorSystem", address: Address, transport: "Transport") -> None:
        super().__init__(system, address)
        self._transport = transport

    def tell(self, message: Any, *, sender: Ref | None = None, control: bool = False) -> None:
        """See :meth:`Ref.tell`; what cannot be delivered over there is told to ``sender``, if at all.

        Raises:
            CannotTravel: the message is not plain data.
            MailboxFull: too much waits for that process already.
            ActorUnavailable: this process is stopping.
        """
        told_by = route_to(sender.address) if sender is not None else None
        self._transport.tell(Tell(route_to(self.address), pack(message), told_by, control))

    def tell_if_awake(self, message: Any) -> bool:
        """See :meth:`Ref.tell_if_awake`; ``True`` says only that it is on its way."""
        try:
            self._transport.tell(Tell(route_to(self.address), pack(message), only_if_awake=True))
        except CannotTravel as error:
            _log.error("a word to %s is lost: %s", self.address, error)
        except ActorError as error:
            _log.debug("a word to %s is lost: %s", self.address, error)
        else:
            return True
        return False

    def ask(self, message: Any, timeout: float) -> Any:
        """See :meth:`Ref.ask`.

        Raises:
            CannotTravel: the message, or the answer, is not plain data.
            ActorUnavailable: the other process cannot be reached, or ended before it answered.
        """
        number, future = self._transport.ask(self.address, message)
        try:
            return future.get(timeout=timeout)
        except Timeout:
            raise AskTimeout(f"no answer from {self.address} within {timeout:g} s") from None
        finally:
            self._transport.forget(number)

    def deliver(self, letter: Letter, *, control: bool = False) -> None:
        """Letters are delivered where the mailbox is."""
        raise NotImplementedError(f"{self.address} is in another process: tell or ask")
