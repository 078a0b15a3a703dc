"""Messages of eight bits, to servers that take them and to those that do not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from pushserver.platforms import Envelope, SmtpAccount, SmtpServer, Streamed
from pushserver.platforms.smtp import Security
from pushserver.relay import as_seven_bit
from tests.platforms.mail_server import Inbox, receiving
from tests.platforms.pieces import Pieces

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
HEADER = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
EIGHT_BIT = HEADER + "Content-Transfer-Encoding: 8bit\r\n\r\n卡纸\r\n".encode()
ASCII = HEADER + b"\r\npaper jam\r\n"


@dataclass
class Server(Inbox):
    """Notes what was said of a message in advance."""

    eight_bit: bool = True
    options: list[list[str]] = field(default_factory=list)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's hook
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [line for line in responses if self.eight_bit or "8BITMIME" not in line]

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's hook
        self.options.append([option for option in options if option.startswith("BODY")])
        return await super().handle_MAIL(server, session, envelope, address, options)


@contextmanager
def sent(content: bytes | Streamed, *, eight_bit: bool) -> Iterator[Server]:
    server = Server(eight_bit=eight_bit)
    with receiving(server) as running:
        place = SmtpServer("127.0.0.1", running.port, security=Security.CLEAR)
        account = SmtpAccount(place, as_seven_bit)
        account.submit(Envelope("a@corp.example", ("b@corp.example",), content), NOON)
        account.close()
        yield server


def test_a_server_that_takes_eight_bits_gets_them_and_is_told() -> None:
    with sent(EIGHT_BIT, eight_bit=True) as server:
        assert server.options == [["BODY=8BITMIME"]]
        assert server.contents == [EIGHT_BIT]


@pytest.mark.parametrize(("known", "options"), [(True, []), (False, ["BODY=8BITMIME"])])
def test_what_is_known_of_a_message_in_pieces_is_not_looked_for(known: bool, options: list[str]) -> None:
    """What is known is wrong here, so that it shows which of the two was told."""
    content = replace(Pieces.of(EIGHT_BIT if known else ASCII, 10), known=known)
    with sent(content, eight_bit=True) as server:
        assert server.options == [options]


def test_eight_bits_are_noticed_wherever_in_a_message_of_many_pieces_they_are() -> None:
    for size in (1, 40, 200):
        with sent(Pieces.of(EIGHT_BIT, size), eight_bit=True) as server:
            assert server.options == [["BODY=8BITMIME"]]
            assert server.contents == [EIGHT_BIT]


def test_a_message_of_many_pieces_is_encoded_as_a_whole() -> None:
    with sent(Pieces.of(EIGHT_BIT, 10), eight_bit=False) as server:
        assert server.contents == [as_seven_bit(EIGHT_BIT)]


def test_a_message_of_seven_bits_is_announced_as_nothing_else() -> None:
    with sent(ASCII, eight_bit=True) as server:
        assert server.options == [[]]
        assert server.contents == [ASCII]


def test_a_server_that_takes_seven_bits_gets_the_same_text_in_them() -> None:
    with sent(EIGHT_BIT, eight_bit=False) as server:
        assert server.options == [[]]
        (content,) = server.contents
    assert content.isascii()
    message = message_from_bytes(content, policy=policy.default)
    assert message.get_content() == "卡纸\r\n"
