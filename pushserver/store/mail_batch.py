"""The commands of the mail store: many in one transaction mean what they mean one by one.

New mails are collected and written together, and so are results, after them. What makes that
allowed: those about different mails do not see each other. A new mail that results came before has these
written first; bounces, being seldom, are written at once; whatever else comes has all written first.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from pushserver.domain import StoreUnavailable
from pushserver.domain.mail import (
    AcceptMail,
    AccountCounts,
    DropMails,
    Duplicate,
    FetchAccountCounts,
    FetchDueMails,
    FetchMailBacklog,
    ListMails,
    Mail,
    MailBacklog,
    MailCounts,
    MailPage,
    MarkNotified,
    PurgeMails,
    QueuedMail,
    RecordMailResults,
    RememberUnconfirmed,
    RetryMails,
)
from pushserver.store.errors import CommandRefused, outages_as_store_unavailable
from pushserver.store.mail_lists import MailLists
from pushserver.store.mail_results import settle, total
from pushserver.store.mails import RESENT_WITHIN, MailTable
from pushserver.store.spool import Spool
from pushserver.store.transaction import in_one_transaction

MAIL_PURGE_LIMIT = 500
"""Most mails that one :class:`PurgeMails` deletes, so that it never holds up the mails behind it."""

MailCommand = (
    AcceptMail
    | RememberUnconfirmed
    | FetchDueMails
    | RecordMailResults
    | AccountCounts
    | MarkNotified
    | ListMails
    | RetryMails
    | DropMails
    | FetchAccountCounts
    | FetchMailBacklog
    | PurgeMails
)

MailOutcome = (
    None
    | int
    | Duplicate
    | tuple[QueuedMail, ...]
    | MailPage
    | MailBacklog
    | Mapping[str, MailCounts]
    | CommandRefused
    | StoreUnavailable
)
"""What a command's message promises, or the error for its asker."""


def apply_to_mails(
    connection: Connection,
    commands: Sequence[MailCommand],
    *,
    spool: Spool,
    purge_limit: int = MAIL_PURGE_LIMIT,
) -> list[MailOutcome]:
    """Commit the commands :func:`in one transaction <.transaction.in_one_transaction>`; see there.

    Then removes the files of mails that nobody waits for any longer. That a mail survives a loss of power is
    the engine's matter: see :func:`~.database.open_writer`.
    """
    ended: dict[str, str] = {}

    def execute(commands: Sequence[MailCommand]) -> list[MailOutcome]:
        batch = _Batch(connection, spool, purge_limit, _digests(commands))
        outcomes = [batch.execute(command) for command in commands]
        batch.write()
        ended.update(batch.ended)
        return outcomes

    outcomes = in_one_transaction(connection, commands, execute)
    if ended:
        _remove_files(connection, spool, ended)
    return outcomes


def _digests(commands: Sequence[MailCommand]) -> frozenset[str]:
    return frozenset(command.digest for command in commands if isinstance(command, AcceptMail))


def _remove_files(connection: Connection, spool: Spool, ended: Mapping[str, str]) -> None:
    """Not those of mails that are still owed: their end may have been rolled back.

    Behind the transaction: removing a large file takes longer than others should wait for the write lock.
    """
    with suppress(StoreUnavailable):
        with outages_as_store_unavailable(), connection.begin():
            owed = MailTable(connection, spool).spooled(ended)
        spool.remove(file for mail_id, file in ended.items() if mail_id not in owed)


class _Batch:
    """Collects new mails and results, and writes them before whatever would see them.

    ``ended`` are the files, by mail, of mails that nobody will wait for once this is committed.
    """

    def __init__(
        self, connection: Connection, spool: Spool, purge_limit: int, digests: frozenset[str]
    ) -> None:
        self._table = MailTable(connection, spool)
        self._lists = MailLists(connection)
        self._purge_limit = purge_limit
        self._digests = digests
        self._unconfirmed: dict[str, tuple[str, datetime]] | None = None
        self._accepted: list[Mail] = []
        self._results: list[RecordMailResults] = []
        self._counts: list[AccountCounts] = []
        self._tried: set[str] = set()
        self.ended: dict[str, str] = {}

    def execute(self, command: MailCommand) -> MailOutcome:
        if not isinstance(command, _COLLECTED):
            self.write()
        return _HANDLERS[type(command)](self, command)

    def write(self) -> None:
        """Write all that was collected."""
        accepted, self._accepted = self._accepted, []
        results, self._results = self._results, []
        counts, self._counts = self._counts, []
        self._tried.clear()
        self._table.insert(accepted)
        if results:
            counts += self._settle(results)
        self._table.count(total(counts))

    def _settle(self, results: Sequence[RecordMailResults]) -> list[AccountCounts]:
        owed, files = self._table.owed({command.mail_id for command in results})
        settlement = settle(results, owed)
        self._table.record(settlement.results)
        self._table.reschedule(settlement.rescheduled)
        self._finish(settlement.finished, files)
        self._table.insert(settlement.dsns, is_dsn=True)
        return settlement.counts

    def _finish(self, moments: Mapping[str, datetime], files: Mapping[str, str]) -> None:
        self.ended |= {mail_id: files[mail_id] for mail_id in moments if mail_id in files}
        self._table.finish(moments)

    # What is collected -------------------------------------------------------------------------------

    def accept(self, command: AcceptMail) -> Duplicate | None:
        duplicate = self._duplicate(command)
        if duplicate is None:
            if command.mail.id in self._tried:
                self.write()
            self._accepted.append(command.mail)
        return duplicate

    def _duplicate(self, command: AcceptMail) -> Duplicate | None:
        if self._unconfirmed is None:
            self._unconfirmed = self._table.unconfirmed(self._digests)
        known = self._unconfirmed.pop(command.digest, None)
        if known is None:
            return None
        self.write()
        self._table.forget_unconfirmed(command.digest)
        mail_id, at = known
        # Whoever remembers a mail may not know what has become of it: only what was stored is owed already.
        resent = command.mail.received_at - at <= RESENT_WITHIN and self._table.knows(mail_id)
        return Duplicate(mail_id) if resent else None

    def record(self, command: RecordMailResults) -> None:
        self._results.append(command)
        self._tried.add(command.mail_id)
        if command.dsns:
            self.write()

    def count(self, command: AccountCounts) -> None:
        self._counts.append(command)

    # What is written at once -------------------------------------------------------------------------

    def remember(self, command: RememberUnconfirmed) -> None:
        self._table.remember_unconfirmed(command)
        self._unconfirmed = None

    def mark_notified(self, command: MarkNotified) -> None:
        self._table.mark_notified(command.mail_id)

    def retry(self, command: RetryMails) -> int:
        return self._table.hasten(command.mail_ids, command.at)

    def drop(self, command: DropMails) -> int:
        waiting = self._table.waiting_of(command.mail_ids)
        self._table.drop(waiting)
        self._finish(dict.fromkeys(waiting, command.at), self._table.spooled(waiting))
        return len(waiting)

    def purge(self, command: PurgeMails) -> int:
        return self._table.purge(command.before, self._purge_limit)

    # Questions ---------------------------------------------------------------------------------------

    def due(self, command: FetchDueMails) -> tuple[QueuedMail, ...]:
        return self._table.due(command.now, command.limit, frozenset(command.exclude))

    def page(self, command: ListMails) -> MailPage:
        return self._lists.page(command.state, command.limit, command.offset)

    def backlog(self, _: FetchMailBacklog) -> MailBacklog:
        return self._lists.backlog()

    def counts(self, _: FetchAccountCounts) -> dict[str, MailCounts]:
        return self._lists.counts()


_COLLECTED = (AcceptMail, RecordMailResults, AccountCounts)

_HANDLERS: dict[type[MailCommand], Callable[..., MailOutcome]] = {
    AcceptMail: _Batch.accept,
    RecordMailResults: _Batch.record,
    AccountCounts: _Batch.count,
    RememberUnconfirmed: _Batch.remember,
    MarkNotified: _Batch.mark_notified,
    RetryMails: _Batch.retry,
    DropMails: _Batch.drop,
    PurgeMails: _Batch.purge,
    FetchDueMails: _Batch.due,
    ListMails: _Batch.page,
    FetchMailBacklog: _Batch.backlog,
    FetchAccountCounts: _Batch.counts,
}
