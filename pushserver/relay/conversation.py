"""A connection: lines in, replies out, each within its time, and the ways in which it ends.

aiosmtpd's server class brings the life of a connection, its session and STARTTLS. Its command loop is not
used: it waits for the end of a line for as long as a client keeps sending, ends at an EOF behind a command
without obeying it, tells clients the text of exceptions and writes their logins into a log.
"""

import asyncio
import logging
import socket
from abc import abstractmethod
from contextlib import suppress
from typing import AnyStr, Final

from aiosmtpd.smtp import SMTP, TLSSetupException

from pushserver.relay import replies
from pushserver.relay.house import House
from pushserver.relay.inbound import BLOCK, ClientGone, Inbound, LineEndless, LineTooLong, TooSlow
from pushserver.relay.limits import LONGEST_RESPONSE
from pushserver.relay.reception import Endless

_NEVER: Final = 30 * 86_400.0
_GRACE: Final = 2.0
"""Seconds for a farewell to leave; then the connection is cut."""
_YIELD_EVERY: Final = 8
"""Commands after which others have a turn."""
_STRAGGLING: Final = 1024 * 1024
"""Bytes that a client may still be sending while it is told that it is over."""

_log = logging.getLogger(__name__)

EXPECTED: Final = (ClientGone, TooSlow, LineTooLong, Endless, ConnectionError, TLSSetupException)
"""Ends of a connection that are nobody's fault here."""


class Conversation(SMTP):
    """One client, from the greeting to the farewell. A :class:`~.guests.Guest`."""

    line_length_limit = BLOCK  # the size of the reader's buffer; our own limits are in `limits`

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        # On the instance: aiosmtpd's own is one dict for all connections, and cleared by each new one.
        self.command_size_limits = {}
        super().__init__(
            None,
            loop=loop,
            hostname=house.hostname,
            data_size_limit=house.limits.message_bytes,
            tls_context=house.access.tls,
            timeout=_NEVER,  # our time limits are with what they limit
            auth_require_tls=False,
        )
        self.house = house
        self.inbound: Inbound
        self.address = ""
        self.active_at = loop.time()
        self.in_content = False
        """Whether a message is being read: its rest must not be taken for commands."""
        self._open = True
        self._lingers = False
        self._waiting = False
        self._stopping = False
        self._bad_commands = 0
        self._unsent = b""
        """Replies that leave with the next one."""

    @abstractmethod
    async def obey(self, line: bytes) -> None:
        """Do what a command line says, and reply."""

    @property
    def authenticated(self) -> bool:
        """Has the client logged in, since STARTTLS if there was one?"""
        return self.session is not None and bool(self.session.authenticated)

    @property
    def encrypted(self) -> bool:
        """Is the connection under TLS?"""
        return self.session is not None and self.session.ssl is not None

    # Ends ---------------------------------------------------------------------------------------------

    def give_way(self) -> None:
        """See :class:`~.guests.Guest`."""
        self.house.tally.turned_away += 1
        self._say_goodbye(replies.TOO_MANY_CONNECTIONS)

    def wind_up(self) -> None:
        """See :class:`~.guests.Guest`."""
        self._stopping = True
        if self._waiting:
            self._say_goodbye(replies.STOPPING)

    def abort(self) -> None:
        """See :class:`~.guests.Guest`."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def _say_goodbye(self, reply: str) -> None:
        """From outside of the connection's task, and at once."""
        self._write_last(reply)
        self._hang_up()

    def _write_last(self, reply: str) -> None:
        """Without waiting: nobody may be listening."""
        transport = self.transport
        if self._open and isinstance(transport, asyncio.Transport) and not transport.is_closing():
            unsent, self._unsent = self._unsent, b""
            transport.write(unsent + reply.encode() + b"\r\n")
            self._lingers = True
        self._open = False

    async def _linger(self) -> None:
        """Read what is still coming, for a moment: closing on it would take our last words from the client.

        The kernel answers unread data with a reset, at which a client forgets what it has not read either.
        """
        transport = self.transport
        if not self._lingers or not isinstance(transport, asyncio.Transport) or transport.is_closing():
            return
        if transport.get_write_buffer_size():  # the client does not listen anyway
            return
        with suppress(TimeoutError, ConnectionError):
            if transport.can_write_eof():
                transport.write_eof()
            async with asyncio.timeout(_GRACE):
                await self._read_away(_STRAGGLING)

    async def _read_away(self, most: int) -> None:
        while most > 0 and (data := await self._reader.read(BLOCK)):
            most -= len(data)
            await asyncio.sleep(0)

    def _hang_up(self) -> None:
        self._open = False
        transport = self.transport
        if isinstance(transport, asyncio.Transport) and not transport.is_closing():
            transport.close()
            self.loop.call_later(_GRACE, transport.abort)

    # asyncio's callbacks ------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there; again, when it is under TLS."""
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        _reply_at_once(transport)
        _read_by_blocks(transport)
        super().connection_made(transport)
        if not self.encrypted and self._handler_coroutine is not None:
            self._handler_coroutine.add_done_callback(self._depart)

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self.house.guests.leave(self)
        super().connection_lost(error)

    def eof_received(self) -> bool:
        """The client has said all it will: what it has said is obeyed, what is under way is answered."""
        asyncio.StreamReaderProtocol.eof_received(self)
        return not self.encrypted  # TLS knows no half-closed connections

    # The loop -----------------------------------------------------------------------------------------

    async def push(self, status: AnyStr, *, can_wait: bool = False) -> None:
        """Send a reply, and end the connection after some.

        One that ``can_wait`` leaves with the next one, if the client has sent that command already (RFC 2920
        section 3.2): a packet, and a wake-up of the client, for all of them.

        Raises:
            TooSlow: the client does not read what it is told.
        """
        reply = self._counted(replies.enhanced(_text(status)))
        is_last = replies.is_last(reply)
        self._unsent += reply.encode("ascii") + b"\r\n"
        if can_wait and not is_last and self.inbound.has_line:
            return
        unsent, self._unsent = self._unsent, b""
        self._writer.write(unsent)
        await self._heard()
        if is_last:
            self._open = False
            self._lingers = reply != replies.BYE

    async def _heard(self) -> None:
        """Until the client has been told, or as good as: most are at once, and a timer has its price."""
        transport = self.transport
        if isinstance(transport, asyncio.Transport) and not transport.get_write_buffer_size():
            await self._writer.drain()
            return
        try:
            async with asyncio.timeout(self.house.limits.idle):
                await self._writer.drain()
        except TimeoutError:
            raise TooSlow from None

    def _counted(self, reply: str) -> str:
        if not replies.is_bad_command(reply):
            return reply
        self._bad_commands += 1
        return reply if self._bad_commands <= self.house.limits.bad_commands else replies.TOO_MANY_ERRORS

    async def _handle_client(self) -> None:
        """The task of a connection, under aiosmtpd's name."""
        self.inbound = Inbound(self._reader)
        try:
            await self._converse()
        except TooSlow:
            self._write_last(replies.TIMED_OUT)
        except LineEndless:
            self._write_last(replies.LINE_TOO_LONG)
        except Endless:
            self._write_last(replies.CONTENT_TOO_LARGE)
        except EXPECTED as end:
            _log.debug("connection ended: %s", type(end).__name__)
        except Exception:  # noqa: BLE001 - one connection ends, whatever it was
            self._report()
            self._write_last(replies.OUR_FAULT)
        self.house.guests.leave(self)
        await self._linger()

    def _depart(self, _: "asyncio.Task[None]") -> None:
        """Whatever ended the task, and even if it was cancelled before it began."""
        self._hang_up()
        self.house.guests.leave(self)
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()

    async def _converse(self) -> None:
        if not self.house.guests.admit(self):
            self.house.tally.turned_away += 1
            await self.push(replies.TOO_MANY_CONNECTIONS)
            self._lingers = False  # it has said nothing yet, and a crowd would hold all file descriptors
            return
        self.house.tally.connected += 1
        await self.push(f"220 {self.hostname} ESMTP PushServer")
        lines = 0
        while self._open and not self._stopping:
            line = await self._next_line()
            if line is not None:
                await self._obey(line)
            lines += 1
            if lines % _YIELD_EVERY == 0:
                await asyncio.sleep(0)  # nothing else here waits while a client has much to say
        if self._stopping:
            self._write_last(replies.STOPPING)

    async def _next_line(self) -> bytes | None:
        self._waiting = True
        try:
            line = await self.inbound.line(LONGEST_RESPONSE, self.house.limits.idle)
        except LineEndless:
            raise
        except LineTooLong:
            line = None
        finally:
            self._waiting = False
            self.active_at = self.loop.time()
        if line is None:
            await self.push(replies.LINE_TOO_LONG)
        return line

    async def _obey(self, line: bytes) -> None:
        """A fault of ours is a passing one, and its text is for the log."""
        try:
            await self.obey(line)
        except EXPECTED:
            raise
        except Exception:  # noqa: BLE001 - the client is told 451, the log what it was
            self._report()
            if self.in_content:
                self._write_last(replies.OUR_FAULT)
            else:
                await self.push(replies.OUR_FAULT)

    def _report(self) -> None:
        _log.exception("SMTP会话出错", extra={"action": "smtp_session_failed", "client": self.address})


def _text(reply: str | bytes) -> str:
    return reply if isinstance(reply, str) else reply.decode("ascii")


def _read_by_blocks(transport: asyncio.BaseTransport) -> None:
    """As much as asyncio reads is new memory from the kernel each time, and a long turn without a pause."""
    if hasattr(transport, "max_size"):
        transport.max_size = BLOCK


def _reply_at_once(transport: asyncio.BaseTransport) -> None:
    """Not 40 ms later, when the kernel has waited for more replies to a pipelining client.

    asyncio sees to that for sockets that say which protocol they are of; accepted ones mostly do not.
    """
    sock = transport.get_extra_info("socket")
    with suppress(OSError):  # the client has gone already
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
