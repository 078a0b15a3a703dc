"""The questions about mails that need none of their content, on a connection of whomever."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, Select, bindparam, func, select, true

from pushserver.domain.mail import MailBacklog, MailCounts, MailPage, MailRecipient, MailState
from pushserver.store import mail_codec
from pushserver.store.schema import account_counts, mail_recipients, mails

# Built once: see the statements about tasks.

_WAITING = mails.c.waiting == true()

_COUNT = select(func.count()).select_from(mails)
_COUNT_WAITING = _COUNT.where(_WAITING)
_OLDEST = select(func.min(mails.c.received_at)).where(_WAITING)
_NEXT = select(func.min(mails.c.next_try_at)).where(_WAITING)

_IN_STATE = mails.c.id.in_(
    select(mail_recipients.c.mail_id).where(mail_recipients.c.state == bindparam("in_state"))
)
_COUNT_IN_STATE = _COUNT.where(_IN_STATE)


def _page_of(rows: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    return rows.order_by(mails.c.number.desc()).limit(bindparam("most")).offset(bindparam("skipped"))


_PAGE = _page_of(select(mails))
_PAGE_IN_STATE = _page_of(select(mails).where(_IN_STATE))
_RECIPIENTS = (
    select(mail_recipients)
    .where(mail_recipients.c.mail_id.in_(bindparam("mail_ids", expanding=True)))
    .order_by(mail_recipients.c.mail_id, mail_recipients.c.place)
)
_COUNTS = select(account_counts)


class MailLists:
    """Commits nothing and catches nothing; in a transaction all answers are of the same moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, state: MailState | None, limit: int, offset: int) -> MailPage:
        """Up to ``limit`` mails, newest first, behind ``offset`` others.

        Those with a recipient in ``state``; ``None``: all.
        """
        of_state = {} if state is None else {"in_state": state.value}
        count, page = (_COUNT, _PAGE) if state is None else (_COUNT_IN_STATE, _PAGE_IN_STATE)
        total = self._connection.execute(count, of_state).scalar_one()
        rows = self._connection.execute(page, {"most": limit, "skipped": offset} | of_state).all()
        recipients = recipients_of(self._connection, [row.id for row in rows])
        return MailPage(tuple(mail_codec.listed_from_row(row, recipients[row.id]) for row in rows), total)

    def backlog(self) -> MailBacklog:
        """The mails that somebody waits for, in figures."""
        return MailBacklog(
            self._connection.execute(_COUNT_WAITING).scalar_one(),
            mail_codec.moment_or_none(self._connection.execute(_OLDEST).scalar_one()),
            mail_codec.moment_or_none(self._connection.execute(_NEXT).scalar_one()),
        )

    def counts(self) -> dict[str, MailCounts]:
        """The counters of every account that ever counted."""
        rows = self._connection.execute(_COUNTS)
        return {row.account: MailCounts(row.sent, row.failed) for row in rows}


def recipients_of(connection: Connection, mail_ids: Sequence[str]) -> defaultdict[str, list[MailRecipient]]:
    """Everybody in the envelopes of these mails, by mail, in the envelope's order."""
    found: defaultdict[str, list[MailRecipient]] = defaultdict(list)
    for row in connection.execute(_RECIPIENTS, {"mail_ids": mail_ids}):
        found[row.mail_id].append(mail_codec.recipient_from_row(row))
    return found
