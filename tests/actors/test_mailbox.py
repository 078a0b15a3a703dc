import threading
from collections.abc import Sequence
from typing import Any

import pytest

from actors import Letter, MailboxFull
from actors.mailbox import Lease, Mailbox, MailboxClosed, MailboxParked
from actors.messages import Note
from tests.actors.cast import until


def letter(message: Any, at: float = 0.0) -> Letter:
    return Letter(message, at=at)


def note(message: Any) -> Note:
    return Note(message, at=0.0)


def read(lease: Lease, limit: int = 1) -> list[Any]:
    return [taken.message for taken in lease.take(limit) or ()]


class Reader(threading.Thread):
    """Takes one helping from a lease on a thread of its own."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(daemon=True)
        self._lease = lease
        self.got: Sequence[Letter] | None = (letter("nothing yet"),)
        self.start()

    def run(self) -> None:
        self.got = self._lease.take()

    def result(self) -> Sequence[Letter] | None:
        self.join(10)
        assert not self.is_alive()
        return self.got


def waiting_reader(mailbox: Mailbox, lease: Lease) -> Reader:
    """A reader that is known to wait: its lock is held and the mailbox says that it is idle."""
    reader = Reader(lease)
    until(lambda: mailbox.idle)
    return reader


def test_work_comes_first_in_first_out() -> None:
    mailbox = Mailbox(10)
    lease = mailbox.lease()
    for number in range(3):
        mailbox.put(letter(number))
    assert [read(lease), read(lease), read(lease)] == [[0], [1], [2]]


def test_a_batch_takes_what_waits_up_to_its_limit() -> None:
    mailbox = Mailbox(10)
    lease = mailbox.lease()
    for number in range(5):
        mailbox.put(letter(number))
    assert read(lease, 3) == [0, 1, 2]
    assert read(lease, 3) == [3, 4]


def test_control_goes_ahead_of_work_one_by_one_and_needs_no_room() -> None:
    mailbox = Mailbox(1)
    lease = mailbox.lease()
    mailbox.put(letter("work"))
    mailbox.put_control(letter("first"))
    mailbox.put_note(note("second"))
    assert [read(lease, 9), read(lease, 9), read(lease, 9)] == [["first"], ["second"], ["work"]]


def test_a_full_mailbox_refuses_work_and_keeps_what_it_has() -> None:
    mailbox = Mailbox(2)
    mailbox.put(letter(1))
    mailbox.put(letter(2))
    with pytest.raises(MailboxFull, match="mailbox is full: 2 messages wait"):
        mailbox.put(letter(3))
    assert len(mailbox) == 2
    assert read(mailbox.lease(), 9) == [1, 2]


def test_letters_outlive_their_reader_and_their_order_stays() -> None:
    mailbox = Mailbox(1000)
    first = mailbox.lease()
    for number in range(1000):
        mailbox.put(letter(number))
    assert read(first) == [0]
    second = mailbox.lease()
    assert first.take() is None
    assert read(second, 2000) == list(range(1, 1000))


def test_a_waiting_reader_is_woken_by_a_letter() -> None:
    mailbox = Mailbox(1)
    reader = waiting_reader(mailbox, mailbox.lease())
    mailbox.put(letter("here"))
    got = reader.result()
    assert got is not None
    assert got[0].message == "here"


def test_a_waiting_reader_that_is_cut_off_gets_nothing_and_ends() -> None:
    mailbox = Mailbox(1)
    reader = waiting_reader(mailbox, mailbox.lease())
    mailbox.detach()
    assert reader.result() is None


def test_the_next_letter_goes_to_the_new_reader_alone() -> None:
    mailbox = Mailbox(1)
    old = waiting_reader(mailbox, mailbox.lease())
    new = mailbox.lease()
    mailbox.put(letter("for the new one"))
    assert old.result() is None
    assert read(new) == ["for the new one"]


def test_whoever_revokes_a_lease_knows_what_it_has_in_hand() -> None:
    mailbox = Mailbox(10)
    lease = mailbox.lease()
    mailbox.put(letter(1))
    mailbox.put(letter(2))
    lease.take(1)
    mailbox.detach()
    assert lease.revoked
    assert [held.message for held in lease.in_hand] == [1]


def test_notes_go_with_the_life_they_were_for_and_control_letters_stay() -> None:
    mailbox = Mailbox(10)
    mailbox.lease()
    mailbox.put_note(note("timer of the first life"))
    mailbox.put_control(letter("order to the name"))
    mailbox.detach()
    assert read(mailbox.lease()) == ["order to the name"]
    mailbox.put(letter("work"))
    assert read(mailbox.lease()) == ["work"]


def test_a_note_to_nobody_is_not_taken() -> None:
    mailbox = Mailbox(10)
    assert not mailbox.put_note(note("too early"))
    mailbox.lease()
    mailbox.detach()
    assert not mailbox.put_note(note("between two lives"))
    mailbox.lease()
    assert mailbox.put_note(note("in time"))


def test_a_closed_mailbox_returns_what_waits_and_refuses_the_rest() -> None:
    mailbox = Mailbox(10)
    mailbox.put(letter("work"))
    mailbox.put_control(letter("control"))
    assert [left.message for left in mailbox.close()] == ["control", "work"]
    for put in (mailbox.put, mailbox.put_control):
        with pytest.raises(MailboxClosed):
            put(letter("late"))
    assert not mailbox.put_note(note("late"))


def test_a_reader_of_a_closed_mailbox_ends() -> None:
    mailbox = Mailbox(1)
    reader = waiting_reader(mailbox, mailbox.lease())
    mailbox.close()
    assert reader.result() is None


def test_only_an_idle_mailbox_is_closed_for_sleep() -> None:
    mailbox = Mailbox(1)
    lease = mailbox.lease()
    assert not mailbox.close_if_idle(), "nobody waits for a letter: the reader may have one in hand"
    reader = waiting_reader(mailbox, lease)
    assert mailbox.close_if_idle()
    with pytest.raises(MailboxClosed):
        mailbox.put(letter("too late"))
    mailbox.reopen()
    mailbox.put(letter("in time again"))
    got = reader.result()
    assert got is not None
    assert got[0].message == "in time again"


def test_a_mailbox_with_a_letter_is_not_idle() -> None:
    mailbox = Mailbox(1)
    mailbox.put(letter("work"))
    assert not mailbox.close_if_idle()
    assert not mailbox.closed


def test_a_parked_mailbox_returns_its_work_and_turns_away_until_the_next_reader() -> None:
    mailbox = Mailbox(10)
    mailbox.put(letter("work"))
    assert [left.message for left in mailbox.park("too many failures")] == ["work"]
    for put in (mailbox.put, mailbox.put_control):
        with pytest.raises(MailboxParked, match="too many failures"):
            put(letter("refused"))
    lease = mailbox.lease()
    mailbox.put(letter("welcome"))
    assert read(lease) == ["welcome"]


def test_the_oldest_letter_of_work_tells_how_long_it_has_waited() -> None:
    mailbox = Mailbox(10)
    assert mailbox.oldest() is None
    mailbox.put(letter(1, at=3.5))
    mailbox.put(letter(2, at=9.0))
    assert mailbox.oldest() == 3.5
