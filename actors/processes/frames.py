"""What travels between processes. A batch of frames is one pickled tuple, one write."""

from dataclasses import dataclass
from typing import Any

from actors.address import Address


@dataclass(frozen=True, slots=True)
class Tell:
    """A message for ``to``; ``sender`` hears of answers and failures."""

    to: Address
    message: Any
    sender: Address | None = None
    control: bool = False
    only_if_awake: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A message for ``to`` whose answer is to go to ``asker``, a process, under ``number``."""

    to: Address
    message: Any
    asker: str
    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an :class:`Ask`; ``value`` is raised there if ``failed``."""

    number: int
    value: Any
    failed: bool = False


Frame = Tell | Ask | Answer
