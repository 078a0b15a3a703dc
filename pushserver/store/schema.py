"""The tables. Portable types only: PostgreSQL and MySQL/MariaDB are to read this file too.

Moments are microseconds since 1970 UTC in a ``BigInteger`` (no database agrees with another about time
zones and fractions). Text compares by its bytes everywhere: aliases are case-sensitive.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.mysql import MEDIUMBLOB, MEDIUMTEXT

ID_LENGTH = 64
NAME_LENGTH = 255
"""Most characters in a recipient's alias and in an endpoint's name."""
WORD_LENGTH = 32
"""Most characters in a word of the service's own vocabulary: platforms, strategies, states, …"""

_LONG_TEXT = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
_LONG_BYTES = LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")
_ROW_ID = BigInteger().with_variant(Integer, "sqlite")
# MySQL's and MariaDB's usual collations hold "Ops" and "ops" for the same recipient.
_BY_BYTES: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", String(ID_LENGTH), primary_key=True),
    Column("recipient", String(NAME_LENGTH), nullable=False),
    Column("type", String(WORD_LENGTH), nullable=False),
    Column("strategy", String(WORD_LENGTH), nullable=False),
    Column("platform", String(WORD_LENGTH)),
    Column("style", String(WORD_LENGTH), nullable=False),
    Column("title", _LONG_TEXT, nullable=False),
    Column("msg", _LONG_TEXT, nullable=False),
    Column("status", String(WORD_LENGTH), nullable=False),
    Column("fallback", String(WORD_LENGTH), nullable=False),
    Column("unfinished", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("completed_at", BigInteger),
    **_BY_BYTES,
)
"""One row a task. ``completed_at`` is set exactly when ``status`` is final.

``unfinished`` says in one column what the sweep, a resuming recipient and the purge all ask: not final, or
final with the last line of defence still owed. Partial indexes would do the same, but MySQL has none.
"""

# Each begins with an equality and goes on with the range or the order of one question, so that every
# question costs what it answers, however many finished tasks are kept.
Index(None, tasks.c.unfinished, tasks.c.recipient, tasks.c.created_at)
Index(None, tasks.c.unfinished, tasks.c.created_at)
Index(None, tasks.c.unfinished, tasks.c.completed_at)

attempts = Table(
    "attempts",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("task_id", String(ID_LENGTH), nullable=False, index=True),
    Column("platform", String(WORD_LENGTH), nullable=False),
    Column("target", String(NAME_LENGTH), nullable=False),
    Column("round", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(WORD_LENGTH), nullable=False),
    Column("code", _LONG_TEXT),
    Column("detail", _LONG_TEXT, nullable=False),
    Column("data", _LONG_TEXT),
    Column("only", _LONG_TEXT),
    Column("fallback", Boolean, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("duration", Double, nullable=False),
    Column("called_by", String(NAME_LENGTH)),
    **_BY_BYTES,
)
"""One row an attempt, in the order in which they were made. ``duration`` is seconds.

``called_by`` is set in one row for each call that an endpoint with a rate has made: to its recipient.

``code``, ``data`` (what only some verdicts carry) and ``only`` are JSON, and null when there is nothing to
say: a vendor's ``30`` and ``"30"`` stay two things.
"""

# The one partial index: endpoints without a rate, which may be flooded, must not pay for it. MySQL has none
# and indexes all rows.
_IS_CALL = attempts.c.called_by.is_not(None)
Index(
    None,
    attempts.c.called_by,
    attempts.c.platform,
    attempts.c.target,
    attempts.c.started_at,
    sqlite_where=_IS_CALL,
    postgresql_where=_IS_CALL,
)

resumptions = Table(
    "resumptions",
    metadata,
    Column("task_id", String(ID_LENGTH), primary_key=True),
    Column("platform", String(WORD_LENGTH), primary_key=True),
    Column("target", String(NAME_LENGTH), primary_key=True),
    Column("times", Integer, nullable=False),
    **_BY_BYTES,
)
"""How often a process died with an attempt at this target in its hands."""

backlog = Table(
    "backlog",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("tasks", BigInteger, nullable=False),
    **_BY_BYTES,
)
"""One row, ``id`` 1: how many tasks are not final. Counting them for every push would cost the backlog."""

notifications = Table(
    "notifications",
    metadata,
    Column("number", _ROW_ID, primary_key=True, autoincrement=True),
    Column("id", String(ID_LENGTH), nullable=False, unique=True),
    Column("task_id", String(ID_LENGTH), nullable=False),
    Column("reason", _LONG_TEXT, nullable=False),
    Column("title", _LONG_TEXT, nullable=False),
    Column("msg", _LONG_TEXT, nullable=False),
    Column("type", String(WORD_LENGTH), nullable=False),
    Column("strategy", String(WORD_LENGTH), nullable=False),
    Column("style", String(WORD_LENGTH), nullable=False),
    Column("status", String(WORD_LENGTH), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    **_BY_BYTES,
)
"""One row an entry. ``number`` is their order: a clock that was set back must not age a new alarm."""

# Pages and statistics are found in these alone: walking the messages costs forty times as much.
Index(None, notifications.c.number)
Index(None, notifications.c.status, notifications.c.number)
Index(None, notifications.c.status, notifications.c.type)

alarms = Table(
    "alarms",
    metadata,
    Column("task_id", String(ID_LENGTH), primary_key=True),
    **_BY_BYTES,
)
"""One row a task that has, or had, an entry in ``notifications``; it goes with the task.

A last line of defence that is raised again after a crash must not bring back what an operator has deleted.
"""

mails = Table(
    "mails",
    metadata,
    Column("number", _ROW_ID, primary_key=True, autoincrement=True),
    Column("id", String(ID_LENGTH), nullable=False, unique=True),
    Column("sender", _LONG_TEXT, nullable=False),
    Column("subject", _LONG_TEXT, nullable=False),
    Column("message_id", _LONG_TEXT, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("spool", String(NAME_LENGTH)),
    Column("received_at", BigInteger, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Column("next_try_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("notified", Boolean, nullable=False),
    Column("is_dsn", Boolean, nullable=False),
    **_BY_BYTES,
)
"""One row a mail; ``number`` is their order.

``waiting``: somebody of the envelope is still owed it. Exactly then ``next_try_at`` is set, ``finished_at``
is null, and there is content: a row of ``mail_contents``, or a file of this name in the ``spool``.
"""

# As for tasks: an equality, then the range or the order of one question.
Index(None, mails.c.waiting, mails.c.next_try_at)
Index(None, mails.c.waiting, mails.c.received_at)
Index(None, mails.c.waiting, mails.c.finished_at)

mail_contents = Table(
    "mail_contents",
    metadata,
    Column("mail_id", String(ID_LENGTH), primary_key=True),
    Column("content", _LONG_BYTES, nullable=False),
    **_BY_BYTES,
)
"""Apart from ``mails``: a retry must not write a message again, and a list must not read it."""

mail_recipients = Table(
    "mail_recipients",
    metadata,
    Column("mail_id", String(ID_LENGTH), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("address", _LONG_TEXT, nullable=False),
    Column("state", String(WORD_LENGTH), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("last_code", Integer),
    Column("last_reason", _LONG_TEXT, nullable=False),
    Column("account", String(NAME_LENGTH), nullable=False),
    **_BY_BYTES,
)
"""One row a recipient of an envelope; ``place`` is its place there, from 0."""

Index(None, mail_recipients.c.state, mail_recipients.c.mail_id)

unconfirmed_mails = Table(
    "unconfirmed_mails",
    metadata,
    Column("digest", String(NAME_LENGTH), primary_key=True),
    Column("mail_id", String(ID_LENGTH), nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    **_BY_BYTES,
)
"""One row a mail whose client may not know that it was accepted, for ten minutes from ``at``."""

account_counts = Table(
    "account_counts",
    metadata,
    Column("account", String(NAME_LENGTH), primary_key=True),
    Column("sent", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    **_BY_BYTES,
)
"""One row an account of the relay that ever counted a mail."""
