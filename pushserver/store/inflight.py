"""The flight recorder: which attempts a process had in its hands when it died.

A process that is killed, ``kill -9`` included, cannot say what it was doing, and a row in the database
before every send would double the cost of a push. Here a send costs a few writes to mapped memory: the pages
belong to the operating system, which keeps them when the process goes. (They do not outlast a loss of
power, and need not: no message is to blame for one.)

A file is an array of slots of :data:`SLOT_SIZE` bytes, free where the first four are zero::

    length: u32 | crc32 of the payload: u32 | payload: task id, platform, endpoint; UTF-8, a line each

The payload is written before the length, and the length is cleared first, so that a slot torn in the
middle is a free one. Whatever else may have become of a slot fails its checksum and is passed over.
"""

import mmap
import re
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Lock
from types import TracebackType
from zlib import crc32

from pushserver.domain import PlatformName, Target

SLOT_SIZE = 2048
"""Bytes; room for the longest task id, platform and endpoint name of the schema at four bytes a character."""
SLOTS = 64
"""Slots in a file. A process that needs more at once adds another file."""

_HEADER = struct.Struct("<II")
_ROOM = SLOT_SIZE - _HEADER.size
_FREE = bytes(4)
_FILE_NAME = re.compile(r"inflight-(?P<process>.+)\.\d+\.bin")

_Slot = tuple[mmap.mmap, int]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What dead processes had in their hands: ``(task id, target)`` each, and the files that say so."""

    in_hand: tuple[tuple[str, Target], ...]
    files: tuple[Path, ...]

    def forget(self) -> None:
        """Remove the files; to be called once what is to be done about ``in_hand`` is committed."""
        for file in self.files:
            file.unlink(missing_ok=True)


class InFlight:
    """The flight recorder of one process, written by any of its threads.

    ``process`` is the process's name (``delivery-0``), ``directory`` is shared by all processes of a service
    and is made. What a dead namesake left there is to be taken with :meth:`recover` *before* this is made;
    its files are never overwritten, but from here on they are not told from this process's own.
    """

    def __init__(self, directory: Path, process: str, slots: int = SLOTS) -> None:
        self._directory = directory
        self._process = process
        self._slots = slots
        self._files: list[tuple[Path, mmap.mmap]] = []
        self._free: list[_Slot] = []  # append and pop are atomic: only growing needs the lock
        self._growing = Lock()
        directory.mkdir(parents=True, exist_ok=True)
        self._grow()

    def hold(self, task_id: str, target: Target) -> "Held":
        """A context in which this attempt counts as in hand; enter it just before the send.

        A record longer than a slot is not kept: an attempt must not fail for the sake of its record.
        """
        return Held(self, f"{task_id}\n{target.platform.value}\n{target.name}".encode(errors="surrogatepass"))

    def close(self) -> None:
        """Remove the files of a process that ends in peace; with something still in hand, leave them."""
        if len(self._free) < self._slots * len(self._files):
            return
        self._free.clear()
        for path, memory in self._files:
            memory.close()
            path.unlink(missing_ok=True)
        self._files.clear()

    @staticmethod
    def recover(directory: Path, processes: Collection[str] | None = None) -> Recovered:
        """Read what dead processes left behind: those of these names, or all when none is alive.

        Nothing is removed before :meth:`Recovered.forget`: a crash in between repeats the recovery.
        """
        files = tuple(
            file
            for file in sorted(directory.glob("inflight-*.bin"))
            if (match := _FILE_NAME.fullmatch(file.name))
            and (processes is None or match["process"] in processes)
        )
        return Recovered(tuple(record for file in files for record in _records(file.read_bytes())), files)

    def _take(self) -> _Slot:
        while True:
            try:
                return self._free.pop()
            except IndexError:
                self._grow()

    def _grow(self) -> None:
        with self._growing:
            if self._free:  # another thread has grown it while this one waited
                return
            path, memory = self._new_file()
            self._files.append((path, memory))
            self._free.extend((memory, number * SLOT_SIZE) for number in reversed(range(self._slots)))

    def _new_file(self) -> tuple[Path, mmap.mmap]:
        for number in count():
            path = self._directory / f"inflight-{self._process}.{number}.bin"
            try:
                with path.open("x+b") as file:
                    file.truncate(self._slots * SLOT_SIZE)
                    return path, mmap.mmap(file.fileno(), 0)
            except FileExistsError:
                continue
        raise AssertionError("count() does not end")


class Held:
    """One attempt in hand, from entering the context to leaving it."""

    __slots__ = ("_payload", "_recorder", "_slot")

    def __init__(self, recorder: InFlight, payload: bytes) -> None:
        self._recorder = recorder
        self._payload = payload
        self._slot: _Slot | None = None

    def __enter__(self) -> None:
        payload = self._payload
        length = len(payload)
        if length > _ROOM:
            return
        self._slot = memory, offset = self._recorder._take()  # noqa: SLF001 - two halves of one mechanism
        start = offset + _HEADER.size
        memory[start : start + length] = payload
        memory[offset:start] = _HEADER.pack(length, crc32(payload))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._slot is None:
            return
        memory, offset = self._slot
        memory[offset : offset + 4] = _FREE
        self._recorder._free.append(self._slot)  # noqa: SLF001 - two halves of one mechanism
        self._slot = None


def _records(content: bytes) -> Iterator[tuple[str, Target]]:
    for offset in range(0, len(content) - _HEADER.size, SLOT_SIZE):
        length, checksum = _HEADER.unpack_from(content, offset)
        start = offset + _HEADER.size
        payload = content[start : start + length]
        if 0 < length <= _ROOM and len(payload) == length and crc32(payload) == checksum:
            record = _parse(payload)
            if record is not None:
                yield record


def _parse(payload: bytes) -> tuple[str, Target] | None:
    try:
        task_id, platform, name = payload.decode(errors="surrogatepass").split("\n", 2)
        return task_id, Target(PlatformName(platform), name)
    except ValueError:
        return None
