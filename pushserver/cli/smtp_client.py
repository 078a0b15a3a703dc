"""The relay as its clients see it: one SMTP conversation, step by step, each said as it is done."""

import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from pushserver.cli import exit_codes
from pushserver.cli.errors import CommandFailed
from pushserver.config import Settings

TIMEOUT = 15.0
"""Seconds for each step; the relay holds back the answer to a wrong password for one or two."""
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not listened on
_DONE = 2

Told = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where the relay is, and what it asks of its clients; ``certificate`` is the PEM file that it shows."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    certificate: str = ""


def relay_in(settings: Settings, host: str = "", port: int = 0) -> RelayAddress:
    """The relay of a configuration, elsewhere if ``host`` or ``port`` say so.

    Raises:
        CommandFailed: it is off, or its port is known to nobody.
    """
    relay = settings.smtp_relay
    if not relay.enabled:
        raise CommandFailed("SMTP中继未启用，请设置 smtp_relay.enabled: true", exit_codes.CONFIG)
    if not (port or relay.port):
        raise CommandFailed(
            "smtp_relay.port 为 0（任意空闲端口），请用 --port 指定实际端口", exit_codes.USAGE
        )
    return RelayAddress(
        host=host or _ANY.get(relay.host.strip("[]"), relay.host.strip("[]")),
        port=port or relay.port,
        username=relay.auth.username,
        password=relay.auth.password.get_secret_value(),
        certificate=relay.tls.cert or "",
    )


class Conversation:
    """With one relay. ``told`` hears of every step that has succeeded, in the seed's words."""

    def __init__(self, smtp: smtplib.SMTP, relay: RelayAddress, told: Told) -> None:
        self._smtp = smtp
        self._relay = relay
        self._told = told

    def greet(self) -> None:
        """Say hello, go on under TLS where that is configured, and log in."""
        self._expect("EHLO", self._smtp.ehlo())
        self._told("EHLO成功")
        if self._relay.certificate:
            self._expect("STARTTLS", self._smtp.starttls(context=_trusting(self._relay.certificate)))
            self._expect("EHLO", self._smtp.ehlo())
            self._told("STARTTLS成功")
        try:
            self._smtp.login(self._relay.username, self._relay.password)
        except smtplib.SMTPAuthenticationError as refused:
            raise _refused("认证", refused.smtp_code, refused.smtp_error) from None
        self._told("认证成功！")

    def address(self, sender: str, recipients: Sequence[str]) -> None:
        """Name sender and recipients."""
        self._expect("MAIL FROM", self._smtp.mail(sender))
        self._told("MAIL FROM成功")
        for recipient in recipients:
            self._expect("RCPT TO", self._smtp.rcpt(recipient))
        self._told("RCPT TO成功")

    def hand_over(self, content: bytes) -> str:
        """Send the message; the relay's words when it has it."""
        code, text = self._smtp.data(content)
        self._expect("DATA", (code, text))
        return text.decode("utf-8", "replace")

    def leave(self) -> None:
        """Say goodbye; a mail that was begun is forgotten."""
        self._expect("QUIT", self._smtp.quit())
        self._told("QUIT成功")

    def _expect(self, step: str, reply: tuple[int, bytes]) -> None:
        if reply[0] // 100 != _DONE:
            raise _refused(step, *reply)


@contextmanager
def talking_to(relay: RelayAddress, told: Told) -> Iterator[Conversation]:
    """A conversation inside.

    Raises:
        CommandFailed: nobody answers, or the relay refuses; says at which step and with which words.
    """
    with _faults(relay):
        smtp = smtplib.SMTP(relay.host, relay.port, timeout=TIMEOUT)
        try:
            told("连接成功")
            yield Conversation(smtp, relay, told)
        finally:
            smtp.close()


@contextmanager
def _faults(relay: RelayAddress) -> Iterator[None]:
    try:
        yield
    except ssl.SSLError as error:
        raise CommandFailed(f"STARTTLS失败: {error.reason or error}") from None
    except smtplib.SMTPConnectError as error:
        raise _refused("连接", error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPResponseException as error:  # DATA refused before the content
        raise _refused("DATA", error.smtp_code, error.smtp_error) from None
    except OSError as error:  # all others of smtplib's are
        raise CommandFailed(
            f"无法与 {relay.host}:{relay.port} 对话（{_why(error)}），"
            "请确认服务已启动，或用 --host、--port 指定",
            exit_codes.UNAVAILABLE,
        ) from None


def _trusting(certificate: str) -> ssl.SSLContext:
    """What the relay shows has to be what is configured; by which name it was called does not matter."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _refused(step: str, code: int, text: bytes | str) -> CommandFailed:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return CommandFailed(f"{step}失败: {code} {words}")


def _why(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "超时"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "对方不支持 STARTTLS 或登录"
    return error.strerror or type(error).__name__
