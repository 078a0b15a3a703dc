"""A process that accepts mails until it is killed, and says which of them were answered.

``python -m tests.store.accepting_child URL SPOOL``: one id a line, every other mail spooled.
"""

import sys
from itertools import count
from pathlib import Path

from actors import ActorSystem, ChildSpec
from pushserver.domain.mail import AcceptMail
from pushserver.store import MailEstate, MailStore, Receipts, Retention, Spool, open_writer
from tests.store.mail_samples import a_mail

BIG = b"0123456789abcdef" * 20_000


def main(url: str, directory: Path) -> None:
    spool, estate, receipts = Spool(directory), MailEstate(), Receipts(directory.parent, "relay-0")
    spec = ChildSpec(
        kind="mails",
        start=lambda context: MailStore(
            context,
            engine=lambda: open_writer(url, durability="power"),
            spool=spool,
            retention=Retention(86_400.0, 300.0),
            estate=estate,
            receipts=receipts,
        ),
        batch=100,
    )
    system = ActorSystem("relay-0", ChildSpec(kind="root", children={"mails": spec}, starts=("mails",)))
    system.start()
    for number in count():
        command = (
            spooled(spool, f"m{number}") if number % 2 else AcceptMail(a_mail(f"m{number}"), f"{number}")
        )
        system.ref("mails").ask(command, timeout=10.0)
        sys.stdout.write(f"m{number}\n")
        sys.stdout.flush()


def spooled(spool: Spool, mail_id: str) -> AcceptMail:
    with spool.create(mail_id) as file:
        file.write(BIG)
        return AcceptMail(a_mail(mail_id, content=file.commit(), size=len(BIG)), mail_id)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
