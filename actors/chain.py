"""What a thread goes on with once it has handled a letter: the letters that this one has made necessary.

To wake a thread that waits for a letter costs more than handling most letters does: it is scheduled, finds
the interpreter lock taken, waits for that, and is scheduled again. Where the handler is known never to wait
for anything (:func:`actors.receives`, ``brief=True``) the sender's thread, which is about to be free, may as
well handle the letter itself.

This takes nothing from an actor. It has a thread of its own all the same, which is where it starts, ends
and handles all other letters; while it waits for a letter, its turn to read the mailbox is lent to a chain
(:meth:`Mailbox.take_brief <actors.mailbox.Mailbox.take_brief>`) and comes back when nothing brief is left. So
there is one reader at any time, letters keep their order, and a failure ends the life of the actor that it
happened to: see :meth:`Actor.visit <actors.actor.Actor.visit>`.

A chain is open, so that turns may be added to it, only while its thread is sure to come to them soon: in
a brief handler, and while an answer is given. A letter for whose answer somebody waits is never part of one.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from actors.messages import Letter

LONGEST: Final = 16
"""Turns that one letter may bring about on the same thread; whoever comes after is woken."""


class Turn(Protocol):
    """The right to read a mailbox whose own reader waits. Either of its methods is to be called once."""

    brief: frozenset[type]
    """The messages that may be handled on another thread."""
    visit: Callable[[], None]
    """Handle what is brief here and now, then give the turn back."""

    def wake(self) -> None:
        """Give the turn back unused."""
        ...


class _Chain(threading.local):
    """The chain of the present thread."""

    def __init__(self) -> None:
        self.is_open = False
        self._turns: deque[Turn] = deque()

    def takes(self, turn: Turn, letter: Letter) -> bool:
        """Will this thread see to the letter? If so, the turn is its own from now on."""
        if not self.is_open or letter.reply_to is not None or type(letter.message) not in turn.brief:
            return False
        self._turns.append(turn)
        return True

    @property
    def is_empty(self) -> bool:
        """True while there is nothing to go on with."""
        return not self._turns

    def follow(self) -> None:
        """Use all turns, and those that come of them."""
        for _ in range(LONGEST):
            if not self._turns:
                return
            self._turns.popleft().visit()
        while self._turns:
            self._turns.popleft().wake()


CHAIN: Final = _Chain()
"""Each thread sees its own."""
