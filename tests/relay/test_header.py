"""Header fields as bytes, and what people are shown of them."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushserver.relay.header import Field, as_text, fields_of, header_end, joined

HEADER = st.lists(st.sampled_from([b"A: b", b" fold", b"\tfold", b"", b"\xff", b"no field", b"a:"])).map(
    lambda lines: b"".join(line + b"\r\n" for line in lines)
)


@pytest.mark.parametrize(
    ("content", "end"),
    [
        (b"A: b\r\n\r\ntext", 6),
        (b"\r\ntext", 0),
        (b"A: b\r\n", 6),
        (b"A: b", 4),
        (b"", 0),
    ],
)
def test_a_header_ends_in_front_of_the_first_empty_line(content: bytes, end: int) -> None:
    assert header_end(content) == end


def test_fields_keep_their_folds_and_their_order() -> None:
    fields = fields_of(b"To: a,\r\n b\r\nno field\r\nSubject : x\r\n")

    assert fields == [
        Field(b"to", b"To: a,\r\n b\r\n"),
        Field(b"", b"no field\r\n"),
        Field(b"subject", b"Subject : x\r\n"),
    ]
    assert [field.value for field in fields] == [b"a, b", b"", b"x"]


@given(st.one_of(st.binary(max_size=100), HEADER))
def test_fields_joined_again_are_what_was_read(header: bytes) -> None:
    assert joined(fields_of(header)) == header


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"hello", "hello"),
        (b"=?utf-8?B?5ZGK6K2m?=", "告警"),
        (b"=?gb2312?B?uOa+rw==?=", "告警"),
        (b"=?utf-8?Q?=E5=91=8A?= =?utf-8?Q?=E8=AD=A6?=", "告警"),
        (b"disk =?utf-8?B?5ZGK6K2m?= 91%", "disk 告警 91%"),
        ("告警".encode(), "告警"),
        (b"\xff", "\ufffd"),
        (b"a\0b\rc", "a b c"),
        (b"=?utf-8?B?a?=", "=?utf-8?B?a?="),
        (b"=?nonsense?B?5ZGK6K2m?=", "=?nonsense?B?5ZGK6K2m?="),
        (b"=?utf-8?", "=?utf-8?"),
    ],
)
def test_a_value_is_shown_as_people_read_it(value: bytes, text: str) -> None:
    assert as_text(value, 200) == text


def test_a_value_is_shown_up_to_its_limit_in_every_encoding() -> None:
    word = b"=?utf-8?Q?=E5=91=8A=E5=91=8A=E5=91=8A=E5=91=8A=E5=91=8A?= "

    assert as_text(word * 100, 200) == "告" * 200


@pytest.mark.alone
@pytest.mark.parametrize("filler", [b"=?a?q?b", b"=?a?q?", b"=?", b"=?a?b?YQ==?= ", b"\xff"])
def test_no_value_takes_long(filler: bytes) -> None:
    begun = process_time()

    as_text(filler * (256 * 1024 // len(filler)), 998)

    assert process_time() - begun < 1.0
