from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushserver.relay.decoder import DataDecoder, normalised
from tests.relay.doors import stuffed

TRICKY = st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n", b"\r\n.", b"\0", b"\xff"])).map(
    b"".join
)


def decoded(*chunks: bytes) -> tuple[bytes, bytes]:
    """The message, and what came after it."""
    decoder, pieces = DataDecoder(), []
    for index, chunk in enumerate(chunks):
        pieces.append(decoder.feed(chunk))
        if decoder.ended:
            return b"".join(pieces), decoder.rest + b"".join(chunks[index + 1 :])
    raise AssertionError(f"no end in {b''.join(chunks)!r}")


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...a\r\n..b\r\n.\r\n", b"..a\r\n.b\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\r\n\r\n.\r\n", b"a\r\n\r\n"),
        (b"a.\r\nb\r\n.\r\n", b"a.\r\nb\r\n"),
    ],
)
def test_a_message_ends_with_the_dot_and_loses_its_stuffing(wire: bytes, message: bytes) -> None:
    assert decoded(wire + b"QUIT\r\n") == (message, b"QUIT\r\n")


@pytest.mark.parametrize(
    "trick",
    [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n.\r\r\n", b"\r\n\x00.\r\n"],
)
def test_only_crlf_dot_crlf_ends_a_message(trick: bytes) -> None:
    smuggled = b"MAIL FROM:<a@evil.example>"

    message, rest = decoded(b"a" + trick + smuggled + b"\r\n.\r\n")

    assert smuggled in message
    assert rest == b""


@pytest.mark.parametrize("trick", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n"])
def test_what_a_weaker_server_takes_for_the_end_is_harmless_once_it_is_stuffed_again(trick: bytes) -> None:
    message, _ = decoded(b"a" + trick + b"b\r\n.\r\n")

    wire = stuffed(message)

    assert wire.count(b"\r\n.\r\n") == 1
    assert wire.count(b"\n") == wire.count(b"\r") == wire.count(b"\r\n")


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b"a\nb\r\n.\r\n", b"a\r\nb\r\n"),
        (b"a\rb\r\n.\r\n", b"a\r\nb\r\n"),
        (b"a\r\r\nb\r\n.\r\n", b"a\r\n\r\nb\r\n"),
        (b"a\n\rb\r\n.\r\n", b"a\r\n\r\nb\r\n"),
        # smtplib stuffs the lines of a message that was given to it as bytes, whatever ends them
        (b"a\n..b\r\n.\r\n", b"a\r\n.b\r\n"),
        (b"a\n.\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n"),
    ],
)
def test_a_lone_cr_or_lf_becomes_crlf(wire: bytes, message: bytes) -> None:
    assert decoded(wire) == (message, b"")


@given(TRICKY)
def test_messages_in_order_arrive_byte_for_byte(text: bytes) -> None:
    message = normalised(text)
    message += b"" if message.endswith(b"\r\n") or not message else b"\r\n"

    assert decoded(stuffed(message)) == (message, b"")


@example(b"\n.\r\n", set(range(8)))
@given(TRICKY, st.sets(st.integers(0, 60)))
def test_how_a_message_is_cut_into_packets_changes_nothing(text: bytes, cuts: set[int]) -> None:
    wire = text + b"\r\n.\r\nNOOP\r\n"
    places = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    packets = [wire[start:end] for start, end in pairwise(places)]

    assert decoded(*packets) == decoded(wire)


@given(TRICKY)
def test_nothing_but_proper_line_ends_leaves_the_decoder(text: bytes) -> None:
    message, _ = decoded(text + b"\r\n.\r\n")

    assert message.count(b"\n") == message.count(b"\r") == message.count(b"\r\n")


def test_a_line_without_an_end_is_not_kept() -> None:
    decoder = DataDecoder()

    kept = [len(chunk) - len(decoder.feed(chunk)) for chunk in [b"x" * 100_000] * 10]

    assert max(kept) <= 6
