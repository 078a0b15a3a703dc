"""Clients that people use, each in every way that it can log in."""

import smtplib
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from hashlib import sha256
from pathlib import Path

import pytest
import trustme

from tests.relay.doors import PASSWORD, USER, Door, Opener, is_spooled
from tests.relay.programs import msmtp, swaks

ATTACHMENT = bytes(range(256)) * 4096
MESSAGE = (
    b"From: a@client.example\r\nTo: b@corp.example\r\nSubject: =?utf-8?B?5ZGK6K2m?=\r\n"
    b"Message-ID: <1@client.example>\r\nDate: Tue, 24 Nov 2026 06:00:00 +0000\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
) + "磁盘已满\r\n.以点开头的一行\r\n..\r\n.\r\nend\r\n".encode()
MECHANISMS = ["plain", "login"]


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file


@pytest.fixture
def protected(opened: Opener, server_tls: ssl.SSLContext) -> Door:
    """A door that wants TLS first."""
    return opened(tls=server_tls, tls_required=True)


def arrived(door: Door) -> EmailMessage:
    message = message_from_bytes(door.vault.content(), policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


# Python's smtplib ----------------------------------------------------------------------------------------


def test_the_example_for_smtplib_arrives(door: Door) -> None:
    msg = MIMEMultipart()
    msg["From"] = "sender@example.com"
    msg["To"] = "recipient@example.com"
    msg["Subject"] = "通过SMTP中继发送的测试邮件"
    msg.attach(MIMEText("这是一封通过PushServer SMTP中继服务发送的测试邮件。", "plain", "utf-8"))

    with smtplib.SMTP("127.0.0.1", door.port, timeout=10) as server:
        server.login(USER, PASSWORD)
        refused = server.sendmail(msg["From"], msg["To"], msg.as_string())

    (mail,) = door.vault.mails
    assert refused == {}
    assert (mail.sender, mail.recipients) == ("sender@example.com", ("recipient@example.com",))
    assert mail.subject == "通过SMTP中继发送的测试邮件"
    text = arrived(door).get_payload(0)
    assert isinstance(text, EmailMessage)
    assert text.get_content().rstrip() == "这是一封通过PushServer SMTP中继服务发送的测试邮件。"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("initial", [True, False], ids=["at once", "when asked"])
def test_smtplib_logs_in(door: Door, mechanism: str, *, initial: bool) -> None:
    with smtplib.SMTP("127.0.0.1", door.port, timeout=10) as server:
        server.ehlo()
        server.user, server.password = USER, PASSWORD
        code, _ = server.auth(
            mechanism, getattr(server, f"auth_{mechanism.lower()}"), initial_response_ok=initial
        )

    assert code == 235


def test_smtplib_sends_bytes_with_any_line_ends_under_tls(
    protected: Door, client_tls: ssl.SSLContext
) -> None:
    with smtplib.SMTP("127.0.0.1", protected.port, timeout=10) as server:
        server.starttls(context=client_tls)
        server.login(USER, PASSWORD)
        # what does not end in CRLF gets one, by smtplib
        text = MESSAGE.replace(b"\r\n", b"\n").removesuffix(b"\n")
        server.sendmail("a@client.example", ["b@corp.example"], text)

    assert protected.vault.content() == MESSAGE
    assert b" with ESMTPSA id " in _whole(protected)


def test_smtplib_hears_that_its_password_is_wrong(door: Door) -> None:
    with (
        smtplib.SMTP("127.0.0.1", door.port, timeout=10) as server,
        pytest.raises(smtplib.SMTPAuthenticationError) as refused,
    ):
        server.login(USER, "wrong")

    assert refused.value.smtp_code == 535


def test_attachments_of_any_size_arrive_with_the_same_hash(door: Door) -> None:
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"] = "a@client.example", "b@corp.example"
    message["Subject"] = "报表"
    message.set_content("见附件")
    message.add_attachment(ATTACHMENT, maintype="application", subtype="pdf", filename="报表.pdf")

    with smtplib.SMTP("127.0.0.1", door.port, timeout=10) as server:
        server.login(USER, PASSWORD)
        server.send_message(message)

    assert is_spooled(door.vault.mails[0])
    (attachment,) = arrived(door).iter_attachments()
    assert attachment.get_filename() == "报表.pdf"
    content = attachment.get_content()
    assert sha256(content).hexdigest() == sha256(ATTACHMENT).hexdigest()


def test_blind_copies_are_in_the_envelope_and_nowhere_else(door: Door) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "a@client.example", "b@corp.example"
    message["Bcc"] = "secret@corp.example"
    message.set_content("hello")

    with smtplib.SMTP("127.0.0.1", door.port, timeout=10) as server:
        server.login(USER, PASSWORD)
        server.send_message(message)

    assert door.vault.mails[0].recipients == ("b@corp.example", "secret@corp.example")
    assert b"secret" not in _whole(door)


# swaks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("pipelined", [(), ("--pipeline",)], ids=["step by step", "pipelined"])
def test_swaks_sends(door: Door, mechanism: str, pipelined: tuple[str, ...]) -> None:
    ran = swaks(door.port, "--auth", mechanism, "--header", "Subject: from swaks", *pipelined)

    assert ran.returncode == 0, ran.stdout.decode()
    (mail,) = door.vault.mails
    assert (mail.sender, mail.recipients, mail.subject) == (
        "a@client.example",
        ("b@corp.example",),
        "from swaks",
    )


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_swaks_sends_under_tls(protected: Door, ca_file: Path, mechanism: str) -> None:
    ran = swaks(
        protected.port,
        *("--tls", "--tls-verify", "--tls-ca-path", str(ca_file), "--auth", mechanism),
    )

    assert ran.returncode == 0, ran.stdout.decode()
    assert b" with ESMTPSA id " in _whole(protected)


def test_swaks_is_told_that_tls_comes_first(protected: Door) -> None:
    ran = swaks(protected.port, "--auth", "PLAIN")

    assert ran.returncode != 0
    assert protected.vault.mails == []


def test_swaks_hears_that_its_password_is_wrong(door: Door) -> None:
    ran = swaks(door.port, "--auth", "PLAIN", password="wrong")

    assert b"535 5.7.8" in ran.stdout
    assert ran.returncode == 28  # an authentication error, by its manual


# msmtp ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_msmtp_sends_byte_for_byte(door: Door, tmp_path: Path, mechanism: str) -> None:
    ran = msmtp(door.port, MESSAGE, mechanism, None, tmp_path)

    assert ran.returncode == 0, ran.stderr.decode()
    assert door.vault.content() == MESSAGE


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_msmtp_sends_under_tls(protected: Door, ca_file: Path, tmp_path: Path, mechanism: str) -> None:
    ran = msmtp(protected.port, MESSAGE, mechanism, ca_file, tmp_path)

    assert ran.returncode == 0, ran.stderr.decode()
    assert protected.vault.content() == MESSAGE


def _whole(door: Door) -> bytes:
    content = door.vault.mails[-1].content
    assert isinstance(content, bytes)
    return content
