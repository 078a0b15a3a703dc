"""Messages between the processes of a service, over Unix sockets in a directory that only its user can enter.

Each process listens on a socket of its own and writes to those of the others. ``tell`` is at most once and
never blocks; whoever needs certainty keeps it in a database. ``ask`` has a deadline.
"""

import logging
import pickle
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Any, Protocol

from pykka import ThreadingFuture, Timeout

from actors.address import Address
from actors.errors import ActorError, ActorUnavailable, AskTimeout
from actors.messages import Letter
from actors.processes.frames import Answer, Ask, Frame, Tell
from actors.processes.peer import Peer
from actors.ref import Ref
from actors.system import ActorSystem

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Network:
    """Where the processes of one service find one another; made by the root, given to every worker."""

    directory: str
    authkey: bytes

    def path(self, process: str) -> str:
        """The socket of a process."""
        return str(Path(self.directory) / f"{process}.sock")


class Transport:
    """One process's line to the others: gives refs to their actors, and its own actors to them."""

    def __init__(self, system: ActorSystem, network: Network) -> None:
        self._system = system
        self._process = system.process
        self._network = network
        self._peers: dict[str, Peer] = {}
        self._lock = threading.Lock()
        self._asked: dict[int, ThreadingFuture[Any]] = {}
        self._numbers = count()
        self._listener: socket.socket | None = None

    # Out ---------------------------------------------------------------------------------------------

    def tell(self, frame: Tell) -> None:
        """Send a message to another process; see :meth:`Peer.send` for what it raises."""
        self._peer(frame.to.process).send(frame)

    def ask(self, to: Address, message: Any) -> tuple[int, ThreadingFuture[Any]]:
        """Send a message whose answer is set on the future; its number is for :meth:`forget`."""
        number = next(self._numbers)
        future = self._asked[number] = ThreadingFuture()
        try:
            self._peer(to.process).send(Ask(to, message, self._process, number))
        except Exception:
            self.forget(number)
            raise
        return number, future

    def forget(self, number: int) -> None:
        """Nobody waits for this answer any more."""
        self._asked.pop(number, None)

    def _peer(self, process: str) -> Peer:
        peer = self._peers.get(process)
        if peer is None:
            with self._lock:
                peer = self._peers.get(process)
                if peer is None:
                    path = self._network.path(process)
                    peer = Peer(process, path, self._network.authkey, self._lost)
                    self._peers[process] = peer
        return peer

    def _lost(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            if isinstance(frame, Ask):
                error = ActorUnavailable(f"{frame.to} cannot be reached: {frame.to.process} does not answer")
                self._settle(Answer(frame.number, error, failed=True))

    def _ref(self, address: Address) -> Ref:
        return RemoteRef(self._system, address, self)

    # In ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen, and let the system's refs reach other processes.

        A socket that a dead namesake left is taken over.
        """
        self._system.remote = self._ref
        path = self._network.path(self._process)
        with suppress(FileNotFoundError):
            Path(path).unlink()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), name="transport", daemon=True).start()

    def stop(self) -> None:
        """Send what waits and hear no more."""
        for peer in self._peers.values():
            peer.stop()
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            connection = Connection(accepted.detach())
            threading.Thread(target=self._read, args=(connection,), name="from-peer", daemon=True).start()

    def _read(self, connection: Connection) -> None:
        with suppress(EOFError, OSError, AuthenticationError), connection:
            deliver_challenge(connection, self._network.authkey)
            answer_challenge(connection, self._network.authkey)
            while True:
                for frame in pickle.loads(connection.recv_bytes()):  # noqa: S301 - authenticated above
                    self._take(frame)

    def _take(self, frame: Frame) -> None:
        """One bad frame must not end the line: what goes wrong with it is told to its sender alone."""
        match frame:
            case Answer():
                self._settle(frame)
            case Ask():
                self._take_ask(frame)
            case Tell():
                self._take_tell(frame)

    def _take_ask(self, ask: Ask) -> None:
        reply_to = _RemoteFuture(partial(self._answer, ask))
        letter = Letter(ask.message, at=self._system.clock.monotonic(), reply_to=reply_to)
        try:
            self._system.ref_at(ask.to).deliver(letter)
        except Exception as error:  # noqa: BLE001 - see _take
            self._answer(ask, error, failed=True)

    def _answer(self, ask: Ask, value: Any, *, failed: bool) -> None:
        with suppress(ActorError):
            self._peer(ask.asker).send(Answer(ask.number, value, failed))

    def _take_tell(self, tell: Tell) -> None:
        try:
            ref = self._system.ref_at(tell.to)
            if tell.only_if_awake:
                ref.tell_if_awake(tell.message)
            else:
                sender = self._system.ref_at(tell.sender) if tell.sender is not None else None
                ref.tell(tell.message, sender=sender, control=tell.control)
        except ActorError as error:
            _log.debug("a message to %s is lost: %s", tell.to, error)

    def _settle(self, answer: Answer) -> None:
        future = self._asked.pop(answer.number, None)
        if future is None:
            return
        if answer.failed or isinstance(answer.value, BaseException):
            future.set_exception((type(answer.value), answer.value, None))
        else:
            future.set(answer.value)


class _RemoteFuture(ThreadingFuture[Any]):
    """Where a local actor puts the answer to an ask from elsewhere: it is sent instead of kept."""

    def __init__(self, send: "_Send") -> None:
        super().__init__()
        self._send = send

    def set(self, value: Any | None = None) -> None:
        """Send the answer; the second one raises ``queue.Full``, as everywhere."""
        super().set(value)
        self._send(value, failed=False)

    def set_exception(self, exc_info: Any = None) -> None:
        """Send the failure; its traceback stays here."""
        super().set_exception(exc_info)
        self._send(exc_info[1], failed=True)


class _Send(Protocol):
    def __call__(self, value: Any, *, failed: bool) -> None: ...


class RemoteRef(Ref):
    """The address of an actor in another process; it behaves like any :class:`Ref`."""

    __slots__ = ("_transport",)

    def __init__(self, system: ActorSystem, address: Address, transport: Transport) -> None:
        super().__init__(system, address)
        self._transport = transport

    def tell(self, message: Any, *, sender: Ref | None = None, control: bool = False) -> None:
        """See :meth:`Ref.tell`; what cannot be delivered over there is told to ``sender``, if at all."""
        self._transport.tell(Tell(self.address, message, sender.address if sender else None, control))

    def tell_if_awake(self, message: Any) -> bool:
        """See :meth:`Ref.tell_if_awake`; ``True`` says only that it is on its way."""
        with suppress(ActorError):
            self._transport.tell(Tell(self.address, message, only_if_awake=True))
            return True
        return False

    def ask(self, message: Any, timeout: float) -> Any:
        """See :meth:`Ref.ask`.

        Raises:
            ActorUnavailable: the other process cannot be reached.
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
