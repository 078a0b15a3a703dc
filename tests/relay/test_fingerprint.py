from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pushserver.relay.fingerprint import Fingerprint

MESSAGE = b"Message-ID: <1@corp.example>\r\nReceived: a\r\nReceived: b\r\n\r\ntext\r\n\r\nReceived: c\r\n"


def seen(*pieces: bytes) -> Fingerprint:
    fingerprint = Fingerprint()
    for piece in pieces:
        fingerprint.feed(piece)
    return fingerprint


def test_a_header_is_seen_and_a_body_is_not_taken_for_one() -> None:
    fingerprint = seen(MESSAGE)

    assert fingerprint.value(b"message-id") == b"<1@corp.example>"
    assert fingerprint.value(b"subject") == b""
    assert fingerprint.count(b"received") == 2


@given(st.sets(st.integers(0, len(MESSAGE))))
def test_in_how_many_pieces_a_message_comes_does_not_matter(cuts: set[int]) -> None:
    places = sorted({0, len(MESSAGE), *cuts})
    fingerprint = seen(*(MESSAGE[start:end] for start, end in pairwise(places)))

    assert fingerprint.count(b"received") == 2
    assert fingerprint.digest("", ["b@corp.example"]) == seen(MESSAGE).digest("", ["b@corp.example"])


def test_a_message_that_begins_with_its_body_has_no_header() -> None:
    assert seen(b"\r", b"\nReceived: x\r\n").count(b"received") == 0


def test_a_message_without_an_empty_line_is_a_header() -> None:
    assert seen(b"Received: x\r\n").count(b"received") == 1


def test_a_header_is_kept_up_to_a_limit_and_a_body_not_at_all() -> None:
    endless = seen(*[b"X: y\r\n" * 10_000] * 100)
    long_body = seen(b"X: y\r\n\r\n", *[b"x" * 100_000] * 100)

    assert endless.header_too_long
    assert not long_body.header_too_long


def test_sender_and_recipients_cannot_be_mistaken_for_each_other() -> None:
    fingerprint = seen(MESSAGE)

    assert fingerprint.digest("a", ["b", "c"]) != fingerprint.digest("b", ["a", "c"])
    assert fingerprint.digest("a", ["b", "c"]) == fingerprint.digest("a", ["c", "b"])
