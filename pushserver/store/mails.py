"""The statements about mails, on a connection whose transaction is the caller's."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, false, func, insert, null, select, true, update

from pushserver.domain.mail import (
    Mail,
    MailContent,
    MailCounts,
    MailResult,
    QueuedMail,
    RememberUnconfirmed,
    SpooledContent,
)
from pushserver.store import codec, mail_codec, prepared
from pushserver.store.mail_lists import recipients_of
from pushserver.store.schema import (
    account_counts,
    mail_contents,
    mail_recipients,
    mails,
    unconfirmed_mails,
)
from pushserver.store.spool import Spool

RESENT_WITHIN = timedelta(minutes=10)
"""How long a client that heard nothing is expected to send its mail again."""

# Built once: see the statements about tasks.

_WAITING = mails.c.waiting == true()
_THIS_MAIL = mails.c.id == bindparam("of_mail")
_THESE_MAILS = mails.c.id.in_(bindparam("mail_ids", expanding=True))
_STILL_OWED = mail_recipients.c.state == "waiting"

_INSERT_MAIL = insert(mails)
_INSERT_CONTENT = insert(mail_contents)
_INSERT_RECIPIENT = insert(mail_recipients)

_OWED = (
    select(mail_recipients.c.mail_id, mail_recipients.c.address, mails.c.spool)
    .join(mails, mails.c.id == mail_recipients.c.mail_id)
    .where(mail_recipients.c.mail_id == bindparam("of_mail"), _STILL_OWED)
)
_RECORD_RESULT = (
    update(mail_recipients)
    .where(
        mail_recipients.c.mail_id == bindparam("of_mail"),
        mail_recipients.c.address == bindparam("of_address"),
        _STILL_OWED,
    )
    .values(
        state=bindparam("new_state"),
        tries=mail_recipients.c.tries + 1,
        last_code=bindparam("code"),
        last_reason=bindparam("reason"),
        account=bindparam("by_account"),
    )
)
_DROP_RECIPIENTS = (
    update(mail_recipients)
    .where(mail_recipients.c.mail_id == bindparam("of_mail"), _STILL_OWED)
    .values(state="dropped")
)
_RESCHEDULE = update(mails).where(_THIS_MAIL, _WAITING).values(next_try_at=bindparam("at"))
_HASTEN_ALL = (
    update(mails).where(_WAITING, mails.c.next_try_at > bindparam("at")).values(next_try_at=bindparam("at"))
)
_HASTEN_THIS = _HASTEN_ALL.where(_THIS_MAIL)
_MARK_NOTIFIED = update(mails).where(_THIS_MAIL).values(notified=True)
_FINISH = (
    update(mails)
    .where(_THIS_MAIL, _WAITING)
    .values(waiting=False, next_try_at=null(), finished_at=bindparam("at"), spool=null())
)
_DELETE_CONTENT = delete(mail_contents).where(mail_contents.c.mail_id == bindparam("of_mail"))

_DUE = (
    select(mails.c.id)
    .where(_WAITING, mails.c.next_try_at <= bindparam("now"))
    .order_by(mails.c.next_try_at, mails.c.number)
    .limit(bindparam("most"))
)
_FETCH = (
    select(mails, mail_contents.c.content)
    .outerjoin(mail_contents, mail_contents.c.mail_id == mails.c.id)
    .where(_THESE_MAILS)
)
_COUNT_WAITING = select(func.count()).select_from(mails).where(_WAITING)
_WAITING_OF = select(mails.c.id).where(_THESE_MAILS, _WAITING)
_SPOOLED = select(mails.c.id, mails.c.spool).where(_WAITING, mails.c.spool.is_not(null()))
_SPOOLED_OF = _SPOOLED.where(_THESE_MAILS)

_PURGEABLE = (
    select(mails.c.id)
    .where(mails.c.waiting == false(), mails.c.finished_at < bindparam("before"))
    .order_by(mails.c.finished_at, mails.c.number)
    .limit(bindparam("most"))
)
_DELETES = [
    delete(mail_recipients).where(mail_recipients.c.mail_id == bindparam("of_mail")),
    delete(mails).where(_THIS_MAIL),
]

_THIS_DIGEST = unconfirmed_mails.c.digest == bindparam("of_digest")
_INSERT_UNCONFIRMED = insert(unconfirmed_mails)
_FORGET = delete(unconfirmed_mails).where(_THIS_DIGEST)
_FORGET_OLD = delete(unconfirmed_mails).where(unconfirmed_mails.c.at < bindparam("before"))
_UNCONFIRMED = select(unconfirmed_mails.c.digest, unconfirmed_mails.c.mail_id, unconfirmed_mails.c.at).where(
    _THIS_DIGEST
)
_KNOWN = select(mails.c.number).where(_THIS_MAIL)

_ADD_COUNTS = (
    update(account_counts)
    .where(account_counts.c.account == bindparam("of_account"))
    .values(
        sent=account_counts.c.sent + bindparam("more_sent"),
        failed=account_counts.c.failed + bindparam("more_failed"),
    )
)
_INSERT_COUNTS = insert(account_counts)


class MailTable:
    """What becomes of mails, what clients may not know of them, and the accounts' counters.

    Commits nothing and catches nothing: every method is a statement or some in the transaction that the
    connection is in. No file is removed; ``spool`` only says where they are.
    """

    def __init__(self, connection: Connection, spool: Spool) -> None:
        self._connection = connection
        self._spool = spool

    # Accepting; what is empty costs nothing ----------------------------------------------------------

    def insert(self, accepted: Sequence[Mail], *, is_dsn: bool = False) -> None:
        """Store new mails, due at once. Raises ``ValueError`` for content that is not in the spool."""
        if not accepted:
            return
        if any(not mail.recipients for mail in accepted):
            raise ValueError("a mail has nobody in its envelope; expected at least one recipient")
        contents = [
            {"mail_id": mail.id, "content": mail.content}
            for mail in accepted
            if not isinstance(mail.content, SpooledContent)
        ]
        rows = [mail_codec.mail_to_row(mail, self._file_of(mail), is_dsn=is_dsn) for mail in accepted]
        recipients = [row for mail in accepted for row in mail_codec.recipients_to_rows(mail)]
        prepared.write(self._connection, _INSERT_MAIL, rows)
        prepared.write(self._connection, _INSERT_RECIPIENT, recipients)
        prepared.write(self._connection, _INSERT_CONTENT, contents)

    def _file_of(self, mail: Mail) -> str | None:
        return self._spool.name_of(mail.content) if isinstance(mail.content, SpooledContent) else None

    def remember_unconfirmed(self, unconfirmed: RememberUnconfirmed) -> None:
        """Remember this one, anew if need be, and forget those that are too old."""
        self._connection.execute(
            _FORGET_OLD, {"before": codec.to_microseconds(unconfirmed.at - RESENT_WITHIN)}
        )
        self.forget_unconfirmed(unconfirmed.digest)
        row = {
            "digest": unconfirmed.digest,
            "mail_id": unconfirmed.mail_id,
            "at": codec.to_microseconds(unconfirmed.at),
        }
        self._connection.execute(_INSERT_UNCONFIRMED, row)

    def forget_unconfirmed(self, digest: str) -> None:
        """The client has sent it again."""
        self._connection.execute(_FORGET, {"of_digest": digest})

    def unconfirmed(self, digests: Iterable[str]) -> dict[str, tuple[str, datetime]]:
        """The id of the mail and the moment, by digest, of those of these that are known."""
        rows = prepared.read(self._connection, _UNCONFIRMED, ({"of_digest": digest} for digest in digests))
        return {digest: (mail_id, codec.from_microseconds(at)) for digest, mail_id, at in rows}

    def knows(self, mail_id: str) -> bool:
        """Whether this mail was stored, and not purged since."""
        return self._connection.execute(_KNOWN, {"of_mail": mail_id}).first() is not None

    # Results -----------------------------------------------------------------------------------------

    def owed(self, mail_ids: Iterable[str]) -> tuple[dict[str, set[str]], dict[str, str]]:
        """Who still waits for these, and the files in the spool of those that anybody waits for; by mail."""
        waiting: defaultdict[str, set[str]] = defaultdict(set)
        files: dict[str, str] = {}
        these = ({"of_mail": mail_id} for mail_id in mail_ids)
        for mail_id, address, spool in prepared.read(self._connection, _OWED, these):
            waiting[mail_id].add(address)
            if spool is not None:
                files[mail_id] = spool
        return dict(waiting), files

    def record(self, results: Sequence[tuple[str, MailResult]]) -> None:
        """Store results, each with the id of its mail, for those who still wait."""
        rows = [mail_codec.result_to_parameters(mail_id, result) for mail_id, result in results]
        prepared.write(self._connection, _RECORD_RESULT, rows)

    def reschedule(self, moments: Mapping[str, datetime]) -> None:
        """When these mails are to be tried again, if anybody waits for them."""
        if moments:
            self._connection.execute(_RESCHEDULE, _moments_to_rows(moments))

    def finish(self, moments: Mapping[str, datetime]) -> None:
        """Nobody waits for these mails any longer; their content goes, apart from files in the spool."""
        prepared.write(self._connection, _FINISH, _moments_to_rows(moments))
        prepared.write(self._connection, _DELETE_CONTENT, [{"of_mail": mail_id} for mail_id in moments])

    def mark_notified(self, mail_id: str) -> None:
        """An operator has been told of this mail."""
        self._connection.execute(_MARK_NOTIFIED, {"of_mail": mail_id})

    def drop(self, mail_ids: Iterable[str]) -> None:
        """Give these up for whoever still waits for them."""
        if rows := [{"of_mail": mail_id} for mail_id in mail_ids]:
            self._connection.execute(_DROP_RECIPIENTS, rows)

    def hasten(self, mail_ids: Iterable[str] | None, at: datetime) -> int:
        """Try these, or all, at ``at`` at the latest. Returns how many of them somebody waits for."""
        moment = codec.to_microseconds(at)
        if mail_ids is None:
            self._connection.execute(_HASTEN_ALL, {"at": moment})
            waiting_in_all: int = self._connection.execute(_COUNT_WAITING).scalar_one()
            return waiting_in_all
        waiting = self.waiting_of(mail_ids)
        if waiting:
            self._connection.execute(
                _HASTEN_THIS, [{"of_mail": mail_id, "at": moment} for mail_id in waiting]
            )
        return len(waiting)

    def waiting_of(self, mail_ids: Iterable[str]) -> list[str]:
        """Those of these mails that somebody waits for."""
        return [*self._connection.execute(_WAITING_OF, {"mail_ids": list(mail_ids)}).scalars()]

    def purge(self, before: datetime, most: int) -> int:
        """Delete up to ``most`` mails finished before ``before``, oldest first. Returns how many went."""
        found = self._connection.execute(
            _PURGEABLE, {"before": codec.to_microseconds(before), "most": most}
        ).scalars()
        if rows := [{"of_mail": mail_id} for mail_id in found]:
            for statement in _DELETES:
                self._connection.execute(statement, rows)
        return len(rows)

    # Counters ----------------------------------------------------------------------------------------

    def count(self, counts: Mapping[str, MailCounts]) -> None:
        """Add to the accounts' counters."""
        for name, (sent, failed) in counts.items():
            account = codec.storable(name)
            added = {"of_account": account, "more_sent": sent, "more_failed": failed}
            if not prepared.write(self._connection, _ADD_COUNTS, [added]):
                row = {"account": account, "sent": sent, "failed": failed}
                self._connection.execute(_INSERT_COUNTS, row)

    # Reading -----------------------------------------------------------------------------------------

    def due(self, now: datetime, limit: int, exclude: AbstractSet[str]) -> tuple[QueuedMail, ...]:
        """Up to ``limit`` mails to be tried at ``now``, but none of ``exclude``, the longest due first."""
        window = {"now": codec.to_microseconds(now), "most": limit + len(exclude)}
        due = self._connection.execute(_DUE, window).scalars()
        wanted = [mail_id for mail_id in due if mail_id not in exclude][:limit]
        if not wanted:
            return ()
        found = {row.id: row for row in self._connection.execute(_FETCH, {"mail_ids": wanted})}
        recipients = recipients_of(self._connection, wanted)
        return tuple(
            mail_codec.queued_from_row(found[mail_id], recipients[mail_id], self._content_of(found[mail_id]))
            for mail_id in wanted
        )

    def _content_of(self, row: Row[Any]) -> MailContent:
        content: bytes = row.content
        return content if row.spool is None else self._spool.locate(row.spool)

    def spooled(self, mail_ids: Iterable[str] | None = None) -> dict[str, str]:
        """The files of these mails, or of all, by the mail's id; of those that somebody waits for."""
        if mail_ids is None:
            rows = self._connection.execute(_SPOOLED)
        else:
            rows = self._connection.execute(_SPOOLED_OF, {"mail_ids": list(mail_ids)})
        return {row.id: row.spool for row in rows}


def _moments_to_rows(moments: Mapping[str, datetime]) -> list[codec.Parameters]:
    return [{"of_mail": mail_id, "at": codec.to_microseconds(moment)} for mail_id, moment in moments.items()]
