"""Who may be connected, for how long, and what a stopping door says."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat

import pytest

from tests.relay.doors import Client, Door, Opener, stuffed

FULL = "421 4.7.0 Too many connections, try again later"


def test_at_the_limit_the_stranger_idle_longest_makes_room(opened: Opener) -> None:
    door = opened(connections=3)
    user, idle, busy = door.logged_in("127.0.0.2"), door.greeted("127.0.0.3"), door.greeted("127.0.0.4")
    busy.say("NOOP")

    newcomer = door.greeted("127.0.0.5")

    assert idle.reply() == FULL
    assert idle.reply() == ""
    assert [client.say("NOOP") for client in (user, busy, newcomer)] == ["250 2.0.0 OK"] * 3
    assert door.tally.turned_away == 1


def test_with_users_alone_there_is_no_room(opened: Opener) -> None:
    door = opened(connections=2)
    users = [door.logged_in("127.0.0.2"), door.logged_in("127.0.0.3")]

    newcomer = door.client("127.0.0.4")

    assert newcomer.reply() == FULL
    assert newcomer.reply() == ""
    assert [client.say("NOOP") for client in users] == ["250 2.0.0 OK"] * 2


def test_one_address_has_its_own_limit(opened: Opener) -> None:
    door = opened(connections_per_address=2)
    other = door.greeted("127.0.0.9")
    first, second = door.greeted("127.0.0.2"), door.greeted("127.0.0.2")

    third = door.greeted("127.0.0.2")

    assert first.reply() == FULL
    assert [client.say("NOOP") for client in (other, second, third)] == ["250 2.0.0 OK"] * 3


def test_who_leaves_makes_room(opened: Opener) -> None:
    door = opened(connections=1)
    for _ in range(5):
        client = door.logged_in()
        assert client.say("QUIT").startswith("221 ")
        assert client.reply() == ""


def test_a_hundred_short_visits_leave_nothing_behind(opened: Opener) -> None:
    door = opened(connections=2)
    for _ in range(100):
        with Client(door.port) as client:
            assert client.reply().startswith("220 ")

    last = door.greeted()
    assert last.say("NOOP") == "250 2.0.0 OK"
    door.server.stop()
    assert door.tally.connections == 0


# Time --------------------------------------------------------------------------------------------------


def test_a_client_that_says_nothing_is_sent_away(opened: Opener) -> None:
    client = opened(idle=0.1).greeted()

    assert client.reply() == "421 4.4.2 Timeout, closing connection"
    assert client.reply() == ""


@pytest.mark.alone
def test_a_command_that_comes_byte_by_byte_has_no_more_time(opened: Opener) -> None:
    client = opened(idle=0.3).greeted()
    begun = time.monotonic()
    with dripping(client):
        assert client.reply() == "421 4.4.2 Timeout, closing connection"

    assert time.monotonic() - begun < 3


def test_a_message_that_comes_byte_by_byte_has_no_more_time(opened: Opener) -> None:
    door = opened(block=0.3)
    client = door.logged_in()
    client.envelope()
    client.say("DATA")
    with dripping(client):
        assert client.reply() == "421 4.4.2 Timeout, closing connection"

    assert door.vault.mails == []


def test_a_message_that_goes_on_takes_as_long_as_it_likes(opened: Opener) -> None:
    door = opened(block=0.3, block_bytes=1)
    client = door.logged_in()
    client.envelope()
    client.say("DATA")
    with dripping(client) as sent:
        assert sent[99].wait(5)
    client.send(b"\r\n.\r\n")

    assert client.reply().startswith("250 ")
    assert door.vault.content().startswith(b"x" * 100)


@contextmanager
def dripping(client: Client) -> Iterator[list[threading.Event]]:
    """A byte every few milliseconds, as long as somebody listens; an event for each of the first hundred."""
    ended, sent = threading.Event(), [threading.Event() for _ in range(100)]

    def drip() -> None:
        with suppress(OSError):
            for event in chain(sent, repeat(threading.Event())):
                client.send(b"x")
                event.set()
                if ended.wait(0.005):
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield sent
    finally:
        ended.set()
        thread.join()


# Stopping ----------------------------------------------------------------------------------------------


def test_a_stopping_door_sends_the_idle_away(door: Door) -> None:
    idle, between = door.greeted(), door.logged_in()
    between.envelope()

    assert door.server.stop(5.0)

    assert idle.reply() == "421 4.3.2 Service is stopping, try again later"
    assert between.reply() == "421 4.3.2 Service is stopping, try again later"
    assert not door.server.alive


def test_a_stopping_door_finishes_the_mail_that_is_under_way(door: Door) -> None:
    client = door.logged_in()
    door.vault.opened.clear()
    client.envelope()
    client.say("DATA")
    client.send(stuffed(b"x\r\n"))
    assert door.vault.reached.wait(5)
    stopping = threading.Thread(target=door.server.stop, args=(5.0,))
    stopping.start()
    door.vault.opened.set()

    assert client.reply().startswith("250 ")
    assert client.reply() == "421 4.3.2 Service is stopping, try again later"
    stopping.join()
    assert len(door.vault.mails) == 1


@pytest.mark.alone
def test_a_stopping_door_waits_no_longer_than_it_may(door: Door) -> None:
    client = door.logged_in()
    client.envelope()
    client.say("DATA")
    client.send(b"never ending")
    begun = time.monotonic()

    assert door.server.stop(0.2)

    assert time.monotonic() - begun < 2
    assert door.vault.mails == []
