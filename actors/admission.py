"""Who may wake up: subtrees that can sleep wait for their turn while too many actors are awake.

Putting idle ones to sleep alone bounds nothing: when tens of thousands are told something at the same moment,
none of them is idle until its turn has come. Those who wait keep their messages.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from actors.cell import Cell
from actors.spec import ChildSpec

PACE: Final = 50
"""So many may wake at each look even without room: those awake may all be waiting for minutes."""


class Admission:
    """Lets subtrees start while at most ``most`` actors are awake in them, each counted with all its specs.

    All of it runs on the scheduler's thread, which calls ``start`` with the root of a subtree.
    """

    def __init__(self, most: int, start: Callable[[Cell], None]) -> None:
        self._most = most
        self._start = start
        self._awake: dict[Cell, int] = {}
        self._waiting: deque[tuple[Cell, int]] = deque()

    @property
    def crowded(self) -> bool:
        """Does anybody wait?"""
        return bool(self._waiting)

    def apply(self, cell: Cell) -> None:
        """Start it, or let it wait behind those who wait already."""
        self._waiting.append((cell, _size(cell.spec)))
        if len(self._waiting) == 1:
            self.call()

    def call(self, pace: int = 0) -> None:
        """Start those who wait, the first first, while there is room; ``pace`` of them in any case."""
        room = self._most - self._count()
        while self._waiting and (pace > 0 or self._waiting[0][1] <= room):
            cell, size = self._waiting.popleft()
            self._start(cell)
            if cell.context is not None:
                self._awake[cell] = size
                room -= size
            pace -= 1

    def shortage(self) -> int:
        """How many actors would have to sleep so that all who wait could wake."""
        return max(0, self._count() + sum(size for _, size in self._waiting) - self._most)

    def size(self, cell: Cell) -> int:
        """What the end of a subtree makes room for."""
        return self._awake.get(cell, 0)

    def _count(self) -> int:
        self._awake = {root: size for root, size in self._awake.items() if root.context is not None}
        return sum(self._awake.values())


def _size(spec: ChildSpec) -> int:
    """Actors that there may be in a subtree."""
    return (spec.start is not None) + sum(map(_size, spec.children.values()))
