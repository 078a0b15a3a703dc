"""``pushserver smtp check`` and ``smtp send``: the relay tried out as one of its clients."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path

from rich.text import Text

from pushserver.cli import exit_codes, screen
from pushserver.cli.configuration import settings_in
from pushserver.cli.errors import CommandFailed
from pushserver.cli.smtp_client import relay_in, talking_to
from pushserver.config import Settings

_NOBODY = "pushserver@localhost"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the relay is: as the configuration says, unless ``host`` or ``port`` say otherwise."""

    config: Path
    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be sent; an empty ``sender`` is that of the first account."""

    recipients: Sequence[str]
    title: str
    text: str
    sender: str = ""


def check(place: Place) -> int:
    """Go through a conversation up to the recipient, and send nothing; the exit code.

    Raises:
        CommandFailed: a step has failed.
    """
    settings = settings_in(place.config)
    relay = relay_in(settings, place.host, place.port)
    author = _author(settings)
    screen.out().print("=== SMTP中继认证检查 ===")
    with talking_to(relay, _done) as conversation:
        conversation.greet()
        conversation.address(author, [author])
        conversation.leave()
    screen.out().print("\n🎉 SMTP中继认证检查完全成功！")
    return exit_codes.OK


def send(place: Place, letter: Letter) -> int:
    """Send a mail through the relay; the exit code.

    Raises:
        CommandFailed: a step has failed.
    """
    settings = settings_in(place.config)
    relay = relay_in(settings, place.host, place.port)
    sender = letter.sender or _author(settings)
    content = compose(letter, sender, datetime.now().astimezone())
    with talking_to(relay, lambda _: None) as conversation:
        conversation.greet()
        conversation.address(sender, letter.recipients)
        words = conversation.hand_over(content)
        conversation.leave()
    _done(f"邮件发送成功！{words}")
    return exit_codes.OK


def compose(letter: Letter, sender: str, at: datetime) -> bytes:
    """The message with CRLF line ends; ``at`` is local time.

    Raises:
        CommandFailed: an address or the title cannot stand in a header.
    """
    message = EmailMessage()
    try:
        message["From"] = sender
        message["To"] = ", ".join(letter.recipients)
        message["Subject"] = letter.title
    except ValueError as error:
        raise CommandFailed(f"邮件头无法写成: {error}", exit_codes.USAGE) from None
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid(domain="pushserver")
    message.set_content(letter.text)
    return message.as_bytes().replace(b"\n", b"\r\n")


def _author(settings: Settings) -> str:
    first = next(iter(settings.relay_accounts), None)
    return first.from_ if first else _NOBODY


def _done(step: str) -> None:
    screen.out().print(Text.assemble(("✅ ", "green"), screen.single_line(step)), soft_wrap=True)
