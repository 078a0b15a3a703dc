"""The sending side as it runs: store, accounts and queue as real actors, against real sinks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from actors import ActorSystem, ActorUnavailable, ChildSpec, Letter, ManualClock
from pushserver.domain.breaker import BreakerRules
from pushserver.domain.mail import (
    AcceptMail,
    FetchMailBacklog,
    ListedMail,
    ListMails,
    Mail,
    MailBacklog,
    MailPage,
)
from pushserver.domain.messages import NoticeRaised
from pushserver.platforms import Mailer, SmtpAccount, SmtpServer
from pushserver.platforms.scrub import Scrubber, login_secrets
from pushserver.platforms.smtp import Security
from pushserver.relay.account import Account
from pushserver.relay.connection import Appearance, Connection
from pushserver.relay.dsn import Reporter
from pushserver.relay.queue import MailQueue, QueueEstate, Route, Trouble
from pushserver.store import MailEstate, MailStore, Receipts, Retention, Spool, SpooledMessage, open_writer
from pushserver.store.migrations import migrate

DEADLINE = 20.0
MAX_AGE = timedelta(days=3)


@dataclass
class House:
    system: ActorSystem
    clock: ManualClock
    told: list[Trouble] = field(default_factory=list)
    deaf: bool = False
    """Nobody is there to hear of trouble."""

    def hear(self, trouble: Trouble) -> None:
        if self.deaf:
            raise ActorUnavailable("nobody is there")
        self.told.append(trouble)

    def confirm(self, task_id: str) -> None:
        """Tell the queue that people know."""
        self.system.ref("queue").tell(NoticeRaised(task_id))

    def accept(self, mail: Mail) -> None:
        self.system.ref("mails").ask(AcceptMail(mail, f"digest of {mail.id}"), DEADLINE)

    def listed(self, mail_id: str) -> ListedMail:
        page: MailPage = self.system.ref("mails").ask(ListMails(1000), DEADLINE)
        return next(item for item in page.items if item.id == mail_id)

    def all_mails(self) -> tuple[ListedMail, ...]:
        page: MailPage = self.system.ref("mails").ask(ListMails(1000), DEADLINE)
        return page.items

    def backlog(self) -> MailBacklog:
        backlog: MailBacklog = self.system.ref("mails").ask(FetchMailBacklog(), DEADLINE)
        return backlog


@contextmanager
def house(
    directory: Path, ports: Mapping[str, int], *, connections: int = 2, **account: Any
) -> Iterator[House]:
    """Accounts named as in ``ports``, each at that port of this machine."""
    url = f"sqlite:///{directory}/mails.db"
    migrate(url)
    clock = ManualClock()
    receipts = Receipts(directory, "relay-0")
    children: dict[str, ChildSpec] = {}
    root = ChildSpec("root", children=children, starts=("mails", "accounts", "queue"))
    system = ActorSystem("relay-0", root, clock=clock)
    made = House(system, clock)
    store = system.ref("mails")
    children["mails"] = ChildSpec(
        "store",
        partial(
            MailStore,
            engine=partial(open_writer, url, durability="power"),
            spool=Spool(directory / "spool"),
            retention=Retention(86_400.0, 300.0),
            estate=MailEstate(owed=[Letter(command, at=0.0) for command in receipts.unstored]),
            receipts=receipts,
            queue=system.ref("queue"),
        ),
        batch=100,
    )
    accounts = {name: _account(store, receipts, port, connections, account) for name, port in ports.items()}
    children["accounts"] = ChildSpec("branch", children=accounts)
    routes = {
        name: Route(system.ref("accounts", name), f"{name}@relay.example", 1, connections) for name in ports
    }
    children["queue"] = ChildSpec(
        "queue",
        partial(
            MailQueue,
            store=store,
            routes=routes,
            reporter=Reporter("relay.example", "postmaster@relay.example"),
            max_age=MAX_AGE,
            tell_people=made.hear,
            estate=QueueEstate(),
            chance=lambda: 0.0,
        ),
    )
    system.start()
    try:
        yield made
    finally:
        system.stop(2.0)
        receipts.close()


def _account(
    store: Any, receipts: Receipts, port: int, connections: int, options: Mapping[str, Any]
) -> ChildSpec:
    rules = options.get("rules", BreakerRules())
    lines = {
        str(number): ChildSpec(
            "connection", partial(_connection, receipts=receipts, port=port, secret=options.get("secret", ""))
        )
        for number in range(1, connections + 1)
    }
    start = partial(Account, connections=connections, store=store, receipts=receipts, rules=rules)
    return ChildSpec("account", start, children=lines)


def _connection(context: Any, *, receipts: Receipts, port: int, secret: str) -> Connection:
    server = SmtpServer("127.0.0.1", port, security=Security.CLEAR, timeout=5.0)
    mailer: Mailer = SmtpAccount(server)
    name = context.address.path[-2]
    look = Appearance(name, f"{name}@relay.example", "rewrite")
    return Connection(
        context,
        mailer=mailer,
        appearance=look,
        open_spool=SpooledMessage,
        receipts=receipts,
        scrubber=Scrubber(*login_secrets("user", secret)),
    )
