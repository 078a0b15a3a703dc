"""Messages: what is stored, where, and what is refused and how."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors import ActorFailed
from pushserver.domain import QueueFull, StoreUnavailable
from pushserver.store import read_content
from tests.relay.doors import Client, Door, Opener, is_spooled, spooled, stuffed
from tests.relay.gatehouse import eventually

HEAD = (
    b"From: a@corp.example\r\nMessage-ID: <1@corp.example>\r\n"
    b"Subject: =?utf-8?B?5oql6K2m?= \xe5\x91\x8a\r\n\r\n"
)


@pytest.fixture
def user(door: Door) -> Client:
    return door.logged_in()


def test_a_mail_is_stored_as_it_came_behind_one_line_of_ours(door: Door, user: Client) -> None:
    content = HEAD + b"8 bits: \xff\xfe\0\r\n.\r\n..\r\n"

    reply = user.mail(content, "b@corp.example", "c@corp.example")

    (mail,) = door.vault.mails
    assert reply == f"250 2.0.0 OK: queued as {mail.id}"
    assert door.vault.content() == content
    assert (mail.sender, mail.recipients) == ("a@client.example", ("b@corp.example", "c@corp.example"))
    assert (mail.subject, mail.message_id) == ("报警 告", "<1@corp.example>")
    assert mail.size == len(read_content(mail.content))
    assert mail.received_at.tzinfo is UTC
    assert abs((datetime.now(UTC) - mail.received_at).total_seconds()) < 10


def test_our_line_says_how_the_mail_came_and_for_whom_if_there_is_one(door: Door, user: Client) -> None:
    user.mail(b"x\r\n", "b@corp.example")
    user.mail(b"x\r\n", "b@corp.example", "secret@corp.example")

    one, two = (read_content(mail.content).split(b"\r\n") for mail in door.vault.mails)
    mail_id = door.vault.mails[0].id.encode()
    assert one[0] == b"Received: from client.example ([127.0.0.1])"
    assert one[1] == b"\tby relay.example (PushServer) with ESMTPA id " + mail_id
    assert one[2] == b"\tfor <b@corp.example>;"
    assert not [line for line in two if b"secret" in line]


def test_a_large_message_is_spooled(door: Door, user: Client) -> None:
    content = HEAD + b"0123456789abcdef\r\n" * 60_000

    assert user.mail(content).startswith("250 ")

    (mail,) = door.vault.mails
    assert is_spooled(mail)
    assert spooled(door.spool) == [f"{mail.id}.eml"]
    assert door.vault.content() == content
    assert mail.size == len(read_content(mail.content))


def test_a_message_too_large_is_refused_when_it_is_there_and_leaves_nothing(opened: Opener) -> None:
    door = opened(message_bytes=400_000)
    client = door.logged_in()

    assert client.mail(HEAD + b"x" * 500_000 + b"\r\n") == "552 5.3.4 Message exceeds the maximum size"

    assert client.mail(HEAD).startswith("250 ")
    assert len(door.vault.mails) == 1
    door.server.stop()
    eventually(lambda: spooled(door.spool) == [])


def test_a_message_without_end_is_cut_off_in_the_middle_of_a_line(opened: Opener) -> None:
    door = opened(message_bytes=100_000)
    client = door.logged_in()
    client.envelope()
    client.say("DATA")

    with pytest.raises(OSError, match=r"reset|Broken pipe"):
        client.flood(b"x" * 100_000, 1000)

    assert door.logged_in().mail(b"x\r\n").startswith("250 ")


def test_a_header_without_end_is_refused(door: Door, user: Client) -> None:
    assert user.mail(b"X: y\r\n" * 60_000) == "552 5.3.4 Message header is too long"
    assert door.vault.mails == []


def test_a_mail_that_goes_in_circles_is_refused(door: Door, user: Client) -> None:
    assert user.mail(b"Received: from x\r\n" * 100 + b"\r\nx\r\n").startswith("250 ")
    assert user.mail(b"Received: from x\r\n" * 101 + b"\r\nx\r\n") == (
        "554 5.4.6 Too many hops, the mail goes in circles"
    )


def test_received_in_a_body_is_no_hop(user: Client) -> None:
    assert user.mail(b"Subject: x\r\n\r\n" + b"Received: from x\r\n" * 200).startswith("250 ")


def test_more_data_than_all_may_have_under_way_has_to_wait(opened: Opener) -> None:
    door = opened(data_bytes=300_000)
    first, second = door.logged_in(), door.logged_in()
    door.vault.opened.clear()
    first.envelope()
    first.say("DATA")
    first.send(stuffed(b"x" * 200_000 + b"\r\n"))
    assert door.vault.reached.wait(5)

    assert second.mail(b"x" * 200_000 + b"\r\n") == "452 4.3.1 Insufficient system storage, try again later"
    assert second.say("MAIL FROM:<a@b.example> SIZE=200000").startswith("452 4.3.1 ")

    door.vault.opened.set()
    assert first.reply().startswith("250 ")
    assert second.mail(b"x" * 200_000 + b"\r\n").startswith("250 ")


@pytest.mark.parametrize(
    ("failure", "reply"),
    [
        (QueueFull("mailbox"), "452 4.3.1 Insufficient system storage, try again later"),
        (StoreUnavailable("disk on fire"), "451 4.3.0 Local error, try again later"),
        (ActorFailed("crashed"), "451 4.3.0 Local error, try again later"),
        (RuntimeError("secret detail"), "451 4.3.0 Local error, try again later"),
    ],
)
def test_a_store_that_cannot_is_a_passing_trouble_without_details(
    door: Door, user: Client, failure: Exception, reply: str
) -> None:
    door.vault.failure = failure

    assert user.mail(HEAD) == reply

    door.vault.failure = None
    assert user.mail(HEAD).startswith("250 ")


def test_after_a_fault_of_ours_in_the_middle_of_a_message_its_rest_is_not_obeyed(opened: Opener) -> None:
    door = opened(new_id=lambda _: 1 // 0)
    client = door.logged_in()
    client.envelope()
    client.say("DATA")
    client.send(b"RSET\r\nQUIT\r\n")

    assert client.reply() == "451 4.3.0 Local error, try again later"
    assert client.reply() == ""


def test_a_store_that_does_not_answer_is_a_passing_trouble(opened: Opener) -> None:
    door = opened(accept=0.1)
    client = door.logged_in()
    door.vault.opened.clear()

    assert client.mail(HEAD) == "451 4.3.0 Local error, try again later"


def test_a_refused_mails_file_goes(opened: Opener) -> None:
    door = opened()
    door.vault.failure = StoreUnavailable("full")

    assert door.logged_in().mail(HEAD + b"x" * 400_000 + b"\r\n").startswith("451 ")

    door.server.stop()
    eventually(lambda: spooled(door.spool) == [])


def test_a_spool_that_cannot_be_written_is_a_passing_trouble(opened: Opener) -> None:
    door = opened()
    client = door.logged_in()
    client.envelope()
    client.say("DATA")
    _vanish(door.spool)

    client.send(stuffed(HEAD + b"x" * 400_000 + b"\r\n"))

    assert client.reply() == "452 4.3.1 Insufficient system storage, try again later"
    assert client.say("NOOP") == "250 2.0.0 OK"


def test_a_disk_without_room_is_said_at_once(opened: Opener) -> None:
    client = opened(message_bytes=1 << 62).logged_in()

    assert client.say("MAIL FROM:<a@b.example>") == "452 4.3.1 Insufficient system storage, try again later"


def test_a_client_that_leaves_in_the_middle_leaves_nothing(opened: Opener) -> None:
    door = opened()
    client = door.logged_in()
    client.envelope()
    client.say("DATA")
    client.send(HEAD + b"x" * 600_000)
    client.close()

    assert door.logged_in().mail(b"x\r\n").startswith("250 ")
    door.server.stop()
    eventually(lambda: spooled(door.spool) == [])
    assert len(door.vault.mails) == 1


def _vanish(directory: Path) -> None:
    directory.rename(directory.with_name("elsewhere"))
