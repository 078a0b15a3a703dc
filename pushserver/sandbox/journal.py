"""What arrived, in order: bounded in memory, counted in full, and something to wait on."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Generic, Protocol, TypeVar

from pushserver.sandbox.errors import NothingArrivedError

Code = int | str

KEEP = 10_000
"""How many arrivals a journal keeps unless told otherwise."""


class Entry(Protocol):
    """What a journal can hold."""

    @property
    def number(self) -> int:
        """Its place in the order of arrival over the whole sandbox, from 1."""

    @property
    def accepted(self) -> bool:
        """Whether the platform took it."""

    def as_json(self) -> dict[str, Any]:
        """For the admin API."""


E = TypeVar("E", bound=Entry)
E_co = TypeVar("E_co", bound=Entry, covariant=True)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One call that a robot received.

    Attributes:
        number: place in the order of arrival over the whole sandbox, from 1.
        at: the sandbox's clock, in seconds since the epoch.
        platform: ``feishu``, ``dingtalk``, ``wechat`` or ``notice``.
        robot: the robot's token (a notice's name); empty when the call named none.
        accepted: whether a person in the group would have seen it.
        code: the platform's code, 0 for success; the HTTP status where a raw answer was scripted.
        text: the platform's text.
        payload: the body as parsed JSON, as the group would show it; ``None`` when it was not JSON.
        size: bytes of the body.
        peer: the caller's address.
        headers: of the request, names in lower case.
        answered: false when the connection was closed instead; ``accepted`` holds all the same.
    """

    number: int
    at: float
    platform: str
    robot: str
    accepted: bool
    code: Code
    text: str
    payload: Any
    size: int
    peer: str
    headers: Mapping[str, str]
    answered: bool = True

    @property
    def words(self) -> str:
        """All that a reader would see of it, joined by line breaks; where the keywords are looked for."""
        return "\n".join(visible(self.payload))

    def as_json(self) -> dict[str, Any]:
        """Every attribute but the headers."""
        names = ("number", "at", "platform", "robot", "accepted", "code", "text", "payload", "size", "peer")
        return {name: getattr(self, name) for name in (*names, "answered")}


_VISIBLE = frozenset(
    (
        "content",
        "desc",
        "description",
        "keyname",
        "message",
        "quote_text",
        "singleTitle",
        "subtitle",
        "sub_title_text",
        "text",
        "title",
        "value",
    )
)


def visible(value: Any, *, here: bool = False) -> Iterator[str]:
    """The strings in a payload that people read, in their order; identifiers, links and colours are not."""
    if isinstance(value, str):
        if here:
            yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from visible(inner, here=key in _VISIBLE)
    elif isinstance(value, list):
        for inner in value:
            yield from visible(inner, here=here)


class Bell:
    """Shared by all journals of a sandbox: numbers what arrives and wakes whoever waits."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self._last = 0

    @property
    def last(self) -> int:
        """The number of the newest arrival, 0 before the first."""
        return self._last

    def number(self) -> int:
        """The next number; call it while holding ``condition``."""
        self._last += 1
        return self._last

    def wait_for(self, predicate: Callable[[], bool], timeout: float, found: Callable[[], str]) -> None:
        """Wait until ``predicate`` holds; it is asked again after every arrival.

        Raises:
            NothingArrivedError: it did not hold within ``timeout`` seconds; the text ends with ``found()``.
        """
        with self.condition:
            if not self.condition.wait_for(predicate, timeout):
                raise NothingArrivedError(f"waited {timeout:g} s in vain; so far {found()}")


class Journal(Generic[E]):
    """The arrivals of one robot or mail sink: the newest ``keep`` are kept, all are counted."""

    def __init__(self, bell: Bell, keep: int = KEEP) -> None:
        self._bell = bell
        self._entries: deque[E] = deque(maxlen=keep)
        self._count = 0
        self._accepted = 0

    @property
    def count(self) -> int:
        """How many arrived, refused ones and forgotten ones too."""
        return self._count

    @property
    def accepted_count(self) -> int:
        """How many were accepted."""
        return self._accepted

    @property
    def entries(self) -> list[E]:
        """What is kept, oldest first."""
        with self._bell.condition:
            return list(self._entries)

    @property
    def accepted(self) -> list[E]:
        """What is kept and was accepted, oldest first."""
        return [entry for entry in self.entries if entry.accepted]

    def record(self, make: Callable[[int], E]) -> E:
        """Take in what ``make`` builds of its number, and wake whoever waits."""
        with self._bell.condition:
            entry = make(self._bell.number())
            self._entries.append(entry)
            self._count += 1
            self._accepted += entry.accepted
            self._bell.condition.notify_all()
        return entry

    def after(self, number: int) -> list[E]:
        """What is kept and arrived after ``number``, oldest first."""
        with self._bell.condition:
            newest = list(takewhile(lambda entry: entry.number > number, reversed(self._entries)))
        return newest[::-1]

    def clear(self) -> None:
        """Forget everything, the counts too; numbering goes on."""
        with self._bell.condition:
            self._entries.clear()
            self._count = self._accepted = 0

    def wait_for(self, predicate: "Callable[[Journal[E]], bool]", timeout: float = 5.0) -> None:
        """Wait until ``predicate(journal)`` holds; it is asked again after every arrival.

        Raises:
            NothingArrivedError: it did not hold within ``timeout`` seconds.
        """
        self._bell.wait_for(
            lambda: predicate(self), timeout, lambda: f"{self.count} arrived, {self._accepted} accepted"
        )

    def wait(self, count: int = 1, timeout: float = 5.0) -> list[E]:
        """Wait until ``count`` were accepted, and return what is kept of them, oldest first.

        Raises:
            NothingArrivedError: fewer were accepted within ``timeout`` seconds.
        """
        self.wait_for(lambda journal: journal.accepted_count >= count, timeout)
        return self.accepted
