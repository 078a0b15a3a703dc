"""A mail that was stored while its client left, and comes again."""

from pushserver.domain.mail import Duplicate
from tests.relay.doors import Client, Door, Opener, spooled, stuffed
from tests.relay.gatehouse import eventually

MAIL = b"Message-ID: <1@corp.example>\r\nDate: today\r\n\r\ntext\r\n"
NAMELESS = b"Subject: cron\r\n\r\ntext\r\n"


def leave_before_the_answer(door: Door, content: bytes) -> None:
    client = door.logged_in()
    door.vault.reached.clear()
    door.vault.opened.clear()
    client.envelope()
    client.say("DATA")
    client.send(stuffed(content))
    assert door.vault.reached.wait(5)
    client.reset()


def test_a_mail_whose_client_left_is_stored_and_remembered(door: Door) -> None:
    leave_before_the_answer(door, MAIL)
    door.vault.opened.set()

    assert door.vault.told.wait(5)
    (mail,) = door.vault.mails
    (remembered,) = door.vault.remembered
    assert (remembered.mail_id, remembered.digest) == (mail.id, door.vault.digests[0])


def test_a_client_that_closed_without_a_word_has_heard_nothing(door: Door) -> None:
    client = door.logged_in()
    door.vault.opened.clear()
    client.envelope()
    client.say("DATA")
    client.send(stuffed(MAIL))
    assert door.vault.reached.wait(5)
    client.socket.shutdown(1)
    door.logged_in()
    door.vault.opened.set()

    assert door.vault.told.wait(5)


def test_a_confirmed_mail_is_not_remembered(door: Door) -> None:
    client = door.logged_in()

    assert client.mail(MAIL).startswith("250 ")
    assert client.say("QUIT") == "221 2.0.0 Bye"
    assert door.vault.remembered == []


def test_a_mail_without_message_id_is_never_recognised(opened: Opener) -> None:
    door = opened()
    leave_before_the_answer(door, NAMELESS)
    door.vault.opened.set()
    door.server.stop()

    assert door.vault.digests == [""]
    assert door.vault.remembered == []


def test_a_mail_that_could_not_be_stored_is_not_remembered(opened: Opener) -> None:
    door = opened()
    door.vault.failure = RuntimeError("no")
    leave_before_the_answer(door, MAIL)
    door.vault.opened.set()
    door.server.stop()

    assert door.vault.remembered == []


def test_a_mail_stored_too_late_for_its_answer_is_remembered(opened: Opener) -> None:
    door = opened(accept=0.05)
    client = door.logged_in()
    door.vault.opened.clear()

    assert client.mail(MAIL).startswith("451 ")

    door.vault.opened.set()
    assert door.vault.told.wait(5)


def test_a_duplicate_is_confirmed_under_the_first_ones_id(opened: Opener) -> None:
    door = opened()
    door.vault.answer = Duplicate("mail_first")
    client = door.logged_in()

    assert client.mail(MAIL + b"x" * 400_000 + b"\r\n") == "250 2.0.0 OK: queued as mail_first"

    door.server.stop()
    eventually(lambda: spooled(door.spool) == [])
    assert (door.tally.accepted, door.tally.duplicates) == (0, 1)


def digest(door: Door, client: Client, content: bytes, *recipients: str) -> str:
    client.mail(content, *recipients)
    return door.vault.digests[-1]


def test_the_digest_is_of_message_id_envelope_and_body(door: Door) -> None:
    client = door.logged_in()
    first = digest(door, client, MAIL, "b@corp.example", "c@corp.example")

    assert digest(door, client, MAIL.replace(b"today", b"later"), "c@corp.example", "b@corp.example") == first
    assert digest(door, client, MAIL, "b@corp.example") != first
    assert digest(door, client, MAIL.replace(b"<1@", b"<2@"), "b@corp.example", "c@corp.example") != first
    assert digest(door, client, MAIL.replace(b"text", b"test"), "b@corp.example", "c@corp.example") != first
