"""Waiting for lives to end, without waiting."""

from collections.abc import Callable, Iterable

from actors.cell import Cell
from actors.context import Context

Done = Callable[[], None]


class Takedown:
    """Waits until some lives have ended; those that have not when the grace is over are abandoned.

    While one is under way, nothing starts at or below its ``root``.
    """

    def __init__(self, root: Cell, lives: Iterable[Context], then: Done) -> None:
        self.root = root
        self.lives = list(lives)
        """All of them, those that had ended before as well."""
        self.then = then
        self._waiting = {id(life): life for life in self.lives if life.cell.context is life}

    def left(self, life: Context) -> None:
        """One of them has ended."""
        del self._waiting[id(life)]

    @property
    def remaining(self) -> list[Context]:
        """Those that have not ended."""
        return list(self._waiting.values())

    @property
    def over(self) -> bool:
        """Nobody is waited for any more."""
        return not self._waiting
