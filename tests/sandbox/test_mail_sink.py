import gc
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
import trustme

from pushserver.sandbox import BadSettingError, MailSink, Sandbox, Stage
from tests.sandbox.calling import StandingClock


@pytest.fixture
def sink(sandbox: Sandbox) -> MailSink:
    return sandbox.smtp()


@pytest.fixture
def client(sink: MailSink) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client:
        yield client


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def client_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def mail(*to: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "[错误] 主库"
    message["From"] = "告警 <alert@example.com>"
    message["To"] = ", ".join(to or ("ops@example.com",))
    message.set_content("无法连接。\n.一个点\n")
    message.add_alternative("<b>无法连接</b>", subtype="html")
    return message


def test_a_mail_is_kept_with_its_envelope(sink: MailSink, client: smtplib.SMTP, clock: StandingClock) -> None:
    assert client.send_message(mail("a@example.com", "b@example.com")) == {}
    [kept] = sink.wait(1)
    assert (kept.number, kept.at, kept.sink) == (1, clock.now, "mail-1")
    assert (kept.sender, kept.mailboxes, kept.refused) == (
        "alert@example.com",
        ("a@example.com", "b@example.com"),
        (),
    )
    assert (kept.accepted, kept.reply, kept.answered) == (True, "250 2.0.0 OK: queued", True)
    assert (kept.login, kept.tls, kept.peer) == (None, False, "127.0.0.1")
    assert (kept.subject, kept.text, kept.html) == (
        "[错误] 主库",
        "无法连接。\n.一个点",
        "<b>无法连接</b>",
    )
    assert kept.raw.startswith(b"Subject: =?utf-8?")


def test_bytes_are_kept_as_they_came(sink: MailSink, client: smtplib.SMTP) -> None:
    raw = b"Subject: x\r\n\r\n.dot\r\n..two\r\n\xff\r\n"
    client.sendmail("a@x", ["b@x"], raw)
    assert sink.mails[0].raw == raw


def test_the_empty_sender_is_taken(sink: MailSink, client: smtplib.SMTP) -> None:
    client.sendmail("", ["b@x"], b"Subject: bounce\r\n\r\n")
    assert sink.mails[0].sender == ""


def test_an_unknown_charset_is_still_read(sink: MailSink, client: smtplib.SMTP) -> None:
    client.sendmail("a@x", ["b@x"], b"Content-Type: text/plain; charset=klingon\r\n\r\nhi\r\n")
    assert sink.mails[0].text == "hi"


def test_one_mailbox_is_refused_and_the_rest_is_delivered(sink: MailSink, client: smtplib.SMTP) -> None:
    sink.refuse("Bad@example.com")
    sink.refuse("grey@example.com", "451 4.7.1 Greylisted", times=1)
    addresses = ("bad@example.com", "grey@example.com", "ops@example.com")
    assert client.send_message(mail(*addresses)) == {
        "bad@example.com": (550, b"5.1.1 No such user"),
        "grey@example.com": (451, b"4.7.1 Greylisted"),
    }
    assert sink.mails[0].mailboxes == ("ops@example.com",)
    assert sink.mails[0].refused == (
        ("bad@example.com", "550 5.1.1 No such user"),
        ("grey@example.com", "451 4.7.1 Greylisted"),
    )
    assert client.send_message(mail(*addresses)) == {"bad@example.com": (550, b"5.1.1 No such user")}


def test_all_mailboxes_are_refused(sink: MailSink, client: smtplib.SMTP) -> None:
    sink.reply(Stage.RCPT, "452 4.2.2 Mailbox full", times=None)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.send_message(mail())
    assert sink.arrivals == []


def test_a_mail_is_refused_after_the_final_dot(sink: MailSink, client: smtplib.SMTP) -> None:
    sink.reply("DATA", "552 5.3.4 Message too big")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        client.send_message(mail())
    assert (refused.value.smtp_code, refused.value.smtp_error) == (552, b"5.3.4 Message too big")
    assert [(kept.accepted, kept.reply) for kept in sink.arrivals] == [(False, "552 5.3.4 Message too big")]
    client.send_message(mail())
    assert sink.count == 1


def test_a_reply_to_data_may_be_for_one_mailbox_alone(sink: MailSink, client: smtplib.SMTP) -> None:
    sink.reply("DATA", "554 5.7.1 Spam", mailbox="b@example.com", times=None)
    client.send_message(mail("a@example.com"))
    with pytest.raises(smtplib.SMTPDataError):
        client.send_message(mail("b@example.com"))
    assert [kept.mailboxes for kept in sink.mails] == [("a@example.com",)]


def test_a_sender_is_refused(sink: MailSink, client: smtplib.SMTP) -> None:
    sink.reply("MAIL", "553 5.7.1 Sender not owned")
    with pytest.raises(smtplib.SMTPSenderRefused):
        client.send_message(mail())


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
def test_421_ends_the_connection(sink: MailSink, client: smtplib.SMTP, stage: str) -> None:
    sink.reply(stage, "421 4.3.2 Shutting down")
    with pytest.raises(smtplib.SMTPException):
        client.send_message(mail())
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as again:
        again.send_message(mail())


def test_a_busy_sink_greets_with_421_and_closes(sink: MailSink) -> None:
    sink.busy()
    with (
        socket.create_connection((sink.host, sink.port), 5.0) as connection,
        connection.makefile("rb") as lines,
    ):
        assert lines.read() == b"421 4.3.2 Service not available, closing transmission channel\r\n"
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client:
        assert client.noop()[0] == 250


def test_a_mail_dropped_after_the_final_dot_has_arrived(sink: MailSink, client: smtplib.SMTP) -> None:
    sink.drop()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.send_message(mail())
    assert [(kept.accepted, kept.answered) for kept in sink.mails] == [(True, False)]


def test_a_connection_dropped_earlier_brings_no_mail(sink: MailSink, client: smtplib.SMTP) -> None:
    sink.drop("RCPT")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.send_message(mail())
    assert sink.arrivals == []


def test_a_connection_dropped_at_once_gets_no_greeting(sink: MailSink) -> None:
    sink.drop(Stage.GREETING)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        smtplib.SMTP(sink.host, sink.port, timeout=5.0)


def test_a_hanging_sink_replies_when_released(sink: MailSink, client: smtplib.SMTP) -> None:
    sink.hang()
    sending = threading.Thread(target=client.send_message, args=(mail(),))
    sending.start()
    assert sink.wait(1)[0].accepted
    assert sending.is_alive()
    sink.release()
    sending.join(5.0)
    assert not sending.is_alive()


@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
def test_a_sink_that_hangs_earlier_outlasts_the_callers_patience(sink: MailSink, stage: str) -> None:
    sink.hang(stage)
    client = smtplib.SMTP(sink.host, sink.port, timeout=0.2)
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        client.send_message(mail())
    client.close()
    sink.recover()
    assert sink.arrivals == []


def test_a_silent_greeting_outlasts_the_callers_patience(sink: MailSink) -> None:
    sink.hang("GREETING")
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        smtplib.SMTP(sink.host, sink.port, timeout=0.1)
    sink.recover()
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client:
        assert client.noop()[0] == 250


def test_a_slow_sink_outlasts_the_callers_patience_and_keeps_the_mail(sink: MailSink) -> None:
    sink.delay(30.0)
    client = smtplib.SMTP(sink.host, sink.port, timeout=0.2)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        client.send_message(mail())
    client.close()
    assert sink.count == 1
    assert sink.faults == ("DATA",)


def test_closing_the_sandbox_ends_sessions_under_way() -> None:
    with Sandbox() as sandbox:
        sink = sandbox.smtp()
        client = smtplib.SMTP(sink.host, sink.port, timeout=5.0)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.close()


def test_without_credentials_auth_is_not_offered(client: smtplib.SMTP) -> None:
    client.ehlo()
    assert not client.has_extn("auth")
    with pytest.raises(smtplib.SMTPNotSupportedError):
        client.login("u", "p")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_login_is_kept_with_the_mail(sandbox: Sandbox, mechanism: str) -> None:
    sink = sandbox.smtp(credentials={"user": "pa ss"}, auth_required=True)
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client:
        client.ehlo()
        client.user, client.password = "user", "pa ss"
        method = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[mechanism]
        assert client.auth(mechanism, method)[0] == 235
        client.send_message(mail())
    assert sink.mails[0].login == "user"


@pytest.mark.parametrize("login", [("user", "wrong"), ("nobody", "pass")])
def test_a_wrong_login_is_refused(sandbox: Sandbox, login: tuple[str, str]) -> None:
    sink = sandbox.smtp(credentials={"user": "pass"})
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login(*login)
        assert refused.value.smtp_code == 535
        client.send_message(mail())
    assert sink.mails[0].login is None


def test_a_login_can_fail_for_a_passing_reason(sandbox: Sandbox) -> None:
    sink = sandbox.smtp(credentials={"user": "pass"})
    sink.reply("AUTH", "454 4.7.0 Temporary authentication failure", times=None)
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login("user", "pass")
        assert refused.value.smtp_code == 454


def test_a_required_login_is_asked_for(sandbox: Sandbox) -> None:
    sink = sandbox.smtp(credentials={"user": "pass"}, auth_required=True)
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.send_message(mail())
        assert refused.value.smtp_code == 530


def test_starttls_encrypts(sandbox: Sandbox, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    sink = sandbox.smtp(starttls=server_tls)
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client:
        client.send_message(mail())
        client.starttls(context=client_tls)
        client.send_message(mail())
    assert [kept.tls for kept in sink.mails] == [False, True]


def test_starttls_can_be_required(
    sandbox: Sandbox, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    sink = sandbox.smtp(starttls=server_tls, starttls_required=True, credentials={"user": "pass"})
    with smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.send_message(mail())
        assert refused.value.smtp_code == 530
        client.starttls(context=client_tls)
        client.login("user", "pass")
        client.send_message(mail())
    assert sink.mails[0].login == "user"


def test_closing_ends_an_encrypted_session_whose_client_is_silent(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    with Sandbox() as sandbox:
        sink = sandbox.smtp(tls=server_tls)
        client = smtplib.SMTP_SSL(sink.host, sink.port, timeout=5.0, context=client_tls)
    del sandbox, sink
    gc.collect()  # a transport left open would say so now
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.ehlo()


def test_tls_from_the_first_byte(
    sandbox: Sandbox, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    sink = sandbox.smtp(tls=server_tls)
    with smtplib.SMTP_SSL(sink.host, sink.port, timeout=5.0, context=client_tls) as client:
        client.send_message(mail())
    assert sink.mails[0].tls


def test_a_mail_over_the_limit_is_refused_by_its_announced_size(sandbox: Sandbox) -> None:
    sink = sandbox.smtp(size_limit=100)
    with (
        smtplib.SMTP(sink.host, sink.port, timeout=5.0) as client,
        pytest.raises(smtplib.SMTPSenderRefused) as refused,
    ):
        client.send_message(mail())
    assert refused.value.smtp_code == 552


def test_mails_and_messages_share_one_order(sandbox: Sandbox, sink: MailSink, client: smtplib.SMTP) -> None:
    client.send_message(mail())
    client.send_message(mail())
    assert [entry.number for entry in sandbox.arrivals()] == [1, 2]
    kept = sandbox.arrivals()[0].as_json()
    assert (kept["platform"], kept["robot"], kept["code"]) == ("email", "mail-1", 250)
    assert kept["payload"] == {
        "subject": "[错误] 主库",
        "from": "告警 <alert@example.com>",
        "sender": "alert@example.com",
        "to": ["ops@example.com"],
        "refused": [],
        "text": "无法连接。\n.一个点",
        "html": "<b>无法连接</b>",
        "login": None,
        "tls": False,
    }
    sandbox.clear()
    assert sink.count == 0


def test_a_reply_has_to_be_one_smtp_line(sink: MailSink) -> None:
    for reply in ("no", "550", "650 x", "550 a\r\n250 b"):
        with pytest.raises(BadSettingError, match="expected one line such as"):
            sink.reply("RCPT", reply)


def test_an_unknown_stage_is_refused(sink: MailSink) -> None:
    with pytest.raises(ValueError, match="LUNCH"):
        sink.drop("LUNCH")
