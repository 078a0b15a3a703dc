"""A bounded mailbox that outlives its reader.

Pykka's inbox belongs to one actor object and is drained when that ends: of 1,000 waiting messages a
successor saw 1. Here the mailbox belongs to the *name*; an actor reads through a :class:`Lease`, and a new
lease cuts the old reader off before it can take another message.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Final

from actors.address import Address
from actors.chain import CHAIN
from actors.errors import MailboxFull
from actors.messages import Letter, Note

_NOTHING: Final[frozenset[type]] = frozenset()


class MailboxClosed(Exception):  # noqa: N818 - a state, seen by the runtime alone
    """Nobody will read this mailbox any more: look the address up again."""


class MailboxParked(Exception):  # noqa: N818 - a state, seen by the runtime alone
    """Nobody reads this mailbox for a while; the text says why."""


class Mailbox:
    """Letters for one name, first in first out, with a lane for control ahead of work.

    ``capacity`` bounds the lane for work; control letters are always taken, and always read first: they are
    for what keeps work going, not for work.
    """

    __slots__ = ("_control", "_lease", "_lock", "_reader_waits", "_work", "capacity", "closed", "parked")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.closed = False
        self.parked = ""
        """Why letters are turned away for now; empty when they are taken."""
        self._work: deque[Letter] = deque()
        self._control: deque[Letter] = deque()
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._reader_waits = False
        """Not while its turn is lent: then it is the borrower who reads."""

    def __len__(self) -> int:
        """How many letters of work wait."""
        return len(self._work)

    def oldest(self) -> float | None:
        """When the letter that waits longest came (monotonic seconds), or ``None``."""
        try:
            return self._work[0].at
        except IndexError:
            return None

    # Writing -----------------------------------------------------------------------------------------

    def put(self, letter: Letter) -> None:
        """Append work.

        Raises:
            MailboxFull: ``capacity`` letters wait already.
            MailboxClosed, MailboxParked: see there.
        """
        with self._lock:
            if self.closed or self.parked:
                self._refuse()
            if len(self._work) >= self.capacity:
                raise MailboxFull(f"mailbox is full: {self.capacity} messages wait")
            self._work.append(letter)
            if self._reader_waits:
                self._wake(letter)

    def put_control(self, letter: Letter) -> None:
        """Append a letter that is read before all work.

        Raises:
            MailboxClosed, MailboxParked: see there.
        """
        with self._lock:
            if self.closed or self.parked:
                self._refuse()
            self._control.append(letter)
            self._wake()

    def put_note(self, note: Note) -> bool:
        """Append a letter to the present life, read before all work; ``False`` if there is no life."""
        with self._lock:
            if self.closed or self._lease is None:
                return False
            self._control.append(note)
            self._wake(note)
            return True

    def _refuse(self) -> None:
        if self.closed:
            raise MailboxClosed
        raise MailboxParked(self.parked)

    # Reading -----------------------------------------------------------------------------------------

    def lease(self) -> "Lease":
        """Give the mailbox to a new reader; an earlier one gets nothing from now on."""
        with self._lock:
            self._cut_off()
            self.parked = ""
            self._lease = Lease(self)
            return self._lease

    def detach(self) -> None:
        """Cut the reader off; letters wait for the next lease, notes to the reader go with it."""
        with self._lock:
            self._cut_off()
            self._lease = None
            self._control = deque(letter for letter in self._control if not isinstance(letter, Note))

    def take(self, lease: "Lease", limit: int) -> Sequence[Letter] | None:
        """Block until there is something for this lease: control letters first, one by one.

        Returns up to ``limit`` letters of work at once, or ``None`` when the lease has been revoked, its life
        has ended on another thread, or nobody can write any more.
        """
        while True:
            with self._lock:
                if lease.revoked or lease.ended:
                    return None
                if self._control:
                    lease.in_hand = letters = (self._control.popleft(),)
                    return letters
                if self._work:
                    lease.in_hand = taken = self._take_work(limit)
                    return taken
                if self.closed:
                    return None
                self._reader_waits = True
            # One reader, one lock: half the price of a Condition, which allocates a lock for each wait.
            lease.wakeup.acquire()

    def take_brief(self, lease: "Lease") -> Sequence[Letter] | None:
        """The next letter for whoever has borrowed the reader's turn, if it is a brief one.

        Otherwise ``None``, and the turn is given back: the reader waits on, or has been woken.
        """
        with self._lock:
            lane = self._control or self._work
            if not lane and not lease.revoked and not self.closed:
                self._reader_waits = True
                return None
            if lease.revoked or not lane or type(lane[0].message) not in lease.brief:
                lease.wake()
                return None
            lease.in_hand = letters = (lane.popleft(),)
            return letters

    def _take_work(self, limit: int) -> Sequence[Letter]:
        if limit == 1:
            return (self._work.popleft(),)
        return [self._work.popleft() for _ in range(min(limit, len(self._work)))]

    def _wake(self, letter: Letter | None = None) -> None:
        """Have somebody read: the reader, or whoever writes a brief ``letter`` and has its turn lent."""
        lease = self._lease
        if lease is None or not self._reader_waits:
            return
        self._reader_waits = False
        if letter is None or not CHAIN.takes(lease, letter):
            lease.wake()

    def _cut_off(self) -> None:
        if self._lease is not None:
            self._lease.revoked = True
            self._wake()
        self._reader_waits = False

    # Ending ------------------------------------------------------------------------------------------

    def park(self, reason: str) -> list[Letter]:
        """Turn letters away until the next lease and return those of work that wait."""
        with self._lock:
            self.parked = reason
            letters = list(self._work)
            self._work.clear()
            return letters

    def withdraw(self, senders: Collection[Address]) -> list[Letter]:
        """Take out and return the letters of work that these have sent."""
        with self._lock:
            withdrawn = [letter for letter in self._work if _is_from(letter, senders)]
            if withdrawn:
                self._work = deque(letter for letter in self._work if not _is_from(letter, senders))
            return withdrawn

    def close(self) -> list[Letter]:
        """Refuse letters from now on and return those that wait; a reader ends after what it has in hand."""
        with self._lock:
            self.closed = True
            letters = [*self._control, *self._work]
            self._control.clear()
            self._work.clear()
            self._wake()
            return letters

    def close_if_idle(self) -> bool:
        """Close, unless a letter waits or the reader has one in hand; the reader is left waiting."""
        with self._lock:
            idle = self._is_idle()
            self.closed = self.closed or idle
            return idle

    def reopen(self) -> None:
        """Take back :meth:`close_if_idle`."""
        with self._lock:
            self.closed = False

    @property
    def idle(self) -> bool:
        """True while nothing waits and the reader waits for the next letter."""
        with self._lock:
            return self._is_idle()

    def _is_idle(self) -> bool:
        return self._reader_waits and not self._work and not self._control


class Lease:
    """The right of one life to read a mailbox, and the letters it has in hand.

    Its reader's turn may be lent (:class:`actors.chain.Turn`) once :meth:`lend` has said to whom.
    """

    __slots__ = ("_mailbox", "brief", "ended", "in_hand", "revoked", "visit", "wakeup")

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self.in_hand: Sequence[Letter] = ()
        """Set together with taking them, so that whoever revokes the lease knows of each."""
        self.revoked = False
        self.ended = False
        """The life has come to its end while its turn was lent: the reader is to do the rest."""
        self.brief = _NOTHING
        self.visit: Callable[[], None] = self.wake
        self.wakeup = threading.Lock()
        self.wakeup.acquire()

    def lend(self, brief: frozenset[type], visit: Callable[[], None]) -> None:
        """From now on ``visit`` may be called on any thread to handle ``brief`` messages."""
        self.brief, self.visit = brief, visit

    def take(self, limit: int = 1) -> Sequence[Letter] | None:
        """See :meth:`Mailbox.take`."""
        return self._mailbox.take(self, limit)

    def take_brief(self) -> Sequence[Letter] | None:
        """See :meth:`Mailbox.take_brief`."""
        return self._mailbox.take_brief(self)

    def end(self) -> None:
        """Give the turn back to a reader that is to read no more."""
        self.ended = True
        self.wake()

    def wake(self) -> None:
        """Give the turn back to the reader, or take away the reason why it waits."""
        self.wakeup.release()


def _is_from(letter: Letter, senders: Collection[Address]) -> bool:
    return letter.sender is not None and letter.sender.address in senders
