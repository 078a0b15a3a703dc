"""Where the settings in effect lie for every process of the service, those that are born later too."""

import os
import pickle
import struct
from pathlib import Path
from typing import Final, Protocol

from pushserver.config import Settings

_NUMBER: Final = struct.Struct("!Q")


class Shelf(Protocol):
    """Settings, numbered from 1 in the order in which they came into effect."""

    def leave(self, settings: Settings) -> int:
        """Put the next ones into effect; their number.

        Raises:
            OSError: that cannot be done; those before them stay.
        """

    def newer_than(self, number: int) -> tuple[int, Settings] | None:
        """The latest, with their number, if that is higher than ``number``.

        Raises:
            OSError: they cannot be read.
        """


class MemoryShelf:
    """A :class:`Shelf` for a service in one process."""

    def __init__(self) -> None:
        self._latest: tuple[int, Settings] | None = None

    def leave(self, settings: Settings) -> int:
        """See :class:`Shelf`."""
        number = self._latest[0] + 1 if self._latest else 1
        self._latest = number, settings
        return number

    def newer_than(self, number: int) -> tuple[int, Settings] | None:
        """See :class:`Shelf`."""
        return self._latest if self._latest and self._latest[0] > number else None


class FileShelf:
    """A :class:`Shelf` for several processes: a file in their private directory, one of which writes it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "settings"

    def leave(self, settings: Settings) -> int:
        """See :class:`Shelf`; whole or not at all."""
        number = self._number() + 1
        draft = self._path.with_suffix(".new")
        with open(draft, "wb", opener=_for_me_alone) as file:
            file.write(_NUMBER.pack(number))
            pickle.dump(settings, file)
        draft.replace(self._path)
        return number

    def newer_than(self, number: int) -> tuple[int, Settings] | None:
        """See :class:`Shelf`."""
        try:
            with self._path.open("rb") as file:
                (latest,) = _NUMBER.unpack(file.read(_NUMBER.size))
                # Only processes of this service can write here.
                return (latest, pickle.load(file)) if latest > number else None  # noqa: S301
        except FileNotFoundError:
            return None

    def _number(self) -> int:
        try:
            with self._path.open("rb") as file:
                (number,) = _NUMBER.unpack(file.read(_NUMBER.size))
                return int(number)
        except FileNotFoundError:
            return 0


def _for_me_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
