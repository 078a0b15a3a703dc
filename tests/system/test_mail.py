"""The e-mail channel, from the push to the mailbox."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pushserver.sandbox import MailSink, Sandbox, Stage
from tests.system.api_client import Client, results
from tests.system.server_process import PushServer, serving
from tests.system.setups import INLINE, mailboxes, setup

TITLE, TEXT = "数据库延迟", "主库复制延迟 42 秒\n请处理"
LOGIN = {"username": "bot@corp.example", "password": "pass-word"}


@pytest.fixture(scope="module")
def sinks(sandbox: Sandbox, server_tls: ssl.SSLContext) -> dict[str, MailSink]:
    known = {LOGIN["username"]: LOGIN["password"]}
    plain = ("plain", "injected", "repeated", "partial", "deferred", "everybody")
    return {name: sandbox.smtp(name) for name in plain} | {
        "starttls": sandbox.smtp(
            "starttls", credentials=known, auth_required=True, starttls=server_tls, starttls_required=True
        ),
        "no-starttls": sandbox.smtp("no-starttls", credentials=known),
        "stranger": sandbox.smtp("stranger", credentials=known, auth_required=True),
    }


@pytest.fixture(scope="module")
def server(
    sinks: dict[str, MailSink], ca_file: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PushServer]:
    directory = tmp_path_factory.mktemp("mail")
    own: dict[str, dict[str, Any]] = {
        "starttls": {"tls": True, **LOGIN},
        "no-starttls": {"tls": True, **LOGIN},
        "stranger": LOGIN | {"password": "wrong"},
    }
    recipients = {
        name: {"email": mailboxes(sink, "ann@corp.example", "bob@corp.example", **own.get(name, {}))}
        for name, sink in sinks.items()
    }
    queue = {"retry_count": 2}
    content = setup(directory, recipients, queue=queue, http={"ca_file": ca_file}, processes=INLINE)
    with serving(directory, content) as server:
        yield server


@pytest.fixture
def client(server: PushServer) -> Client:
    return server.client


def _result(task: dict[str, Any]) -> dict[str, Any]:
    (result,) = (item for item in task["results"] if not item.get("fallback"))
    return dict(result)


LOOKS = {"info": ("信息", "#17a2b8"), "warning": ("警告", "#ffc107"), "error": ("错误", "#dc3545")}


@pytest.mark.parametrize("level", LOOKS)
@pytest.mark.parametrize("style", ["text", "card"])
def test_a_mail_says_in_both_parts_what_the_push_says(
    client: Client, sinks: dict[str, MailSink], level: str, style: str
) -> None:
    label, colour = LOOKS[level]
    sinks["plain"].clear()
    task = client.outcome("plain", title=TITLE, msg=TEXT, type=level, style=style)
    assert (task["status"], results(task)) == ("completed", [("email", "success")])
    (mail,) = sinks["plain"].mails
    assert mail.subject == f"[{label}] {TITLE}"
    assert mail.mailboxes == ("ann@corp.example", "bob@corp.example")
    assert mail.sender == "noreply@corp.example"
    assert [part.get_content_type() for part in mail.message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert TITLE in mail.text
    assert TEXT in mail.text
    assert TITLE in mail.html
    assert colour in mail.html
    assert ("<table" in mail.html) is (style == "card")
    assert mail.raw.isascii()


def test_a_title_injects_no_header_and_html_is_escaped(client: Client, sinks: dict[str, MailSink]) -> None:
    title = "T\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>"
    task = client.outcome("injected", title=title, msg='a <b>& "c"</b>\r\n.\r\nMAIL FROM:<x@y>')
    assert task["status"] == "completed"
    (mail,) = sinks["injected"].mails
    assert mail.mailboxes == ("ann@corp.example", "bob@corp.example")
    assert "Bcc" not in mail.message
    assert "Bcc: eve@evil.example" in mail.subject, "it is all one line of text"
    assert "<script>" not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert "a &lt;b&gt;&amp; " in mail.html
    assert "MAIL FROM:<x@y>" in mail.text


def test_a_mail_whose_answer_was_lost_is_sent_again_under_the_same_message_id(
    client: Client, sinks: dict[str, MailSink]
) -> None:
    sinks["repeated"].drop(Stage.DATA)
    task = client.outcome("repeated")
    assert task["status"] == "completed"
    first, second = sinks["repeated"].mails
    assert first.message["Message-ID"] == second.message["Message-ID"] is not None
    assert task["task_id"].replace("_", "") in first.message["Message-ID"].replace("_", "")
    assert (_result(task)["attempt"], _result(task)["attempts"][0]["uncertain"]) == (2, True)


def test_a_mailbox_refused_for_good_is_named_and_the_rest_is_a_success(
    client: Client, sinks: dict[str, MailSink]
) -> None:
    sinks["partial"].refuse("bob@corp.example", "550 5.1.1 No such user")
    task = client.outcome("partial")
    assert task["status"] == "completed"
    assert _result(task)["refused"] == [
        {"email": "bob@corp.example", "code": 550, "reason": "5.1.1 No such user"}
    ]
    assert [mail.mailboxes for mail in sinks["partial"].mails] == [("ann@corp.example",)]


def test_a_mailbox_put_off_is_tried_again_alone(client: Client, sinks: dict[str, MailSink]) -> None:
    sinks["deferred"].refuse("ann@corp.example", "450 4.2.0 greylisted", times=2)
    task = client.outcome("deferred")
    assert task["status"] == "completed"
    assert [mail.mailboxes for mail in sinks["deferred"].mails] == [
        ("bob@corp.example",),
        ("ann@corp.example",),
    ]
    assert "refused" not in _result(task)
    ids = {mail.message["Message-ID"] for mail in sinks["deferred"].mails}
    assert len(ids) == 1


def test_everybody_refused_is_a_failure(client: Client, sinks: dict[str, MailSink]) -> None:
    for mailbox in ("ann@corp.example", "bob@corp.example"):
        sinks["everybody"].refuse(mailbox)
    task = client.outcome("everybody")
    assert task["status"] == "failed"
    assert (_result(task)["message"], _result(task)["code"]) == ("消息内容被平台拒绝", 550)
    assert sinks["everybody"].arrivals == []


def test_a_server_that_demands_starttls_and_a_login_gets_both(
    client: Client, sinks: dict[str, MailSink]
) -> None:
    assert client.outcome("starttls")["status"] == "completed"
    (mail,) = sinks["starttls"].mails
    assert (mail.tls, mail.login) == (True, LOGIN["username"])


def test_without_starttls_nothing_is_said_in_clear_text(client: Client, sinks: dict[str, MailSink]) -> None:
    task = client.outcome("no-starttls")
    assert (task["status"], _result(task)["message"]) == ("failed", "邮箱账户不可用")
    assert "STARTTLS" in _result(task)["detail"]
    assert sinks["no-starttls"].arrivals == []


def test_a_wrong_password_is_a_broken_account_and_not_tried_again(client: Client) -> None:
    result = _result(client.outcome("stranger"))
    assert (result["status"], result["message"], result["code"]) == ("failed", "邮箱账户不可用", 535)
    assert result["attempt"] == 1


def test_an_untrusted_certificate_is_refused(
    sandbox: Sandbox, server_tls: ssl.SSLContext, tmp_path: Path, serve: Callable[..., PushServer]
) -> None:
    sink = sandbox.smtp("untrusted", starttls=server_tls)
    recipients = {"ops": {"email": mailboxes(sink, "ann@corp.example", tls=True)}}
    content = setup(tmp_path, recipients, processes=INLINE)
    result = _result(serve(content).client.outcome("ops"))
    assert result["message"] == "邮箱账户不可用"
    assert result["detail"].startswith("TLS证书校验失败")
    assert sink.arrivals == []


def test_port_465_speaks_tls_from_the_first_byte(
    server_tls: ssl.SSLContext, ca_file: str, tmp_path: Path, serve: Callable[..., PushServer]
) -> None:
    with Sandbox(host="127.0.0.2") as other:
        try:
            sink = other.smtp("implicit", port=465, tls=server_tls)
        except PermissionError:
            pytest.skip("only root may listen on port 465 here")
        recipients = {"ops": {"email": mailboxes(sink, "ann@corp.example", tls=True)}}
        content = setup(tmp_path, recipients, http={"ca_file": ca_file}, processes=INLINE)
        assert serve(content).client.outcome("ops")["status"] == "completed"
        (mail,) = sink.mails
    assert mail.tls is True
