"""One SMTP account over a kept connection: submits finished messages, tells the fate of each recipient.

RFC 5321, RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 8314 (implicit TLS). ``smtplib.sendmail`` is not used:
it cannot tell a connection lost before the final dot (nothing was accepted) from one lost after it (the
mail may have been).
"""

import smtplib
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Protocol

from actors.cpu import breathe
from pushserver.platforms.errors import AnswerLost, Misconfigured, NotSent, SmtpRefused, Stage

IMPLICIT_TLS_PORT = 465
MAX_MESSAGES = 50
"""Messages over one connection; some providers close it at 100."""
MAX_IDLE = 60.0
"""Seconds after which a kept connection is not trusted any more."""

# RFC 5321 section 4.2.1: the first digit says all that a client may rely on.
_DONE = 2
_GO_AHEAD = 3
_LAST = 5
_CLOSING = 421
_PERMANENT = 500
_PIECE = 128 * 1024
"""Bytes of a message that are sent at once."""

_NO_REPLY = "邮件服务器的应答无法理解"
_Reply = tuple[int, bytes]


class Security(Enum):
    """What protects the conversation. Certificates are always verified; none falls back to another."""

    CLEAR = "clear text"
    STARTTLS = "TLS by STARTTLS, demanded before anything else is said"
    IMPLICIT = "TLS from the first byte"

    @classmethod
    def on(cls, port: int, *, tls: bool) -> "Security":
        """Port 465 speaks TLS from the first byte whatever ``tls`` says; elsewhere it means STARTTLS."""
        if port == IMPLICIT_TLS_PORT:
            return cls.IMPLICIT
        return cls.STARTTLS if tls else cls.CLEAR


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and as whom to submit; without a ``username`` there is no login.

    ``timeout`` is seconds a socket call. ``local_hostname`` is what EHLO says: asking the resolver for it
    can take seconds in a container. ``ca_file`` is a PEM bundle trusted beside the system's.
    """

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    security: Security = Security.STARTTLS
    timeout: float = 10.0
    local_hostname: str = "localhost"
    ca_file: str | None = None


class Streamed(Protocol):
    """A message that is not in memory as a whole."""

    def __len__(self) -> int:
        """Bytes."""
        ...

    def isascii(self) -> bool | None:
        """Has it no eight-bit bytes? ``None`` when it would have to be read for that."""
        ...

    def __iter__(self) -> Iterator[bytes]:
        """Its pieces, from the beginning each time."""
        ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """A finished message and whom it is for; ``content`` has CRLF line ends and is not dot-stuffed."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes | Streamed = field(repr=False)

    def whole(self) -> bytes:
        """The message, in memory."""
        return self.content if isinstance(self.content, bytes) else b"".join(self.content)

    def is_ascii(self) -> bool:
        """Has the message no eight-bit bytes?"""
        known = self.content.isascii()
        return all(piece.isascii() for piece in self.pieces()) if known is None else known

    def pieces(self) -> Iterator[bytes]:
        """The message's, with a pause between those of a long one: others want to go on meanwhile."""
        content = self.content
        for number, piece in enumerate(_cut(content) if isinstance(content, bytes) else content):
            if number > 0:
                breathe()
            yield piece


def _cut(content: bytes) -> Iterator[bytes]:
    return (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A server's no to one recipient; ``passing`` when it is a 4xx."""

    code: int
    reason: str

    @property
    def passing(self) -> bool:
        """True for a 4xx: the server asks to come again later."""
        return self.code < _PERMANENT


@dataclass(frozen=True, slots=True)
class Receipt:
    """Who got the mail and who did not; when nobody was accepted, no content was sent."""

    accepted: tuple[str, ...]
    refused: Mapping[str, Refusal]


class Mailer(Protocol):
    """Whatever submits a mail: an account of the recipient's own, or the relay's accounts."""

    def submit(self, envelope: Envelope, at: datetime) -> Receipt:
        """Submit now (``at``); recipients may be refused one by one.

        Raises:
            NotSent: no connection, or it was lost before the mail was complete.
            AnswerLost: the connection was lost after the final dot.
            SmtpRefused: greeting, login, sender or content was refused.
            Misconfigured: untrusted certificate, STARTTLS or AUTH missing.
        """
        ...

    def close(self) -> None:
        """Close the kept connection; the next ``submit`` opens a new one."""
        ...


class SmtpAccount:
    """:class:`Mailer` for one server; used by one thread at a time.

    ``as_seven_bit`` re-encodes a message for a server that takes no other (RFC 6152 section 3); without it,
    messages are expected to be of that kind.
    """

    def __init__(self, server: SmtpServer, as_seven_bit: Callable[[bytes], bytes] = lambda it: it) -> None:
        self._server = server
        self._as_seven_bit = as_seven_bit
        self._smtp: smtplib.SMTP | None = None
        self._tls_context: ssl.SSLContext | None = None
        self._sent = 0
        self._used_at = 0.0

    def submit(self, envelope: Envelope, at: datetime) -> Receipt:
        """See :meth:`Mailer.submit`. A kept connection that turns out to be dead is replaced once."""
        now = at.timestamp()
        smtp = self._kept(now)
        if smtp is not None:
            try:
                return self._transact(smtp, envelope, now)
            except NotSent:
                pass
            except SmtpRefused as refusal:
                if not self._was_farewell(refusal):
                    raise
        return self._transact(self._open(), envelope, now)

    def _was_farewell(self, refusal: SmtpRefused) -> bool:
        """Has the server ended the connection, now or while it was idle, rather than refused the mail?"""
        return refusal.code == _CLOSING or (refusal.stage is Stage.SENDER and self._smtp is None)

    def close(self) -> None:
        """See :meth:`Mailer.close`."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        with suppress(OSError):
            smtp.quit()
        smtp.close()

    def _kept(self, now: float) -> smtplib.SMTP | None:
        """The open connection if it is young and not used up. Whether it is alive, MAIL will tell."""
        if 0 <= now - self._used_at < MAX_IDLE and self._sent < MAX_MESSAGES:
            return self._smtp
        self.close()
        return None

    def _open(self) -> smtplib.SMTP:
        self.close()
        smtp = self._connect()
        try:
            self._secure(smtp)
            self._login(smtp)
        except BaseException:
            smtp.close()
            raise
        self._smtp, self._sent = smtp, 0
        return smtp

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        with _connection_errors(Stage.GREETING):
            if server.security is Security.IMPLICIT:
                return smtplib.SMTP_SSL(
                    server.host,
                    server.port,
                    local_hostname=server.local_hostname,
                    timeout=server.timeout,
                    context=self._context(),
                )
            return smtplib.SMTP(
                server.host, server.port, local_hostname=server.local_hostname, timeout=server.timeout
            )

    def _secure(self, smtp: smtplib.SMTP) -> None:
        with _connection_errors(Stage.GREETING):
            smtp.ehlo_or_helo_if_needed()
            if self._server.security is not Security.STARTTLS:
                return
            if not smtp.has_extn("starttls"):
                raise Misconfigured("服务器不支持STARTTLS，拒绝明文发送；如确需明文请设置 tls: false")
            code, text = smtp.starttls(context=self._context())
            if code != 220:  # noqa: PLR2004 - RFC 3207 section 4: ready to start TLS
                raise SmtpRefused(Stage.GREETING, code, _decoded(text))
            smtp.ehlo_or_helo_if_needed()

    def _login(self, smtp: smtplib.SMTP) -> None:
        if not self._server.username:
            return
        try:
            with _connection_errors(Stage.AUTH):
                smtp.login(self._server.username, self._server.password)
        except UnicodeError:
            raise Misconfigured("用户名或密码含有非ASCII字符，SMTP登录不支持") from None
        except ValueError:  # a challenge that is no base64
            raise NotSent("邮件服务器的登录应答无法理解") from None

    def _context(self) -> ssl.SSLContext:
        """Loading the trusted certificates takes 10 ms and more: once an account."""
        if self._tls_context is None:
            context = ssl.create_default_context()
            if self._server.ca_file:
                context.load_verify_locations(self._server.ca_file)
            self._tls_context = context
        return self._tls_context

    def _transact(self, smtp: smtplib.SMTP, envelope: Envelope, now: float) -> Receipt:
        """One mail transaction; afterwards the connection is ready for the next, or closed."""
        self._sent, self._used_at = self._sent + 1, now
        try:
            receipt = _converse(smtp, self._fitted(smtp, envelope))
            if not receipt.accepted:
                self._reset(smtp)
        except SmtpRefused as refusal:
            if refusal.code == _CLOSING:
                self.close()
            else:
                self._reset(smtp)
            raise
        except BaseException:
            self._drop()
            raise
        return receipt

    def _fitted(self, smtp: smtplib.SMTP, envelope: Envelope) -> Envelope:
        if smtp.has_extn("8bitmime"):
            return envelope
        return replace(envelope, content=self._as_seven_bit(envelope.whole()))

    def _reset(self, smtp: smtplib.SMTP) -> None:
        try:
            code, _ = smtp.rset()
        except OSError:
            code = _CLOSING
        if code // 100 != _DONE:
            self._drop()

    def _drop(self) -> None:
        """Close without a farewell: nobody is listening."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def _converse(smtp: smtplib.SMTP, envelope: Envelope) -> Receipt:
    with _connection_errors(Stage.SENDER):
        receipt = _offer(smtp, envelope)
        if not receipt.accepted:
            return receipt
        for piece in _stuffed(envelope.pieces()):
            smtp.send(piece)
    try:
        reply = _understood(smtp.getreply())
    except OSError:
        raise AnswerLost("邮件内容已发出，连接在服务器答复前中断") from None
    except NotSent as error:
        raise AnswerLost(f"邮件内容已发出，{error.reason}") from None
    _expect(reply, Stage.CONTENT, _DONE)
    return receipt


def _offer(smtp: smtplib.SMTP, envelope: Envelope) -> Receipt:
    """Everything up to the content, for which the server waits if it has accepted anybody."""
    commands = [
        " ".join((f"MAIL FROM:{_path(envelope.sender)}", *_options(smtp, envelope))),
        *(f"RCPT TO:{_path(recipient)}" for recipient in envelope.recipients),
        "DATA",
    ]
    if not smtp.has_extn("pipelining"):
        return _judged(envelope.recipients, map(_understood, map(smtp.docmd, commands)))
    replies = [*_asked_at_once(smtp, commands)]
    with ExitStack() as unless_wanted:
        if isinstance(last := replies[-1], tuple) and last[0] // 100 == _GO_AHEAD:
            unless_wanted.callback(smtp.close)  # it waits for content; without any it forgets the mail
        receipt = _judged(envelope.recipients, map(_said, replies))
        if receipt.accepted:
            unless_wanted.pop_all()
    return receipt


def _path(address: str) -> str:
    """In brackets (RFC 5321 section 4.1.2). ``smtplib.quoteaddr`` would take a header's field apart first."""
    if not address.isprintable():
        raise ValueError("an address holds a line end or the like; expected a bare one")
    return f"<{address}>"


def _asked_at_once(
    smtp: smtplib.SMTP, commands: Sequence[str]
) -> Iterator[_Reply | smtplib.SMTPServerDisconnected]:
    """The replies to commands that leave in one packet (RFC 2920); a server that closes gives no more.

    How it went away comes last: what it had said before counts.
    """
    smtp.send("".join(f"{command}\r\n" for command in commands))
    for _ in commands:
        try:
            reply = smtp.getreply()
        except smtplib.SMTPServerDisconnected as error:
            yield error
            return
        yield reply
        if reply[0] == _CLOSING:
            return


def _said(reply: _Reply | smtplib.SMTPServerDisconnected) -> _Reply:
    if isinstance(reply, smtplib.SMTPServerDisconnected):
        raise reply
    return _understood(reply)


def _understood(reply: _Reply) -> _Reply:
    """Behind a line without a code nobody knows which reply belongs to what: the connection is given up."""
    if not _DONE <= reply[0] // 100 <= _LAST:
        raise NotSent(_NO_REPLY)
    return reply


def _judged(recipients: Iterable[str], replies: Iterator[_Reply]) -> Receipt:
    """What the replies to MAIL, to each RCPT and to DATA say; the last one only if anybody was accepted."""
    _expect(next(replies), Stage.SENDER, _DONE)
    accepted: list[str] = []
    refused: dict[str, Refusal] = {}
    for recipient, (code, text) in zip(recipients, replies, strict=False):
        if code == _CLOSING:
            raise SmtpRefused(Stage.SENDER, code, _decoded(text))
        if code // 100 == _DONE:
            accepted.append(recipient)
        else:
            refused[recipient] = Refusal(code, _decoded(text))
    if accepted:
        reply = next(replies)
        if reply[0] // 100 == _DONE:
            raise NotSent(_NO_REPLY)  # it is another command's
        _expect(reply, Stage.CONTENT, _GO_AHEAD)
    return Receipt(tuple(accepted), refused)


def _options(smtp: smtplib.SMTP, envelope: Envelope) -> list[str]:
    """What is said of the message in advance, to a server that wants to know (RFC 1870, RFC 6152)."""
    size = [f"SIZE={len(envelope.content)}"] if smtp.has_extn("size") else []
    eight_bit = smtp.has_extn("8bitmime") and not envelope.is_ascii()
    return [*size, "BODY=8BITMIME"] if eight_bit else size


def _expect(reply: _Reply, stage: Stage, first_digit: int) -> None:
    if reply[0] // 100 != first_digit:
        raise SmtpRefused(stage, reply[0], _decoded(reply[1]))


def _stuffed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """RFC 5321 section 4.5.2: a leading dot doubled, and the line that ends the message.

    The end comes with the last piece, since a small packet behind others waits for their acknowledgement.
    """
    before, stuffed = b"\n", b""
    for piece in pieces:
        if stuffed:
            yield stuffed
        # Most pieces of an attachment have no dot at all, and that is found out faster than where it stands.
        stuffed = (before[-1:] + piece).replace(b"\n.", b"\n..")[1:] if b"." in piece else piece
        before = (before + piece[-2:])[-2:]
    yield stuffed + (b".\r\n" if before == b"\r\n" else b"\r\n.\r\n")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


@contextmanager
def _connection_errors(stage: Stage) -> Iterator[None]:
    """Errors of smtplib and of the socket up to the final dot, as this package's."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(f"TLS证书校验失败: {error.verify_message}") from None
    except smtplib.SMTPResponseException as error:
        raise SmtpRefused(stage, error.smtp_code, _text_of(error)) from None
    except smtplib.SMTPNotSupportedError:
        raise Misconfigured(f"服务器不支持所需的扩展 ({stage.value})") from None
    except OSError as error:  # all of smtplib's are
        if stage is Stage.AUTH and type(error) is smtplib.SMTPException:
            raise Misconfigured("服务器没有可用的登录方式") from None
        raise NotSent(_describe(error)) from None


def _text_of(error: smtplib.SMTPResponseException) -> str:
    text = error.smtp_error
    return _decoded(text) if isinstance(text, bytes) else str(text)


def _describe(error: Exception) -> str:
    """The reason by kind, without host or address."""
    if isinstance(error, TimeoutError):
        return "连接邮件服务器超时"
    if isinstance(error, ConnectionRefusedError):
        return "邮件服务器拒绝连接"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "邮件服务器断开了连接"
    return f"无法连接邮件服务器 ({type(error).__name__})"
