from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushserver.relay.seven_bit import as_seven_bit, is_seven_bit

EIGHT_BIT = policy.SMTP.clone(cte_type="8bit")


def leaves(content: bytes) -> list[tuple[str, bytes]]:
    """Each part's type and bytes, decoded, as a stranger's parser sees them."""
    message = message_from_bytes(content, policy=policy.compat32)
    return [(part.get_content_type(), payload_of(part)) for part in message.walk() if not part.is_multipart()]


def payload_of(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def headers(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def letter() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "a@corp.example"
    message.set_content("正文\n", cte="8bit")
    message.add_alternative(
        "<p>正文 and much more in letters of the Latin alphabet</p>\n", "html", cte="8bit"
    )
    message.add_attachment(bytes(range(256)), "application", "octet-stream", filename="a.bin")
    return message


def test_a_message_that_every_server_takes_stays_the_same_object() -> None:
    content = b"Subject: x\r\n\r\ntext\r\n"

    assert as_seven_bit(content) is content


def test_each_part_is_the_same_once_it_is_decoded() -> None:
    content = letter().as_bytes(policy=EIGHT_BIT)

    sent = as_seven_bit(content)

    assert is_seven_bit(sent)
    assert not is_seven_bit(content)
    assert leaves(sent) == leaves(content)


def test_a_forwarded_message_is_encoded_inside() -> None:
    outer = EmailMessage()
    outer["From"] = "b@corp.example"
    outer.set_content("see below")
    outer.add_attachment(letter())
    content = outer.as_bytes(policy=EIGHT_BIT)

    sent = as_seven_bit(content)

    assert is_seven_bit(sent)
    assert leaves(sent) == leaves(content)


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
def test_a_line_too_long_is_broken_without_changing_the_text(encoding: str) -> None:
    text = b"x" * 3000 + b"\r\nshort\r\n"
    encoded = {"8bit": text, "quoted-printable": text, "base64": b"eHh4" * 1000 + b"\r\n"}[encoding]
    content = (
        b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: "
        + encoding.encode()
        + b"\r\n\r\n"
        + encoded
    )

    sent = as_seven_bit(content)

    assert is_seven_bit(sent)
    assert leaves(sent) == leaves(content)


def test_a_message_from_before_mime_is_said_to_be_what_it_looks_like() -> None:
    sent = headers(as_seven_bit("Subject: x\r\n\r\n正文\r\n".encode()))

    assert sent.get_content_charset() == "utf-8"
    assert sent.get_content() == "正文\r\n"


def test_letters_that_nobody_can_name_are_called_unknown() -> None:
    sent = as_seven_bit(b"Subject: x\r\n\r\n\xd5\xfd\xce\xc4\r\n")

    assert b"charset=unknown-8bit\r\n" in sent
    assert leaves(sent) == [("text/plain", b"\xd5\xfd\xce\xc4\r\n")]


@pytest.mark.parametrize(
    ("header", "name", "value"),
    [
        ("Subject: 季度 报告 for you", "subject", "季度 报告 for you"),
        ("Subject: " + "长" * 100, "subject", "长" * 100),
        ("From: 张三 <a@corp.example>", "from", "张三 <a@corp.example>"),
        ('From: "张三" <a@corp.example>', "from", "张三 <a@corp.example>"),
        (
            "To: 张三 <a@corp.example>, 李四 <b@corp.example>",
            "to",
            "张三 <a@corp.example>, 李四 <b@corp.example>",
        ),
    ],
)
def test_a_header_of_raw_letters_becomes_encoded_words(header: str, name: str, value: str) -> None:
    sent = as_seven_bit(f"{header}\r\n\r\ntext\r\n".encode())

    assert is_seven_bit(sent)
    assert headers(sent)[name] == value


def test_an_endless_header_is_folded_where_it_has_white_space() -> None:
    content = b"References:" + b" <id@corp.example>" * 200 + b"\r\n\r\ntext\r\n"

    sent = as_seven_bit(content)

    assert is_seven_bit(sent)
    assert headers(sent)["references"].split() == ["<id@corp.example>"] * 200


def test_what_stands_around_the_parts_and_cannot_be_encoded_goes() -> None:
    content = (
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "前言\r\n--b\r\n\r\n正文\r\n--b--\r\n后记\r\n"
    ).encode()

    sent = as_seven_bit(content)

    assert is_seven_bit(sent)
    assert leaves(sent) == [("text/plain", "正文".encode())]


def test_parts_within_parts_without_end_cost_no_stack() -> None:
    content = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth)
        for depth in range(2000)
    )

    as_seven_bit(b"MIME-Version: 1.0\r\n" + content + "正文\r\n".encode())


TEXTS = st.text(st.sampled_from("ab 中é=.\t-"), max_size=80).map(lambda text: text + "\r\n")


@given(TEXTS, st.sampled_from(["text/plain", "text/html", "application/json"]))
def test_a_body_of_any_letters_is_the_same_once_it_is_decoded(text: str, kind: str) -> None:
    content = (
        f"MIME-Version: 1.0\r\nContent-Type: {kind}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{text}"
    ).encode()

    sent = as_seven_bit(content)

    assert is_seven_bit(sent)
    assert leaves(sent) == [(kind, text.encode())]


def test_a_line_that_is_no_field_is_encoded_as_a_whole() -> None:
    assert is_seven_bit(as_seven_bit("Sübject: x\r\nnonsense é\r\n\r\ntext\r\n".encode()))


@pytest.mark.alone
@pytest.mark.parametrize("filler", [b"a", b"a@", b'"a', b'"', b"(", b"a ", b"\xff ", b'"a\xff', b"\r\n "])
def test_no_header_takes_long(filler: bytes) -> None:
    content = b"From: " + filler * (256 * 1024 // len(filler)) + b" \xff\r\n\r\ntext\r\n"
    begun = process_time()

    as_seven_bit(content)

    assert process_time() - begun < 2.0


@given(st.binary(max_size=200))
def test_no_bytes_break_the_encoder(content: bytes) -> None:
    as_seven_bit(b"Content-Type: multipart/mixed; boundary=b\r\n" + content)
    as_seven_bit(content)
