import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushserver.relay.content import FromPolicy, OutgoingStream, envelope_sender, outgoing
from pushserver.relay.decoder import normalised
from tests.platforms.pieces import Pieces

ACCOUNT = "notify@provider.example"
POLICIES: tuple[FromPolicy, ...] = ("rewrite", "envelope", "keep")


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def rewritten(*header: str) -> list[str]:
    """The header's lines as the account sends them."""
    content = "".join(f"{line}\r\n" for line in (*header, "", "text")).encode()
    result = outgoing(content, "rewrite", ACCOUNT).decode()
    assert result.endswith("\r\n\r\ntext\r\n")
    return result.removesuffix("\r\n\r\ntext\r\n").split("\r\n")


# From --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_from", "sent_from", "reply_to"),
    [
        ("From: a@corp.example", f"From: {ACCOUNT}", "a@corp.example"),
        ("From: <a@corp.example>", f"From: <{ACCOUNT}>", "a@corp.example"),
        ("From: Ann <a@corp.example>", f"From: Ann <{ACCOUNT}>", "a@corp.example"),
        ('From: "Doe, Ann" <a@corp.example>', f'From: "Doe, Ann" <{ACCOUNT}>', "a@corp.example"),
        ('From: "x <y@z>" <a@corp.example>', f'From: "x <y@z>" <{ACCOUNT}>', "a@corp.example"),
        (
            "From: =?utf-8?B?5byg5LiJ?= <a@corp.example>",
            f"From: =?utf-8?B?5byg5LiJ?= <{ACCOUNT}>",
            "a@corp.example",
        ),
        ("From: 张三 <a@corp.example>", f"From: 张三 <{ACCOUNT}>", "a@corp.example"),
        ("From: 张三 a@corp.example", f"From: 张三 {ACCOUNT}", "a@corp.example"),
        ("From: a@corp.example (Ann)", f"From: {ACCOUNT} (Ann)", "a@corp.example"),
        ("FROM:a@corp.example", f"FROM:{ACCOUNT}", "a@corp.example"),
        ("From : Ann <a@corp.example>", f"From : Ann <{ACCOUNT}>", "a@corp.example"),
        ("From: Ann <@relay.example:a@corp.example>", f"From: Ann <{ACCOUNT}>", "a@corp.example"),
        ('From: "Ann B"@corp.example', f"From: {ACCOUNT}", '"Ann B"@corp.example'),
        ("From: (a (nested) one) a@corp.example", f"From: (a (nested) one) {ACCOUNT}", "a@corp.example"),
    ],
)
def test_the_address_in_from_becomes_the_accounts_and_the_name_stays(
    given_from: str, sent_from: str, reply_to: str
) -> None:
    assert rewritten(given_from) == [sent_from, f"Reply-To: {reply_to}"]


@pytest.mark.parametrize(
    ("given_from", "sent_from"),
    [
        ("From: root", f"From: root <{ACCOUNT}>"),
        ("From: root (Cron Daemon)", f"From: root (Cron Daemon) <{ACCOUNT}>"),
        ('From: "(Cron Daemon)" <root>', f'From: "(Cron Daemon)" <{ACCOUNT}>'),
        ("From: MAILER-DAEMON <>", f"From: MAILER-DAEMON <{ACCOUNT}>"),
        ("From:", f"From: <{ACCOUNT}>"),
        ("From: undisclosed:;", f"From: <{ACCOUNT}>"),
        ("From: a@b@c, d:", f"From: {ACCOUNT}"),
    ],
)
def test_a_from_that_nobody_could_answer_gets_the_address_alone(given_from: str, sent_from: str) -> None:
    lines = rewritten(given_from)

    assert lines[0] == sent_from
    assert not [line for line in lines if line == "Reply-To: "]


def test_a_folded_from_keeps_its_folds() -> None:
    assert rewritten("From: =?utf-8?B?5byg?=", "\t=?utf-8?B?5LiJ?=", " <a@corp.example>") == [
        "From: =?utf-8?B?5byg?=",
        "\t=?utf-8?B?5LiJ?=",
        f" <{ACCOUNT}>",
        "Reply-To: a@corp.example",
    ]


def test_of_several_authors_the_first_names_the_mail_and_all_get_the_answers() -> None:
    assert rewritten("From: Ann <a@corp.example>, b@corp.example") == [
        f"From: Ann <{ACCOUNT}>",
        "Reply-To: a@corp.example,",
        " b@corp.example",
    ]


def test_a_reply_to_stays_as_it_is() -> None:
    assert rewritten("reply-to: c@corp.example", "From: a@corp.example") == [
        "reply-to: c@corp.example",
        f"From: {ACCOUNT}",
    ]


def test_a_message_without_from_gets_one_behind_the_trace() -> None:
    assert rewritten("Received: from a", "\tby b", "Subject: x") == [
        "Received: from a",
        "\tby b",
        f"From: <{ACCOUNT}>",
        "Subject: x",
    ]


def test_the_accounts_own_mail_stays_as_it_is_with_its_signature() -> None:
    header = ("DKIM-Signature: v=1; h=from", f"From: Notify <{ACCOUNT.upper()}>")

    assert rewritten(*header) == list(header)


def test_a_signature_that_rewriting_breaks_goes_with_its_folds() -> None:
    assert rewritten("DKIM-Signature: v=1;", "\th=from", "dkim-signature: v=1", "From: a@corp.example") == [
        f"From: {ACCOUNT}",
        "Reply-To: a@corp.example",
    ]


@pytest.mark.parametrize("from_policy", ["envelope", "keep"])
def test_other_policies_leave_from_and_signatures_alone(from_policy: FromPolicy) -> None:
    content = b"DKIM-Signature: v=1\r\nFrom: a@corp.example\r\n\r\ntext\r\n"

    assert outgoing(content, from_policy, ACCOUNT) == content


# The envelope ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("from_policy", "sender"), [("rewrite", ACCOUNT), ("envelope", ACCOUNT), ("keep", "a@corp.example")]
)
def test_the_envelopes_sender_follows_the_policy(from_policy: FromPolicy, sender: str) -> None:
    assert envelope_sender("a@corp.example", from_policy, ACCOUNT) == sender


@pytest.mark.parametrize("from_policy", POLICIES)
def test_the_null_sender_stays_null(from_policy: FromPolicy) -> None:
    assert envelope_sender("", from_policy, ACCOUNT) == ""


# Bcc ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_policy", POLICIES)
@pytest.mark.parametrize(
    "private",
    [
        b"Bcc: secret@corp.example\r\n",
        b"BCC:secret@corp.example\r\n",
        b"bcc : secret@corp.example\r\n",
        b"Bcc: other@corp.example,\r\n secret@corp.example\r\n",
        b"Bcc:\r\n\tsecret@corp.example\r\n",
        b"Resent-Bcc: secret@corp.example\r\n",
        b"Return-Path: <secret@corp.example>\r\n",
        b"garbage\r\nBcc: secret@corp.example\r\n",
    ],
)
def test_a_blind_copy_is_never_visible(from_policy: FromPolicy, private: bytes) -> None:
    content = b"To: b@corp.example\r\n" + private + b"Subject: x\r\n\r\ntext\r\n"

    sent = outgoing(content, from_policy, ACCOUNT)

    assert b"secret" not in sent
    assert b"To: b@corp.example\r\n" in sent
    assert sent.endswith(b"Subject: x\r\n\r\ntext\r\n")


def test_bcc_in_a_text_or_in_a_forwarded_message_is_text() -> None:
    content = b"From: a@corp.example\r\n\r\nBcc: not@a.header\r\n\r\nBcc: nor@this.one\r\n"

    assert outgoing(content, "keep", ACCOUNT) == content


# Everything else ---------------------------------------------------------------------------------------


def test_attachments_arrive_bit_for_bit() -> None:
    message = EmailMessage()
    message["From"] = "张三 <a@corp.example>"
    message["Subject"] = "季度报告"
    message.set_content("正文，8位。\n", cte="8bit")
    blob = bytes(range(256)) * 400
    message.add_attachment(blob, maintype="application", subtype="octet-stream", filename="报告.bin")
    content = message.as_bytes(policy=policy.SMTP.clone(cte_type="8bit"))

    sent = outgoing(content, "rewrite", ACCOUNT)

    assert sent.partition(b"\r\n\r\n")[2] == content.partition(b"\r\n\r\n")[2]
    arrived = parsed(sent)
    (attachment,) = arrived.iter_attachments()
    assert sha256(attachment.get_content()).digest() == sha256(blob).digest()
    assert attachment.get_filename() == "报告.bin"
    assert arrived["Subject"] == "季度报告"
    body = arrived.get_body()
    assert body is not None
    assert body.get_content() == "正文，8位。\r\n"


@pytest.mark.parametrize("from_policy", POLICIES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"\r\ntext",
        b"text without a header",
        b"Subject: no end",
        b"From a@b Mon Jan 1 00:00:00 2024\r\nSubject: mbox\r\n\r\ntext\r\n",
        b" begins with a fold\r\nSubject: x\r\n\r\ntext\r\n",
        b"Subject: \xff\xfe\r\n\r\n\xff\x00\r\n",
        b"Subject: lone \n and \r in it\r\n\r\ntext\r\n",
    ],
)
def test_odd_messages_pass(from_policy: FromPolicy, content: bytes) -> None:
    sent = outgoing(content, from_policy, ACCOUNT)

    assert sent.replace(f"From: <{ACCOUNT}>\r\n".encode(), b"", 1) == content


NAMES = st.sampled_from(
    (
        *("From", "FROM ", "Reply-To", "Bcc", "bcc ", "Resent-Bcc", "Return-Path", "DKIM-Signature"),
        *("To", "Subject", "Date", "X-Bcc", "Received", "bad name", ""),
    )
)
VALUES = st.one_of(
    st.binary(max_size=30),
    st.sampled_from([b'"A, B" <a@b.c>', b"a@b.c, <d@e.f>", b"(x\r\n y) <a>", b"<<>", b'"', b"((", b"g:a@b;"]),
)
FIELDS = st.builds(lambda name, value: name.encode() + b":" + value, NAMES, VALUES)
LINES = st.lists(st.one_of(FIELDS, st.binary(max_size=20)), max_size=8).map(b"\r\n".join)
CHANGED = rb"(?:from|reply-to|dkim-signature|bcc|resent-bcc|return-path)"
PRIVATE = rb"(?:bcc|resent-bcc|return-path)"


def without(names: bytes, header: bytes) -> bytes:
    """The header without these fields, each with the lines that continue it."""
    return re.sub(rb"(?i)(?:(?<=\n)|\A)%b[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)" % names, b"", header)


def split(content: bytes) -> tuple[bytes, bytes]:
    if content.startswith(b"\r\n"):
        return b"", content
    header, empty, body = content.partition(b"\r\n\r\n")
    return (header + b"\r\n", b"\r\n" + body) if empty else (content, b"")


@given(LINES, st.binary(max_size=60))
def test_whatever_the_message_only_the_listed_fields_change(header: bytes, body: bytes) -> None:
    content = normalised(header + b"\r\n\r\n" + body)
    given_header, given_body = split(content)

    for from_policy in POLICIES:
        sent_header, sent_body = split(outgoing(content, from_policy, ACCOUNT))
        fields = CHANGED if from_policy == "rewrite" else PRIVATE
        assert sent_body == given_body
        assert without(fields, sent_header) == without(fields, given_header)
        assert without(PRIVATE, sent_header) == sent_header


@given(LINES)
def test_whatever_the_message_everybody_sees_the_accounts_address_in_it(header: bytes) -> None:
    content = normalised(header + b"\r\n\r\n")

    sent, _ = split(outgoing(content, "rewrite", ACCOUNT))

    froms = re.findall(rb"(?i)(?:(?<=\n)|\A)from[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", sent)
    assert froms
    assert all(ACCOUNT.encode() in value for value in froms)


@given(LINES)
def test_what_an_account_has_changed_it_does_not_change_again(header: bytes) -> None:
    once = outgoing(normalised(header + b"\r\n\r\ntext\r\n"), "keep", ACCOUNT)

    assert outgoing(once, "keep", ACCOUNT) == once


# In pieces ---------------------------------------------------------------------------------------------


@given(LINES, st.binary(max_size=60), st.integers(1, 40), st.sampled_from(POLICIES))
def test_a_message_that_comes_in_pieces_is_changed_alike(
    header: bytes, body: bytes, size: int, from_policy: FromPolicy
) -> None:
    content = normalised(header + b"\r\n\r\n" + body)
    whole = outgoing(content, from_policy, ACCOUNT)

    stream = OutgoingStream(Pieces.of(content, size), from_policy, ACCOUNT)

    assert b"".join(stream) == whole
    assert b"".join(stream) == whole, "gone through again"
    assert len(stream) == len(whole)


def test_of_a_message_that_comes_in_pieces_the_header_alone_is_held() -> None:
    body = [b"x" * 1000] * 5
    taken: list[int] = []

    class Watched(Pieces):
        def __iter__(self) -> Iterator[bytes]:
            for number, piece in enumerate(self.given):
                taken.append(number)
                yield piece

    OutgoingStream(Watched((b"Subject: x\r\n", b"\r\ntext", *body)), "rewrite", ACCOUNT)

    assert taken == [0, 1]
