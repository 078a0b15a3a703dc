from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes

import pytest

from pushserver.relay.received import Hop, received_line

AT = datetime(2024, 1, 1, 12, 0, 5, tzinfo=timezone(timedelta(hours=8)))


def hop(**changes: object) -> Hop:
    fields: dict[str, object] = {
        "greeting": "client.example",
        "address": "192.0.2.7",
        "host": "relay.example",
        "mail_id": "mail_1",
        "encrypted": False,
    }
    return Hop(**{**fields, **changes})  # type: ignore[arg-type] # the test's own names


def test_the_line_names_client_server_protocol_mail_and_time() -> None:
    assert received_line(hop(recipient="b@corp.example"), AT) == (
        b"Received: from client.example ([192.0.2.7])\r\n"
        b"\tby relay.example (PushServer) with ESMTPA id mail_1\r\n"
        b"\tfor <b@corp.example>;\r\n"
        b"\tMon, 01 Jan 2024 12:00:05 +0800\r\n"
    )


def test_the_line_is_one_field() -> None:
    message = message_from_bytes(received_line(hop(encrypted=True), AT) + b"Subject: x\r\n\r\n")

    assert message.keys() == ["Received", "Subject"]
    assert "with ESMTPSA id mail_1;" in message["Received"]


@pytest.mark.parametrize(
    ("address", "literal"),
    [
        ("192.0.2.7", b"[192.0.2.7]"),
        ("2001:db8::1", b"[IPv6:2001:db8::1]"),
        ("::ffff:192.0.2.7", b"[192.0.2.7]"),
        ("", b"[unknown]"),
    ],
)
def test_the_clients_address_is_a_literal(address: str, literal: bytes) -> None:
    assert b"(" + literal + b")" in received_line(hop(address=address), AT)


@pytest.mark.parametrize("greeting", ["a) by evil.example (b", "a\tb", "\xff", "", "x" * 5000])
def test_a_client_cannot_write_into_the_line_with_its_greeting(greeting: str) -> None:
    line = received_line(hop(greeting=greeting), AT.astimezone(UTC))

    assert line.count(b"(") == line.count(b")") == 2
    assert line.count(b"\r\n") == 3
    assert max(map(len, line.split(b"\r\n"))) < 400
    assert line.isascii()
