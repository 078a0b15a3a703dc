"""Records that outlive their process: each is a slot in a file that is mapped into memory.

A process that is killed, ``kill -9`` included, cannot say what it was doing, and a row in the database for
every step would double the cost of a push. Here a record costs a few writes to mapped memory: the pages
belong to the operating system, which keeps them when the process goes. (They do not outlast a loss of power.)

A file is an array of slots of one size, free where the first four bytes are zero::

    length: u32 | crc32 of the payload: u32 | payload

The payload is written before the length, and the length is cleared first, so that a slot torn in the
middle is a free one. Whatever else may have become of a slot fails its checksum and is passed over.
"""

import logging
import mmap
import re
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Final
from zlib import crc32

_log = logging.getLogger(__name__)

_HEADER: Final = struct.Struct("<II")
_FREE: Final = bytes(4)

Slot = tuple[mmap.mmap, int]
"""A file's memory, and where in it the slot begins."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file's name begins with, the bytes of a slot, and how many a file has."""

    name: str
    size: int
    slots: int

    @property
    def room(self) -> int:
        """The longest payload, bytes."""
        return self.size - _HEADER.size


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What dead processes have left: the payloads, and the files that hold them."""

    payloads: tuple[bytes, ...] = ()
    files: tuple[Path, ...] = ()

    def forget(self) -> None:
        """Remove the files; to be called once what is to be done about the payloads is committed."""
        for file in self.files:
            file.unlink(missing_ok=True)


class Slots:
    """The records of one process, written by any of its threads.

    ``process`` is the process's name (``delivery-0``); ``directory`` is shared by all processes of a service
    and is made. What a dead namesake left there is to be taken with :func:`leftovers` *before* this is made;
    its files are never overwritten, but from here on they are not told from this process's own.
    """

    def __init__(self, directory: Path, process: str, kind: Kind) -> None:
        self._directory = directory
        self._process = process
        self._kind = kind
        self._files: list[tuple[Path, mmap.mmap]] = []
        self._free: list[Slot] = []  # append and pop are atomic: only growing needs the lock
        self._growing = Lock()
        self._complained = False
        directory.mkdir(parents=True, exist_ok=True)
        self._grow()

    def put(self, payload: bytes) -> Slot | None:
        """Keep this until its slot is freed.

        ``None``: it is longer than a slot, or the disk is full. What it is about must not fail for that.
        """
        length = len(payload)
        slot = self._take() if length <= self._kind.room else None
        if slot is None:
            return None
        memory, offset = slot
        start = offset + _HEADER.size
        memory[start : start + length] = payload
        memory[offset:start] = _HEADER.pack(length, crc32(payload))
        return slot

    def free(self, slot: Slot) -> None:
        """What is in it is not true any longer."""
        memory, offset = slot
        memory[offset : offset + len(_FREE)] = _FREE
        self._free.append(slot)

    def close(self) -> None:
        """Remove the files of a process that ends in peace; with something still in them, leave them."""
        if len(self._free) < self._kind.slots * len(self._files):
            return
        self._free.clear()
        for path, memory in self._files:
            memory.close()
            path.unlink(missing_ok=True)
        self._files.clear()

    def _take(self) -> Slot | None:
        while True:
            try:
                return self._free.pop()
            except IndexError:
                if not self._grow():
                    return None

    def _grow(self) -> bool:
        """Have free slots, in a file more if need be; false where there is no room for one."""
        with self._growing:
            if self._free:  # another thread has grown it while this one waited
                return True
            try:
                path, memory = self._new_file()
            except OSError as error:
                self._complain(error)
                return False
            self._files.append((path, memory))
            self._free.extend(
                (memory, number * self._kind.size) for number in reversed(range(self._kind.slots))
            )
            return True

    def _new_file(self) -> tuple[Path, mmap.mmap]:
        """A file whose every byte the disk has room for.

        One that was merely made so long has holes, and whoever touches a hole when the disk is full gets
        SIGBUS.
        """
        path = self._unused_path()
        try:
            path.write_bytes(bytes(self._kind.size * self._kind.slots))
            with path.open("r+b") as file:
                return path, mmap.mmap(file.fileno(), 0)
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def _unused_path(self) -> Path:
        for number in count():
            path = self._directory / f"{self._kind.name}-{self._process}.{number}.bin"
            with suppress(FileExistsError):
                path.touch(exist_ok=False)
                return path
        raise AssertionError("count() does not end")

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _log.error(
                "no room for what is under way: %s",
                error.strerror,
                extra={"action": "no_room_for_slots", "kind": self._kind.name, "error": error.strerror},
            )


def leftovers(directory: Path, kind: Kind, processes: Collection[str] | None = None) -> Leftovers:
    """Read what dead processes have left behind: those of these names, or all when none is alive.

    Nothing is removed before :meth:`Leftovers.forget`: a crash in between repeats the recovery.
    """
    file_name = re.compile(rf"{kind.name}-(?P<process>.+)\.\d+\.bin")
    files = tuple(
        file
        for file in sorted(directory.glob(f"{kind.name}-*.bin"))
        if (match := file_name.fullmatch(file.name)) and (processes is None or match["process"] in processes)
    )
    payloads = tuple(payload for file in files for payload in _payloads(file.read_bytes(), kind))
    return Leftovers(payloads, files)


def _payloads(content: bytes, kind: Kind) -> Iterator[bytes]:
    for offset in range(0, len(content) - _HEADER.size, kind.size):
        length, checksum = _HEADER.unpack_from(content, offset)
        start = offset + _HEADER.size
        payload = content[start : start + length]
        if 0 < length <= kind.room and len(payload) == length and crc32(payload) == checksum:
            yield payload
