"""The flight recorder: which attempts a process had in its hands when it died.

Each is a slot that outlives the process (:mod:`.slots`): task id, platform, endpoint; UTF-8, a line each.
They do not outlast a loss of power, and need not: no message is to blame for one.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from pushserver.domain import PlatformName, Target
from pushserver.store.slots import Kind, Leftovers, Slot, Slots, leftovers

SLOT_SIZE: Final = 2048
"""Bytes; room for the longest task id, platform and endpoint name of the schema at four bytes a character."""
SLOTS: Final = 64
"""Slots in a file. A process that needs more at once adds another file."""
_NAME: Final = "inflight"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What dead processes had in their hands: ``(task id, target)`` each, and where that is kept."""

    in_hand: tuple[tuple[str, Target], ...] = ()
    left: Leftovers = field(default_factory=Leftovers)

    def forget(self) -> None:
        """To be called once what is to be done about ``in_hand`` is committed."""
        self.left.forget()


class InFlight:
    """The flight recorder of one process, written by any of its threads; see :class:`~.slots.Slots`.

    What a dead namesake left is to be taken with :meth:`recover` *before* this is made.
    """

    def __init__(self, directory: Path, process: str, slots: int = SLOTS) -> None:
        self._slots = Slots(directory, process, Kind(_NAME, SLOT_SIZE, slots))

    def hold(self, task_id: str, target: Target) -> "Held":
        """A context in which this attempt counts as in hand; enter it just before the send.

        One for which there is no room is not kept: an attempt must not fail for the sake of its record.
        """
        record = f"{task_id}\n{target.platform.value}\n{target.name}"
        return Held(self._slots, record.encode(errors="surrogatepass"))

    def close(self) -> None:
        """Of a process that ends in peace; what is still in hand is left for its successor."""
        self._slots.close()

    @staticmethod
    def recover(directory: Path, processes: Collection[str] | None = None) -> Recovered:
        """Read what dead processes left behind: those of these names, or all when none is alive.

        Nothing is removed before :meth:`Recovered.forget`: a crash in between repeats the recovery.
        """
        left = leftovers(directory, Kind(_NAME, SLOT_SIZE, SLOTS), processes)
        records = map(_parse, left.payloads)
        return Recovered(tuple(record for record in records if record is not None), left)


class Held:
    """One attempt in hand, from entering the context to leaving it."""

    __slots__ = ("_payload", "_slot", "_slots")

    def __init__(self, slots: Slots, payload: bytes) -> None:
        self._slots = slots
        self._payload = payload
        self._slot: Slot | None = None

    def __enter__(self) -> None:
        self._slot = self._slots.put(self._payload)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._slot is not None:
            self._slots.free(self._slot)
            self._slot = None


def _parse(payload: bytes) -> tuple[str, Target] | None:
    try:
        task_id, platform, name = payload.decode(errors="surrogatepass").split("\n", 2)
        return task_id, Target(PlatformName(platform), name)
    except ValueError:
        return None
