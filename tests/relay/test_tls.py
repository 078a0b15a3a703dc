"""STARTTLS: what is offered and demanded, and that nothing said before it counts."""

import smtplib
import ssl
from pathlib import Path

import pytest
import trustme

from pushserver.relay import UnusableCertificate, server_context
from pushserver.store import read_content
from tests.relay.doors import LOGIN, PASSWORD, USER, Client, Door, Opener


@pytest.fixture
def door(opened: Opener, server_tls: ssl.SSLContext) -> Door:
    return opened(tls=server_tls)


@pytest.fixture
def strict(opened: Opener, server_tls: ssl.SSLContext) -> Door:
    return opened(tls=server_tls, tls_required=True)


def extensions(client: Client) -> list[str]:
    return [line[4:] for line in client.say("EHLO client.example").split("\n")[1:]]


def test_starttls_is_offered_until_it_is_used(door: Door, client_tls: ssl.SSLContext) -> None:
    client = door.greeted()

    assert "STARTTLS" in extensions(client)
    client.starttls(client_tls)
    assert "STARTTLS" not in extensions(client)
    assert client.say("STARTTLS") == "503 5.5.1 TLS is in use already"


def test_a_mail_under_tls_is_said_to_have_come_so(door: Door, client_tls: ssl.SSLContext) -> None:
    client = door.greeted()
    client.starttls(client_tls)
    client.say("EHLO client.example")
    assert client.say(LOGIN) == "235 2.7.0 Authentication successful"

    assert client.mail(b"x\r\n").startswith("250 ")

    assert b" with ESMTPSA id " in read_content(door.vault.mails[0].content)


def test_everything_said_before_starttls_is_forgotten(door: Door, client_tls: ssl.SSLContext) -> None:
    client = door.greeted()
    client.say(LOGIN)
    client.starttls(client_tls)

    assert client.say("MAIL FROM:<a@b.example>") == "503 5.5.1 Send EHLO first"
    client.say("EHLO client.example")
    assert client.say("MAIL FROM:<a@b.example>") == "530 5.7.0 Authentication required"


@pytest.mark.parametrize("logged_in", [False, True])
def test_commands_that_come_with_starttls_are_not_obeyed_under_it(
    door: Door, client_tls: ssl.SSLContext, logged_in: bool
) -> None:
    client = door.logged_in() if logged_in else door.greeted()
    client.send(b"STARTTLS\r\nEHLO evil.example\r\n")

    assert client.reply().startswith("554 5.5.0 ")
    assert client.reply() == ""


def test_commands_behind_the_go_ahead_are_no_handshake(door: Door) -> None:
    client = door.greeted()
    assert client.say("STARTTLS").startswith("220 ")
    client.send(b"EHLO evil.example\r\nMAIL FROM:<a@evil.example>\r\n")

    assert client.socket.recv(1000)[:1] in (b"", b"\x15")  # nothing, or a TLS alert
    assert door.greeted().say("NOOP") == "250 2.0.0 OK"


def test_a_door_that_demands_tls_takes_no_login_and_no_mail_before_it(strict: Door) -> None:
    client = strict.greeted()

    assert "AUTH PLAIN LOGIN" not in extensions(client)
    for command in (LOGIN, "MAIL FROM:<a@b.example>", "RCPT TO:<a@b.example>", "DATA", "VRFY a"):
        assert client.say(command) == "530 5.7.0 Must issue a STARTTLS command first"
    assert client.say("NOOP") == "250 2.0.0 OK"


def test_a_door_that_demands_tls_takes_a_mail_under_it(strict: Door, client_tls: ssl.SSLContext) -> None:
    with smtplib.SMTP("127.0.0.1", strict.port, timeout=10) as client:
        client.starttls(context=client_tls)
        client.login(USER, PASSWORD)
        client.sendmail("a@b.example", ["c@d.example"], b"Subject: x\r\n\r\n" + b"y" * 300_000 + b"\r\n")

    assert strict.vault.content() == b"Subject: x\r\n\r\n" + b"y" * 300_000 + b"\r\n"


def test_a_handshake_with_somebody_who_does_not_trust_us_harms_nobody(door: Door) -> None:
    client = door.greeted()
    assert client.say("STARTTLS").startswith("220 ")

    with pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(client.socket, server_hostname="127.0.0.1")

    assert door.greeted().say("NOOP") == "250 2.0.0 OK"


def test_certificate_and_key_are_read_from_files(tmp_path: Path, authority: trustme.CA) -> None:
    cert, key = _files(tmp_path, authority)

    assert server_context(str(cert), str(key)).get_ca_certs() == []


@pytest.mark.parametrize("missing", ["cert.pem", "key.pem"])
def test_a_certificate_that_is_not_there_is_a_clear_fault(
    tmp_path: Path, authority: trustme.CA, missing: str
) -> None:
    cert, key = _files(tmp_path, authority)
    (tmp_path / missing).unlink()

    with pytest.raises(UnusableCertificate, match=r"smtp_relay\.tls\.cert"):
        server_context(str(cert), str(key))


def test_a_key_of_another_certificate_is_a_clear_fault(tmp_path: Path, authority: trustme.CA) -> None:
    cert, _ = _files(tmp_path, authority)
    (tmp_path / "other").mkdir()
    _, key = _files(tmp_path / "other", authority)

    with pytest.raises(UnusableCertificate, match="配对"):
        server_context(str(cert), str(key))


def _files(directory: Path, authority: trustme.CA) -> tuple[Path, Path]:
    issued = authority.issue_cert("relay.example")
    cert, key = directory / "cert.pem", directory / "key.pem"
    issued.cert_chain_pems[0].write_to_path(cert)
    issued.private_key_pem.write_to_path(key)
    return cert, key
