"""What the mail store costs here and now, on a disk that is waited for.

``python -m tests.store.measure_mails [DIRECTORY]``: without one it is the system's temporary one, which may
be in memory.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter, process_time

from sqlalchemy import Connection

from pushserver.domain.mail import AcceptMail, FetchDueMails
from pushserver.store import MailCommand, Spool, apply_to_mails, open_writer
from pushserver.store.migrations import migrate
from tests.store.mail_samples import ANN, a_mail, delivered, record
from tests.store.samples import NOON

MAILS = 4_096
CONTENT = (b"x" * 78 + b"\r\n") * 128
"""10 KiB."""
BATCH_SIZES = (1, 8, 32)


def measure(
    what: str, connection: Connection, spool: Spool, batches: Sequence[Sequence[MailCommand]]
) -> None:
    wall, cpu = perf_counter(), process_time()
    for batch in batches:
        apply_to_mails(connection, batch, spool=spool)
    wall, cpu = perf_counter() - wall, process_time() - cpu
    sys.stdout.write(f"{what:<28}{MAILS / wall:8.0f} mails/s   {cpu / MAILS * 1e6:8.1f} µs CPU a mail\n")


def in_batches(commands: Sequence[MailCommand], size: int) -> list[Sequence[MailCommand]]:
    return [commands[start : start + size] for start in range(0, len(commands), size)]


def main(directory: str | None = None) -> None:
    with tempfile.TemporaryDirectory(dir=directory) as place:
        url = f"sqlite:///{place}/store.db"
        migrate(url)
        spool = Spool(Path(place) / "spool")
        engine = open_writer(url, durability="power")
        with engine.connect() as connection:
            for size in BATCH_SIZES:
                ids = [f"mail_20260102_120000_{size:04}{number:012}" for number in range(MAILS)]
                mails = [a_mail(mail_id, content=CONTENT, size=len(CONTENT)) for mail_id in ids]
                accepts = [AcceptMail(mail, mail.id) for mail in mails]
                fetches = [FetchDueMails(NOON, size, tuple(ids[:size]))] * (MAILS // size)
                results = [record(mail_id, *delivered(ANN)) for mail_id in ids]
                measure(f"accept, {size} a batch", connection, spool, in_batches(accepts, size))
                measure(f"fetch, {size} at a time", connection, spool, in_batches(fetches, 1))
                measure(f"results, {size} a batch", connection, spool, in_batches(results, size))
        engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
