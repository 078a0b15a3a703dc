"""What providers have taken and the store does not know yet.

A provider that has said 250 has the mail; that it has is stored with the next commit, some milliseconds
later, or after an outage of the database. A relay that is killed in between would send the mail again. So
each receipt is a slot that outlives the process (:mod:`.slots`) until it is stored.

Only who has got the mail is kept: whoever was refused may be asked again.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from pushserver.domain.mail import AccountCounts, MailReceipt, MailResult, MailState, RecordMailResults
from pushserver.store.codec import from_microseconds, to_microseconds
from pushserver.store.slots import Kind, Leftovers, Slot, Slots, leftovers

SLOT_SIZE: Final = 32 * 1024
"""Bytes; room for a hundred recipients, whose addresses have up to 254 octets."""
SLOTS: Final = 32
"""Slots in a file. A process that needs more at once adds another file."""
_NAME: Final = "receipts"


@dataclass(frozen=True, slots=True)
class Unstored:
    """What dead processes have not come to store, and where that is kept."""

    results: tuple[RecordMailResults, ...] = ()
    left: Leftovers = field(default_factory=Leftovers)

    def forget(self) -> None:
        """To be called once the results are committed."""
        self.left.forget()


class Receipts:
    """The receipts that a process has yet to store, written by any of its threads: :class:`~.slots.Slots`.

    What the dead have left is to be taken with :meth:`recover` *before* this is made.
    """

    def __init__(self, directory: Path, process: str, slots: int = SLOTS) -> None:
        self._slots = Slots(directory, process, Kind(_NAME, SLOT_SIZE, slots))
        self._kept: dict[tuple[str, str], Slot] = {}

    def keep(self, receipt: MailReceipt, at: datetime) -> None:
        """Somebody has got a mail at ``at``, or else there is nothing to keep.

        One for which there is no room is not kept: see :meth:`~.slots.Slots.put`.
        """
        if not receipt.accepted:
            return
        slot = self._slots.put(_written(receipt, at))
        self.forget(receipt.mail_id, receipt.account)
        if slot is not None:
            self._kept[receipt.mail_id, receipt.account] = slot

    def forget(self, mail_id: str, account: str) -> None:
        """What came of this mail over this account is stored, or is another's to store."""
        slot = self._kept.pop((mail_id, account), None)
        if slot is not None:
            self._slots.free(slot)

    def forget_stored(self, commands: Iterable[RecordMailResults]) -> None:
        """These are committed."""
        for command in commands:
            for account in {result.account for result in command.results}:
                self.forget(command.mail_id, account)

    def close(self) -> None:
        """Of a process that ends in peace; what is not stored is left for its successor."""
        self._slots.close()

    @staticmethod
    def recover(directory: Path) -> Unstored:
        """Read what dead processes left behind; only one at a time keeps receipts, whatever it is called.

        Nothing is removed before :meth:`Unstored.forget`: a crash in between repeats the recovery, and
        results that are stored already change nothing.
        """
        left = leftovers(directory, Kind(_NAME, SLOT_SIZE, SLOTS))
        results = map(_read, left.payloads)
        return Unstored(tuple(command for command in results if command is not None), left)


def _written(receipt: MailReceipt, at: datetime) -> bytes:
    values = [receipt.mail_id, receipt.account, to_microseconds(at), receipt.accepted]
    return json.dumps(values, ensure_ascii=False).encode(errors="surrogatepass")


def _read(payload: bytes) -> RecordMailResults | None:
    try:
        mail_id, account, at, accepted = json.loads(payload.decode(errors="surrogatepass"))
    except ValueError:  # another version's
        return None
    results = tuple(MailResult(to, MailState.DELIVERED, account=account) for to in accepted)
    return RecordMailResults(
        mail_id, results, from_microseconds(at), counts=(AccountCounts(account, sent=1),)
    )
