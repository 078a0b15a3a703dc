from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushserver.domain import Level, Style
from pushserver.platforms.letter import Letterhead, compose, message_id, subject
from tests.platforms.deliveries import TASK_ID, delivery, moment

READERS = (Address("系统管理员", addr_spec="admin@corp.example"), Address("", addr_spec="ops@corp.example"))
HEAD = Letterhead(Address("告警", addr_spec="noreply@corp.example"), READERS, "email")

any_text = st.text(st.characters() | st.sampled_from("\ud800\x00\r\n\u2028\x85=?<>&\t "), max_size=400)


def parse(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def parts(raw: bytes) -> tuple[str, str]:
    plain, page = parse(raw).iter_parts()
    assert (plain.get_content_type(), page.get_content_type()) == ("text/plain", "text/html")
    return plain.get_content().replace("\r\n", "\n"), page.get_content().replace("\r\n", "\n")


def test_headers() -> None:
    message = parse(compose(delivery("磁盘", "满了", level=Level.WARNING), HEAD))
    assert message["Subject"] == "[警告] 磁盘"
    assert message["From"] == "告警 <noreply@corp.example>"
    assert message["To"] == "系统管理员 <admin@corp.example>, ops@corp.example"
    assert message["Date"] == "Mon, 01 Jan 2024 20:00:05 +0800"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(
    ("level", "label", "colour"),
    [(Level.INFO, "信息", "#17a2b8"), (Level.WARNING, "警告", "#ffc107"), (Level.ERROR, "错误", "#dc3545")],
)
@pytest.mark.parametrize("style", list(Style))
def test_each_level_has_its_label_and_colour(level: Level, label: str, colour: str, style: Style) -> None:
    raw = compose(delivery("T", "M", level=level, style=style), HEAD)
    assert parse(raw)["Subject"] == f"[{label}] T"
    assert colour in parts(raw)[1]


def test_plain_text_first_and_complete() -> None:
    plain, page = parts(compose(delivery("标题", "一\n二"), HEAD))
    assert plain == "🔴 标题\n\n一\n二\n\n发送时间: 2024-01-01 20:00:05\n"
    assert "一\n二" in page


def test_text_and_card_differ_as_page_and_table() -> None:
    assert "<table" not in parts(compose(delivery(style=Style.TEXT), HEAD))[1]
    assert "<table" in parts(compose(delivery(style=Style.CARD), HEAD))[1]


@pytest.mark.parametrize("style", list(Style))
def test_what_a_caller_wrote_is_escaped(style: Style) -> None:
    _, page = parts(compose(delivery("<b>T</b>", "</div><script>alert('x')</script>", style=style), HEAD))
    assert "<script" not in page
    assert "&lt;b&gt;T&lt;/b&gt;" in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in page


def test_a_title_cannot_add_headers() -> None:
    message = parse(compose(delivery("T\r\nBcc: eve@evil.example\r\n\r\nbody"), HEAD))
    assert message["Bcc"] is None
    assert message["Subject"] == "[错误] T Bcc: eve@evil.example body"


def test_a_long_title_is_cut_in_the_subject_and_whole_in_the_body() -> None:
    raw = compose(delivery("题" * 1000), HEAD)
    assert len(str(parse(raw)["Subject"]).encode()) <= 500
    assert str(parse(raw)["Subject"]).endswith("字）")
    assert "题" * 1000 in parts(raw)[0]


def test_the_message_id_is_the_same_for_every_attempt() -> None:
    first, second = (parse(compose(delivery(at=moment(seconds)), HEAD)) for seconds in (1000, 2000))
    assert first["Message-ID"] == second["Message-ID"]
    assert str(first["Message-ID"]).startswith(f"<{TASK_ID}.")
    assert str(first["Message-ID"]).endswith("@corp.example>")


def test_the_message_id_differs_by_task_and_target() -> None:
    other = Letterhead(HEAD.sender, READERS[:1], "email")
    ids = {message_id("task_1", HEAD), message_id("task_2", HEAD), message_id("task_1", other)}
    assert len(ids) == 3


def test_a_subject_keeps_ordinary_titles() -> None:
    assert subject(Level.INFO, "部署 v1.2 完成") == "[信息] 部署 v1.2 完成"


@settings(max_examples=80, deadline=None)
@given(title=any_text, text=any_text, style=st.sampled_from(list(Style)))
def test_any_words_become_a_7_bit_mail_with_the_same_headers(title: str, text: str, style: Style) -> None:
    raw = compose(delivery(title, text, style=style), HEAD)
    raw.decode("ascii")
    message = parse(raw)
    assert not message.defects
    assert set(message.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "MIME-Version",
        "Content-Type",
    }
    assert len(list(message.iter_parts())) == 2
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
