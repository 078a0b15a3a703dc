"""A bounded mailbox that outlives its reader.

Pykka's inbox belongs to one actor object and is drained when that ends: of 1,000 waiting messages a
successor saw 1. Here the mailbox belongs to the *name*; an actor reads through a :class:`Lease`, and a new
lease cuts the old reader off before it can take another message.
"""

import threading
from collections import deque

from actors.errors import MailboxFull
from actors.messages import Letter


class MailboxClosed(Exception):  # noqa: N818 - a state, seen by the runtime alone
    """Nobody will read this mailbox any more: look the address up again."""


class Mailbox:
    """Letters for one name, first in first out, with a lane for control ahead of work.

    ``capacity`` bounds the lane for work; control letters are always taken.
    """

    __slots__ = ("_closed", "_control", "_lease", "_lock", "_reader_waits", "_work", "capacity")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._work: deque[Letter] = deque()
        self._control: deque[Letter] = deque()
        self._lock = threading.Lock()
        self._lease: Lease | None = None
        self._reader_waits = False
        self._closed = False

    def __len__(self) -> int:
        """How many letters of work wait."""
        return len(self._work)

    def oldest(self) -> float | None:
        """When the letter that waits longest came (monotonic seconds), or ``None``."""
        try:
            return self._work[0].at
        except IndexError:
            return None

    def put(self, letter: Letter) -> None:
        """Append work.

        Raises:
            MailboxFull: ``capacity`` letters wait already.
            MailboxClosed: see there.
        """
        with self._lock:
            self._check_open()
            if len(self._work) >= self.capacity:
                raise MailboxFull(f"mailbox is full: {self.capacity} messages wait")
            self._work.append(letter)
            self._wake()

    def put_control(self, letter: Letter) -> None:
        """Append a letter that is read before all work.

        Raises:
            MailboxClosed: see there.
        """
        with self._lock:
            self._check_open()
            self._control.append(letter)
            self._wake()

    def lease(self) -> "Lease":
        """Give the mailbox to a new reader; an earlier one gets nothing from now on."""
        with self._lock:
            self._cut_off()
            self._lease = Lease(self)
            return self._lease

    def detach(self) -> None:
        """Cut the reader off; letters wait for the next lease. Stale control letters go."""
        with self._lock:
            self._cut_off()
            self._lease = None
            self._control = deque(letter for letter in self._control if letter.sender is not None)

    def drain(self) -> list[Letter]:
        """Take out all letters of work."""
        with self._lock:
            letters = list(self._work)
            self._work.clear()
            return letters

    def close(self) -> list[Letter]:
        """Refuse letters from now on and return those that nobody will read."""
        with self._lock:
            self._closed = True
            letters = [*self._control, *self._work]
            self._control.clear()
            self._work.clear()
            return letters

    def close_if_idle(self) -> bool:
        """Close, unless a letter waits or the reader has one in hand."""
        with self._lock:
            idle = self._is_idle()
            self._closed = self._closed or idle
            return idle

    @property
    def idle(self) -> bool:
        """True while nothing waits and the reader waits for the next letter."""
        with self._lock:
            return self._is_idle()

    def _is_idle(self) -> bool:
        return self._reader_waits and not self._work and not self._control

    def _check_open(self) -> None:
        if self._closed:
            raise MailboxClosed

    def _wake(self) -> None:
        if self._reader_waits and self._lease is not None:
            self._reader_waits = False
            self._lease.wakeup.release()

    def _cut_off(self) -> None:
        if self._lease is not None:
            self._lease.revoked = True
            self._wake()
        self._reader_waits = False

    def take(self, lease: "Lease", limit: int) -> "list[Letter] | None":
        """Block until there is something for this lease: control letters first, one by one.

        Returns up to ``limit`` letters of work at once, or ``None`` when the lease has been revoked.
        """
        while True:
            with self._lock:
                if lease.revoked:
                    return None
                if self._control:
                    return [self._control.popleft()]
                if self._work:
                    if limit == 1:
                        return [self._work.popleft()]
                    return [self._work.popleft() for _ in range(min(limit, len(self._work)))]
                self._reader_waits = True
            # One reader, one lock: half the price of a Condition, which allocates a lock for each wait.
            lease.wakeup.acquire()


class Lease:
    """The right of one actor object to read a mailbox; the inbox that Pykka's actor holds."""

    __slots__ = ("_mailbox", "revoked", "wakeup")

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self.revoked = False
        self.wakeup = threading.Lock()
        self.wakeup.acquire()

    def take(self, limit: int = 1) -> list[Letter] | None:
        """See :meth:`Mailbox.take`."""
        return self._mailbox.take(self, limit)
