"""What providers have taken and the store does not know yet.

A provider that has said 250 has the mail; that it has is stored with the next commit, some milliseconds
later, or after an outage of the database. A relay that is killed in between would send the mail again. So
each receipt is a slot that outlives the process (:mod:`.slots`) until it is stored.

Only who has got the mail is kept: whoever was refused may be asked again.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from pushserver.domain.mail import AccountCounts, MailReceipt, MailResult, MailState, RecordMailResults
from pushserver.store.codec import from_microseconds, to_microseconds
from pushserver.store.slots import Kind, Slot, Slots, leftovers

SLOT_SIZE: Final = 32 * 1024
"""Bytes; room for a hundred recipients, whose addresses have up to 254 octets."""
SLOTS: Final = 32
"""Slots in a file. A process that needs more at once adds another file."""
_KIND: Final = Kind("receipts", SLOT_SIZE, SLOTS)


class Receipts:
    """The receipts that a process has yet to store, written by any of its threads: :class:`~.slots.Slots`.

    ``unstored`` is what the dead have not come to store, whatever they were called: only one process at a
    time keeps receipts. I keep them from now on, and the store owes them before anything else.
    """

    def __init__(self, directory: Path, process: str) -> None:
        left = leftovers(directory, _KIND)
        self._slots = Slots(directory, process, _KIND)
        self._kept: dict[tuple[str, str], Slot] = {}
        found = {payload: results for payload in left.payloads if (results := _read(payload)) is not None}
        self.unstored = tuple(found.values())
        if all(self._put(of.mail_id, of.results[0].account, payload) for payload, of in found.items()):
            left.forget()

    def keep(self, receipt: MailReceipt, at: datetime) -> None:
        """Somebody has got a mail at ``at``, or else there is nothing to keep.

        One for which there is no room is not kept: see :meth:`~.slots.Slots.put`.
        """
        if receipt.accepted:
            self._put(receipt.mail_id, receipt.account, _written(receipt, at))

    def _put(self, mail_id: str, account: str, payload: bytes) -> bool:
        slot = self._slots.put(payload)
        self.forget(mail_id, account)
        if slot is not None:
            self._kept[mail_id, account] = slot
        return slot is not None

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


def _written(receipt: MailReceipt, at: datetime) -> bytes:
    values = [receipt.mail_id, receipt.account, to_microseconds(at), receipt.accepted]
    return json.dumps(values, ensure_ascii=False).encode(errors="surrogatepass")


def _read(payload: bytes) -> RecordMailResults | None:
    """What is to be stored of it, as :func:`_written` has it."""
    try:
        mail_id, account, at, accepted = json.loads(payload.decode(errors="surrogatepass"))
        results = tuple(MailResult(to, MailState.DELIVERED, account=account) for to in accepted)
        counts = (AccountCounts(account, sent=1),)
        return RecordMailResults(mail_id, results, from_microseconds(at), counts=counts) if results else None
    except (ValueError, TypeError):  # another version's
        return None
