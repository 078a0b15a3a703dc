"""The mail store: the only actor of its process that writes mails, a mailbox full at a time."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import get_args

from sqlalchemy import Connection, Engine

from actors import Context, Letter, Ref, receives
from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import (
    AcceptMail,
    FetchDueMails,
    Mail,
    MailsReady,
    PurgeMails,
    RecordMailResults,
    RetryMails,
)
from pushserver.store.actor import Retention
from pushserver.store.committer import Committer
from pushserver.store.errors import outages_as_store_unavailable
from pushserver.store.mail_batch import MAIL_PURGE_LIMIT, MailCommand, MailOutcome, apply_to_mails
from pushserver.store.mail_codec import queued_when_new
from pushserver.store.mails import MailTable
from pushserver.store.receipts import Receipts
from pushserver.store.spool import Spool

_log = logging.getLogger(__name__)

MOST_UNHEARD = 8 * 1024 * 1024
"""Bytes of mails that the queue is handed before it is heard of again; it fetches the others."""


@dataclass(slots=True)
class MailEstate:
    """What one life of the mail store leaves to the next.

    ``owed`` is what was told and could not be stored yet, in order. ``tidied``: the orphans in the spool were
    removed; whoever writes there now has files that no row names yet.
    """

    owed: list[Letter] = field(default_factory=list)
    tidied: bool = False


@dataclass(frozen=True, slots=True)
class _CleanUp:
    """The store's reminder to look for mails past their retention."""


class MailStore(Committer):
    """The mails' :class:`~.committer.Committer`, which also removes orphans and deletes its old.

    ``engine`` has to be opened with durability ``power``: then a mail is on the disk before whoever asked is
    answered. ``queue`` hears of new work (:class:`MailsReady`) after every commit that may bring some, and is
    handed the new mails: reading them back would cost as much as storing them. The first life has to start
    before anybody writes to the spool; only one process may have a mail store.

    What has become of a mail waits a moment for others, and shares their commit: a mail then has one instead
    of two. Until then ``receipts`` keeps what a kill must not take away.
    """

    commands = get_args(MailCommand)
    patience = 0.01

    def __init__(
        self,
        context: Context,
        *,
        engine: Callable[[], Engine],
        spool: Spool,
        retention: Retention,
        estate: MailEstate,
        receipts: Receipts,
        queue: Ref | None = None,
    ) -> None:
        super().__init__(context, engine=engine, owed=estate.owed)
        self._spool = spool
        self._retention = retention
        self._estate = estate
        self._receipts = receipts
        self._queue = queue
        self._unheard = 0
        """Bytes that the queue was handed since it was heard of."""

    def opened(self) -> None:
        """Remove what a crash has left in the spool."""
        if not self._estate.tidied:
            self._estate.tidied = True
            with suppress(StoreUnavailable):  # they are in nobody's way: the next start finds them
                self._remove_orphans()
        self.after(self._retention.interval, _CleanUp())

    def _remove_orphans(self) -> None:
        connection = self._connection
        assert connection is not None  # noqa: S101 - it has just been opened
        with outages_as_store_unavailable(), connection.begin():
            named = MailTable(connection, self._spool).spooled()
        gone = self._spool.remove_orphans(frozenset(named.values()))
        if gone:
            _log.warning(
                "%d files in the spool belonged to no mail", gone, extra={"action": "spool_orphans_removed"}
            )

    @receives(_CleanUp)
    def clean_up(self, _: _CleanUp) -> None:
        """Delete what is past its retention, a batch at a time so that no mail waits for long."""
        before = self.context.clock.now() - timedelta(seconds=self._retention.max_age)
        try:
            (gone,) = self.apply([PurgeMails(before)])
        except StoreUnavailable:
            gone = 0
        self.after(0.0 if gone == MAIL_PURGE_LIMIT else self._retention.interval, _CleanUp())

    def is_patient(self, command: MailCommand) -> bool:
        """See :meth:`~.committer.Committer.is_patient`: results are, unless they bring new mails."""
        return isinstance(command, RecordMailResults) and not command.dsns

    def execute(self, connection: Connection, commands: Sequence[MailCommand]) -> Sequence[MailOutcome]:
        """See :meth:`~.committer.Committer.execute`."""
        outcomes = apply_to_mails(connection, commands, spool=self._spool)
        done = [command for command, outcome in zip(commands, outcomes, strict=True) if outcome is None]
        self._receipts.forget_stored(command for command in done if isinstance(command, RecordMailResults))
        self.context.check_current()  # my successor's queue may have sent them long ago
        if self._queue is not None:
            if any(isinstance(command, _OF_THE_QUEUE) for command in commands):
                self._unheard = 0
            news = self._news(commands, done)
            if news != _NOTHING_NEW:
                self._queue.tell_if_awake(news)
        return outcomes

    def _news(self, commands: Sequence[MailCommand], done: Sequence[MailCommand]) -> MailsReady:
        accepted = [command.mail for command in done if isinstance(command, AcceptMail)]
        others = any(map(_brings_others, commands))
        self._unheard += sum(map(_weight, accepted))
        if self._unheard > MOST_UNHEARD:
            return MailsReady(others=True)
        return MailsReady(tuple(map(queued_when_new, accepted)), others)


_OF_THE_QUEUE = (FetchDueMails, RecordMailResults)
_NOTHING_NEW = MailsReady()


def _weight(mail: Mail) -> int:
    return len(mail.content) if isinstance(mail.content, bytes) else 0


def _brings_others(command: MailCommand) -> bool:
    return isinstance(command, RetryMails) or (isinstance(command, RecordMailResults) and bool(command.dsns))
