"""A message that comes in pieces, cut where the test wants it."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Pieces:
    """A :class:`~pushserver.platforms.Streamed` of these."""

    given: tuple[bytes, ...]
    known: bool | None = None
    """What is known of its bits without reading it: are they seven?"""

    @classmethod
    def of(cls, content: bytes, size: int) -> "Pieces":
        """The content, so many bytes each."""
        return cls(tuple(content[start : start + size] for start in range(0, len(content), size)))

    def isascii(self) -> bool | None:
        return self.known

    def __len__(self) -> int:
        return sum(map(len, self.given))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.given)
