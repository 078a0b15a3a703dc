"""The relaying side of a process: the mails' store, the accounts, the herald, the queue, the SMTP door."""

import logging
import random
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from actors import ActorSystem, Address, ChildSpec, Context, Letter
from pushserver.config import RelayAccount, Settings
from pushserver.delivery import Build, herald_spec
from pushserver.domain import new_notification_id
from pushserver.platforms import Security, SmtpAccount
from pushserver.platforms import SmtpServer as Upstream
from pushserver.platforms.scrub import Scrubber, login_secrets
from pushserver.relay import (
    Access,
    Credentials,
    DoorPlan,
    Limits,
    SmtpDoor,
    SmtpServer,
    StoreDesk,
    Tally,
    as_seven_bit,
    server_context,
)
from pushserver.relay.account import Account, UseLines
from pushserver.relay.connection import Appearance, Connection
from pushserver.relay.desk import RelayDesk
from pushserver.relay.dsn import Reporter
from pushserver.relay.notice import notice_of
from pushserver.relay.queue import MailQueue, QueueEstate, Route, Trouble, UseRoutes
from pushserver.relay.roll import Roll
from pushserver.service.delivery import NOTIFICATIONS, retry_rules
from pushserver.service.follower import Difference
from pushserver.service.groundwork import data_directory
from pushserver.service.instruments import Instruments
from pushserver.service.policies import ESSENTIAL, REMOTE
from pushserver.store import (
    MailEstate,
    MailStore,
    Receipts,
    Retention,
    Spool,
    SpooledMessage,
    open_writer,
)

_log = logging.getLogger(__name__)

MAILS: Final = "mails"
ACCOUNTS: Final = "accounts"
HERALD: Final = "herald"
QUEUE: Final = "queue"
DESK: Final = "desk"
DOOR: Final = "smtp"

SPOOL: Final = "spool"
"""The directory of large mails, in the store's."""
BATCH: Final = 100
"""Mails that share a commit."""
MOST_MAILS_ASKED: Final = 10_000
"""Messages that may wait for the mail store; a client has one under way at a time."""
DRAIN_SHARE: Final = 1 / 3
"""The door's part of the time to stop; the rest is for mails under way."""
_STEPS_OF_A_MAIL: Final = 6
"""A mail is a conversation, and each of its steps has the time-out to itself; recipients have one, too."""
_SLACK: Final = 30.0


def relays_mail(settings: Settings) -> bool:
    """Is there anything to do for the relay? Its accounts work without its door, for pushes by e-mail."""
    return settings.smtp_relay.enabled or settings.relay_accounts_configured


def account_address(process: str, account: str) -> Address:
    """Where an account stands."""
    return Address(process, (ACCOUNTS, account))


def in_start_order(settings: Settings) -> tuple[str, ...]:
    """The names of the relay's actors: the door last, what comes through it can be served."""
    door = (DOOR,) if settings.smtp_relay.enabled else ()
    return (MAILS, ACCOUNTS, HERALD, QUEUE, DESK, *door)


class RelaySide:
    """Makes the specs of the actors that relay mails.

    ``listening`` is the door's socket, where mails are taken; ``receipts`` are this process's. ``build``
    makes the ways of system notices.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        system: ActorSystem,
        listening: socket.socket | None,
        receipts: Receipts,
        instruments: Instruments,
        build: Build,
        chance: Callable[[], float] = random.random,
    ) -> None:
        names = [account.name for account in settings.relay_accounts]
        self._settings = settings
        self._system = system
        self._listening = listening
        self._metrics = instruments.relay(names)
        self._build = build
        self._chance = chance
        self._store = system.ref(MAILS)
        self._receipts = receipts
        self._spool = Spool(data_directory(settings) / SPOOL)
        self._lines: dict[str, dict[str, ChildSpec]] = {}
        self._accounts: dict[str, ChildSpec] = {}
        self.tally = Tally()
        self.roll = Roll(names)

    def specs(self) -> dict[str, ChildSpec]:
        """By name."""
        for account in self._settings.relay_accounts:
            self._accounts[account.name] = self._account(account)
        specs = {
            MAILS: self._mails(),
            ACCOUNTS: ChildSpec(kind="branch", children=self._accounts, starts=tuple(self._accounts)),
            HERALD: self._herald(),
            QUEUE: self._queue(),
            DESK: ChildSpec(
                kind="desk", start=partial(RelayDesk, tally=self.tally, roll=self.roll), policy=ESSENTIAL
            ),
        }
        return specs | ({DOOR: self._door(self._listening)} if self._listening is not None else {})

    def follow(self, settings: Settings, difference: Difference) -> None:
        """Send through the new accounts.

        Of one that differs the connections begin anew, each once its mail is done; one that is gone finishes
        what it has in hand. The queue hears of it last: who is new is there by then, and who is gone takes no
        mail that it does not have already.
        """
        self._settings = settings
        accounts = {account.name: account for account in settings.relay_accounts}
        self._metrics.know(accounts)
        for name in difference.accounts:
            if name in accounts:
                self._change(accounts[name])
        self._system.ref(QUEUE).tell(UseRoutes(self._routes(), _reporter(settings)))
        for name in difference.accounts:
            if name not in accounts and self._accounts.pop(name, None) is not None:
                self._system.ref(ACCOUNTS, name).tell(UseLines(0))

    def _change(self, account: RelayAccount) -> None:
        """One that is new, or differs. The branch knows it at once: it is asked by name."""
        known = account.name in self._accounts
        self._accounts[account.name] = self._account(account)
        where = account_address(self._system.process, account.name)
        if not known:
            self._system.awake(where)
            return
        patience = _STEPS_OF_A_MAIL * account.timeout + _SLACK
        for line in self._lines[account.name]:
            self._system.begin_restart(where / line, _nobody, grace=patience)
        self._system.ref_at(where).tell(UseLines(account.connections))

    # Mails -------------------------------------------------------------------------------------------

    def _mails(self) -> ChildSpec:
        task = self._settings.task
        start = partial(
            MailStore,
            engine=partial(open_writer, self._settings.storage.url, durability="power"),
            spool=self._spool,
            retention=Retention(task.max_age, task.cleanup_interval),
            estate=MailEstate(owed=self._owed()),
            receipts=self._receipts,
            queue=self._system.ref(QUEUE),
        )
        return ChildSpec(kind="store", start=start, policy=ESSENTIAL, batch=BATCH, capacity=MOST_MAILS_ASKED)

    def _owed(self) -> list[Letter]:
        unstored, now = self._receipts.unstored, self._system.clock.monotonic()
        if unstored:
            _log.warning(
                "%d mails had been sent and not written down when the relay died",
                len(unstored),
                extra={"action": "receipts_recovered"},
            )
        return [Letter(command, at=now) for command in unstored]

    def _queue(self) -> ChildSpec:
        return ChildSpec(kind="queue", start=partial(self._start_queue, QueueEstate()), policy=ESSENTIAL)

    def _start_queue(self, estate: QueueEstate, context: Context) -> MailQueue:
        """With the accounts that there are by then."""
        return MailQueue(
            context,
            store=self._store,
            routes=self._routes(),
            reporter=_reporter(self._settings),
            max_age=timedelta(seconds=self._settings.smtp_relay.max_age),
            tell_people=self._tell_people,
            estate=estate,
            chance=self._chance,
        )

    def _routes(self) -> Mapping[str, Route]:
        return {
            account.name: Route(
                self._system.ref(ACCOUNTS, account.name), account.from_, account.weight, account.connections
            )
            for account in self._settings.relay_accounts
        }

    # Accounts ----------------------------------------------------------------------------------------

    def _account(self, account: RelayAccount) -> ChildSpec:
        start = partial(
            Account,
            connections=account.connections,
            store=self._store,
            receipts=self._receipts,
            roll=self.roll,
            on_receipt=self._metrics.submitted,
        )
        lines = self._lines.setdefault(account.name, {})
        for number in range(1, max(account.connections, len(lines)) + 1):
            lines[str(number)] = self._connection(account)
        return ChildSpec(kind="account", start=start, children=lines, policy=REMOTE)

    def _connection(self, account: RelayAccount) -> ChildSpec:
        deadline = _STEPS_OF_A_MAIL * account.timeout + _SLACK
        start = partial(self._open_connection, account)
        return ChildSpec(kind="connection", start=start, policy=REMOTE, deadline=deadline)

    def _open_connection(self, account: RelayAccount, context: Context) -> Connection:
        password = account.password.get_secret_value()
        upstream = Upstream(
            host=account.host,
            port=account.port,
            username=account.username,
            password=password,
            security=Security.on(account.port, tls=account.tls),
            timeout=account.timeout,
            local_hostname=socket.gethostname(),
            ca_file=self._settings.http.ca_file,
        )
        return Connection(
            context,
            mailer=SmtpAccount(upstream, as_seven_bit),
            appearance=Appearance(account.name, account.from_, self._settings.smtp_relay.from_policy),
            open_spool=SpooledMessage,
            receipts=self._receipts,
            scrubber=Scrubber(*login_secrets(account.username, password)),
        )

    # People ------------------------------------------------------------------------------------------

    def _herald(self) -> ChildSpec:
        system = self._settings.system
        return herald_spec(
            system.notifications if system else (),
            self._build,
            notifications=self._system.ref(NOTIFICATIONS),
            rules=retry_rules(self._settings),
            policy=ESSENTIAL,
            chance=self._chance,
        )

    def _tell_people(self, trouble: Trouble) -> None:
        """The queue hears when it is done, or at once that the herald is away."""
        now = self._system.clock.now()
        notice = notice_of(trouble, new_notification_id(now.astimezone()), now)
        self._system.ref(HERALD).tell(notice, sender=self._system.ref(QUEUE))

    # Clients -----------------------------------------------------------------------------------------

    def _door(self, listening: socket.socket) -> ChildSpec:
        drain = self._settings.processes.shutdown_timeout * DRAIN_SHARE
        plan = self._plan()
        start = partial(SmtpDoor, server=partial(SmtpServer, plan, listening), drain=drain)
        return ChildSpec(kind="door", start=start, policy=ESSENTIAL, deadline=drain + 15.0)

    def _plan(self) -> DoorPlan:
        desk = StoreDesk(self._store)
        return DoorPlan(
            hostname=socket.gethostname(),
            access=self._access,
            limits=Limits.of(self._settings.smtp_relay.limits),
            spool=self._spool,
            accept=desk.accept,
            remember=desk.tell,
            tally=self.tally,
            now=self._system.clock.now,
        )

    def _access(self) -> Access:
        """Looked at in each life of the door: a renewed certificate is read by a restart."""
        auth, tls = self._settings.smtp_relay.auth, self._settings.smtp_relay.tls
        context = server_context(tls.cert, tls.key) if tls.cert and tls.key else None
        return Access(Credentials(auth.username, auth.password.get_secret_value()), context, tls.require)


def _reporter(settings: Settings) -> Reporter:
    """Reports come from an address that answers reach; without an account they wait for one anyway."""
    host = socket.gethostname()
    accounts = settings.relay_accounts
    return Reporter(host, accounts[0].from_ if accounts else f"postmaster@{host}")


def _nobody(_: int) -> None:
    """Nobody waits for a connection that begins anew."""
