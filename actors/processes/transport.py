"""Messages between the processes of a service, over Unix sockets in a directory that only its user can enter.

Each process listens on a socket of its own and writes to those of the others. ``tell`` is at most once and
never blocks; whoever needs certainty keeps it in a database. ``ask`` has a deadline.
"""

import logging
import pickle
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Protocol

from pykka import ThreadingFuture

from actors.address import Address
from actors.errors import ActorError, ActorNotFound, ActorUnavailable, MailboxFull
from actors.messages import Letter, Reason, Undelivered
from actors.processes.errors import CannotTravel
from actors.processes.frames import Answer, Ask, Frame, Tell, address_of, pack, pack_error, route_to, unpack
from actors.processes.handshake import admit, hang_up
from actors.processes.network import Network
from actors.processes.peer import Peer
from actors.processes.remote_ref import RemoteRef
from actors.ref import Ref
from actors.system import ActorSystem

_log = logging.getLogger(__name__)

BACKLOG: Final = 64
"""Processes that may knock at the same time."""
ACCEPT_PAUSE: Final = 0.1
"""Seconds before the next try when a call could not be taken, for want of files or threads."""


class Transport:
    """One process's line to the others: gives refs to their actors, and its own actors to them."""

    def __init__(self, system: ActorSystem, network: Network) -> None:
        self._system = system
        self._process = system.process
        self._network = network
        self._peers: dict[str, Peer] = {}
        self._lock = threading.Lock()
        self._asked: dict[int, _Question] = {}
        # Not from 0: an answer that comes late, for a predecessor of this process, must match no question.
        self._numbers = count(secrets.randbits(62))
        self._listener: socket.socket | None = None
        self._callers: set[Connection] = set()
        self._stopping = threading.Event()

    # Out ---------------------------------------------------------------------------------------------

    def tell(self, frame: Tell) -> None:
        """Send a message to another process; see :meth:`Peer.send` for what it raises."""
        try:
            peer = self._peer(frame.to[0])
        except _NotThere:
            self._lost([frame])
        else:
            peer.send(frame)

    def ask(self, to: Address, message: Any) -> tuple[int, ThreadingFuture[Any]]:
        """Send a message whose answer is set on the future; its number is for :meth:`forget`.

        Raises:
            CannotTravel: the message is not plain data.
            ActorUnavailable: the process is not there, or this one is stopping.
            MailboxFull: too much waits for it already.
        """
        payload = pack(message)
        number = next(self._numbers)
        question = self._asked[number] = _Question(to, ThreadingFuture())
        try:
            self._peer(to.process).send(Ask(route_to(to), payload, self._process, number))
        except Exception:
            self.forget(number)
            raise
        return number, question.future

    def forget(self, number: int) -> None:
        """Nobody waits for this answer any more."""
        self._asked.pop(number, None)

    def _peer(self, process: str) -> Peer:
        peer = self._peers.get(process)
        if peer is not None:
            return peer
        with self._lock:
            if process not in self._peers:
                self._peers[process] = self._new_peer(process)
            return self._peers[process]

    def _new_peer(self, process: str) -> Peer:
        """A thread and a queue only for processes that have been there: addresses are typed by people."""
        if self._stopping.is_set():
            raise ActorUnavailable(f"{process} cannot be told: this process is stopping")
        path = self._network.path(process)
        if Path(process).name != process or not Path(path).exists():
            raise _NotThere(f"{process} is not there")
        gone = partial(self._gone, process)
        return Peer(process, path, self._network.authkey, on_lost=self._lost, on_gone=gone)

    def _lost(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            match frame:
                case Ask(to, number=number):
                    self._fail(number, f"{address_of(to)} cannot be reached: {to[0]} does not answer")
                case Tell(to):
                    self._tell_sender(frame, Reason.STOPPED, f"{to[0]} cannot be reached")

    def _gone(self, process: str) -> None:
        """A connection has ended: what was asked over it finds no answer any more."""
        for number, question in self._asked.copy().items():
            if question.to.process == process:
                self._fail(number, f"{question.to} is gone: {process} ended, or was restarted")

    def _fail(self, number: int, why: str) -> None:
        self._settle(number, ActorUnavailable(why))

    def _ref(self, address: Address) -> Ref:
        return RemoteRef(self._system, address, self)

    # In ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen, and let the system's refs reach other processes.

        A socket that a dead namesake left is taken over.

        Raises:
            OSError: there can be no such socket; a path that is too long, most likely.
        """
        path = self._network.path(self._process)
        with suppress(FileNotFoundError):
            Path(path).unlink()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(path)
        except OSError:
            self._listener.close()
            raise
        self._listener.listen(BACKLOG)
        self._system.remote = self._ref
        threading.Thread(target=self._accept, args=(self._listener,), name="transport", daemon=True).start()

    def stop(self, grace: float = 1.0) -> None:
        """Hear no more calls, send what waits within ``grace`` seconds, then end all connections."""
        with self._lock:
            self._stopping.set()
            peers = list(self._peers.values())
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for peer in peers:
            peer.stop()
        give_up = time.monotonic() + grace
        for peer in peers:
            peer.join(max(0.0, give_up - time.monotonic()))
        with self._lock:
            for connection in self._callers:
                hang_up(connection)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                self._take_call(listener)
            except (OSError, RuntimeError) as error:
                if not self._stopping.wait(ACCEPT_PAUSE):
                    _log.warning("a call of another process could not be taken: %s", error)

    def _take_call(self, listener: socket.socket) -> None:
        sock, _ = listener.accept()
        try:
            threading.Thread(target=self._hear, args=(sock,), name="from-peer", daemon=True).start()
        except RuntimeError:  # no thread could be started
            sock.close()
            raise

    def _hear(self, sock: socket.socket) -> None:
        """Serve one connection to its end."""
        try:
            connection = admit(sock, self._network.authkey)
        except OSError as error:
            _log.warning("a call was refused: %s", error, extra={"action": "transport_call_refused"})
            return
        with self._lock:
            self._callers.add(connection)
        if self._stopping.is_set():
            hang_up(connection)
        try:
            self._read(connection)
        finally:
            with self._lock:
                self._callers.remove(connection)
                connection.close()

    def _read(self, connection: Connection) -> None:
        with suppress(EOFError, OSError):
            while True:
                for frame in pickle.loads(connection.recv_bytes()):  # noqa: S301 - authenticated
                    self._take(frame)

    def _take(self, frame: Frame) -> None:
        """One bad frame must not end the line: what goes wrong with it is told to its sender alone."""
        try:
            match frame:
                case Answer():
                    self._take_answer(frame)
                case Ask():
                    self._take_ask(frame)
                case Tell():
                    self._take_tell(frame)
        except Exception:  # noqa: BLE001 - a fault of ours, seen in the log
            _log.exception("a %s from another process could not be taken", type(frame).__name__)

    def _take_answer(self, answer: Answer) -> None:
        try:
            value = unpack(answer.payload)
        except CannotTravel as error:
            value = error
        self._settle(answer.number, value)

    def _take_ask(self, ask: Ask) -> None:
        reply_to = _RemoteFuture(partial(self._answer, ask))
        try:
            letter = Letter(unpack(ask.payload), at=self._system.clock.monotonic(), reply_to=reply_to)
            self._system.ref_at(address_of(ask.to)).deliver(letter)
        except Exception as error:  # noqa: BLE001 - see _take
            self._answer(ask, error)

    def _take_tell(self, tell: Tell) -> None:
        ref = self._system.ref_at(address_of(tell.to))
        message = unpack(tell.payload)
        if tell.only_if_awake:
            ref.tell_if_awake(message)
            return
        sender = self._system.ref_at(address_of(tell.sender)) if tell.sender is not None else None
        try:
            ref.tell(message, sender=sender, control=tell.control)
        except MailboxFull as error:
            self._tell_sender(tell, Reason.PARKED, str(error))
        except ActorError as error:
            self._tell_sender(tell, Reason.STOPPED, str(error))

    # Back --------------------------------------------------------------------------------------------

    def _answer(self, ask: Ask, value: Any) -> None:
        """Send an answer; the asker hears of one that cannot travel. Never raises: it runs in the actor."""
        failed = isinstance(value, BaseException)
        try:
            payload = pack_error(value) if failed else pack(value)
        except CannotTravel as error:
            _log.error("an answer of %s is lost: %s", address_of(ask.to), error)
            payload, failed = pack(CannotTravel(f"the answer of {address_of(ask.to)}: {error}")), True
        with suppress(ActorError):
            self._peer(ask.asker).send(Answer(ask.number, payload, failed))

    def _settle(self, number: int, value: Any) -> None:
        question = self._asked.pop(number, None)
        if question is None:
            return
        if isinstance(value, BaseException):
            question.future.set_exception((type(value), value, None))
        else:
            question.future.set(value)

    def _tell_sender(self, tell: Tell, reason: Reason, detail: str) -> None:
        """A message did not come to its end: whoever sent it hears of it, as of any other."""
        _log.debug("a message to %s is lost: %s", address_of(tell.to), detail)
        if tell.sender is None:
            return
        with suppress(ActorNotFound, CannotTravel):
            notice = Undelivered(address_of(tell.to), unpack(tell.payload), reason, detail)
            self._system.ref_at(address_of(tell.sender)).tell_if_awake(notice)


@dataclass(frozen=True, slots=True)
class _Question:
    """An ask that has not been answered yet."""

    to: Address
    future: ThreadingFuture[Any]


class _NotThere(ActorUnavailable):
    """No process of this name has ever listened."""


class _RemoteFuture(ThreadingFuture[Any]):
    """Where a local actor puts the answer to an ask from elsewhere: it is sent instead of kept."""

    def __init__(self, send: "_Send") -> None:
        super().__init__()
        self._send = send

    def set(self, value: Any | None = None) -> None:
        """Send the answer; the second one raises ``queue.Full``, as everywhere."""
        super().set(value)
        self._send(value)

    def set_exception(self, exc_info: Any = None) -> None:
        """Send the failure; its traceback stays here."""
        super().set_exception(exc_info)
        self._send(exc_info[1])


class _Send(Protocol):
    def __call__(self, value: Any, /) -> None: ...
