"""The door as an actor, in front of the real mail store."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors import ManualClock
from pushserver.domain.mail import MailRecipient
from pushserver.relay.door import LONGEST_SILENCE
from pushserver.store import read_content
from tests.relay.doors import Client, spooled, stuffed, without_trace
from tests.relay.gatehouse import PATIENCE, Gatehouse, eventually, gatehouse

MESSAGE = b"Subject: hello\r\nMessage-ID: <1@client.example>\r\n\r\ntext\r\n"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Gatehouse]:
    with gatehouse(tmp_path) as house:
        yield house


def test_a_mail_is_in_the_store_when_its_client_is_told_so(house: Gatehouse) -> None:
    with house.logged_in() as client:
        reply = client.mail(MESSAGE, "b@corp.example", "c@corp.example")

    (queued,) = house.queued()
    assert reply == f"250 2.0.0 OK: queued as {queued.mail.id}"
    assert queued.recipients == (MailRecipient("b@corp.example"), MailRecipient("c@corp.example"))
    assert queued.mail.sender == "a@client.example"
    assert without_trace(read_content(queued.mail.content)) == MESSAGE


def test_a_large_mail_is_in_the_spool_when_its_client_is_told_so(house: Gatehouse, tmp_path: Path) -> None:
    large = MESSAGE + b"0123456789abcdef\r\n" * 50_000

    with house.logged_in() as client:
        client.mail(large)

    (queued,) = house.queued()
    assert spooled(tmp_path / "spool") == [f"{queued.mail.id}.eml"]
    assert without_trace(read_content(queued.mail.content)) == large


def test_a_mail_sent_again_by_a_client_that_was_not_told_is_stored_once(house: Gatehouse) -> None:
    client = house.logged_in()
    client.envelope()
    client.say("DATA")
    # The client's end is there before our reply: it will not be heard.
    client.send(stuffed(MESSAGE))
    client.socket.shutdown(socket.SHUT_WR)
    client.reply()
    client.close()
    with house.logged_in() as second:
        reply = second.mail(MESSAGE)

    (queued,) = house.queued()
    assert reply == f"250 2.0.0 OK: queued as {queued.mail.id}"
    assert house.tally.duplicates == 1


def test_mails_that_wait_for_a_commit_share_the_next_one(house: Gatehouse) -> None:
    clients = [house.logged_in() for _ in range(20)]
    for client in clients:
        client.envelope()
        assert client.say("DATA").startswith("354 ")
    before = house.commits
    for client in clients:
        client.send(stuffed(MESSAGE))
    replies = [client.reply() for client in clients]
    for client in clients:
        client.close()

    assert all(reply.startswith("250 ") for reply in replies)
    assert len(house.queued()) == 20
    assert house.commits - before <= 10


def test_a_client_is_greeted_again_after_an_operator_has_restarted_the_door(house: Gatehouse) -> None:
    idle = house.logged_in()
    house.restart_door()

    assert idle.reply() == "421 4.3.2 Service is stopping, try again later"
    idle.close()
    with house.logged_in() as client:
        assert client.mail(MESSAGE).startswith("250 ")
    assert len(house.servers) == 2


def test_a_mail_under_way_is_finished_before_the_door_restarts(house: Gatehouse) -> None:
    client = house.logged_in()
    client.envelope()
    client.say("DATA")
    client.send(MESSAGE)
    restart = threading.Thread(target=house.restart_door)
    restart.start()
    with Client(house.port) as other:  # accepted by the first life, or by the second after it has waited
        client.send(b".\r\n")
        assert client.reply().startswith("250 ")
        assert client.reply().startswith("421 ")
        assert client.reply() == ""
        restart.join(PATIENCE)
        assert other.reply().startswith("220 ")
    client.close()
    assert len(house.queued()) == 1


def test_a_server_whose_loop_ends_is_replaced_on_the_same_socket(house: Gatehouse) -> None:
    crashed = house.servers[0]
    with house.logged_in() as client:
        crashed._loop.call_soon_threadsafe(crashed._loop.stop)
        assert client.reply() == ""

    house.until_restarted(2)
    with house.logged_in() as client:
        assert client.mail(MESSAGE).startswith("250 ")
    assert not crashed.alive
    assert house.tally.connections <= 1


def test_a_server_whose_loop_hangs_is_replaced_on_the_same_socket(tmp_path: Path) -> None:
    clock, let_go = ManualClock(), threading.Event()
    with gatehouse(tmp_path, clock) as house:
        hanging = house.servers[0]
        hanging._loop.call_soon_threadsafe(let_go.wait, PATIENCE)
        clock.advance(LONGEST_SILENCE + 1.0)
        house.until_restarted(2)

        with house.logged_in() as client:
            assert client.mail(MESSAGE).startswith("250 ")
            let_go.set()
            eventually(lambda: not hanging.alive)
            assert house.tally.connections == 1


def test_replies_to_a_pipelining_client_do_not_wait_for_each_other(house: Gatehouse) -> None:
    with house.logged_in():
        accepted = [client.transport for client in house.servers[0]._clients if client.authenticated]

        (transport,) = accepted
        assert transport is not None
        sock = transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
