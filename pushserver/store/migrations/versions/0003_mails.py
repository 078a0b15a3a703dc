"""The mails of the relay, what their clients may not know, and the accounts' counters.

Revision text is history: it does not follow later changes of the schema module.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMBLOB, MEDIUMTEXT

revision = "0003"
down_revision = "0002"

_LONG_TEXT = sa.Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
_LONG_BYTES = sa.LargeBinary().with_variant(MEDIUMBLOB(), "mysql", "mariadb")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_BY_BYTES: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    """Create the tables, empty."""
    _create_mails()
    _create_contents()
    _create_recipients()
    _create_unconfirmed()
    _create_counts()


def _create_mails() -> None:
    op.create_table(
        "mails",
        sa.Column("number", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("sender", _LONG_TEXT, nullable=False),
        sa.Column("subject", _LONG_TEXT, nullable=False),
        sa.Column("message_id", _LONG_TEXT, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("spool", sa.String(255)),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("waiting", sa.Boolean, nullable=False),
        sa.Column("next_try_at", sa.BigInteger),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("notified", sa.Boolean, nullable=False),
        sa.Column("is_dsn", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_mails"),
        sa.UniqueConstraint("id", name="uq_mails_id"),
        **_BY_BYTES,
    )
    for column in ("next_try_at", "received_at", "finished_at"):
        op.create_index(f"ix_mails_waiting_{column}", "mails", ["waiting", column])


def _create_contents() -> None:
    op.create_table(
        "mail_contents",
        sa.Column("mail_id", sa.String(64), nullable=False),
        sa.Column("content", _LONG_BYTES, nullable=False),
        sa.PrimaryKeyConstraint("mail_id", name="pk_mail_contents"),
        **_BY_BYTES,
    )


def _create_recipients() -> None:
    op.create_table(
        "mail_recipients",
        sa.Column("mail_id", sa.String(64), nullable=False),
        sa.Column("place", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("address", _LONG_TEXT, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("last_code", sa.Integer),
        sa.Column("last_reason", _LONG_TEXT, nullable=False),
        sa.Column("account", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("mail_id", "place", name="pk_mail_recipients"),
        **_BY_BYTES,
    )
    op.create_index("ix_mail_recipients_state_mail_id", "mail_recipients", ["state", "mail_id"])


def _create_unconfirmed() -> None:
    op.create_table(
        "unconfirmed_mails",
        sa.Column("digest", sa.String(255), nullable=False),
        sa.Column("mail_id", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_unconfirmed_mails"),
        **_BY_BYTES,
    )
    op.create_index("ix_unconfirmed_mails_at", "unconfirmed_mails", ["at"])


def _create_counts() -> None:
    op.create_table(
        "account_counts",
        sa.Column("account", sa.String(255), nullable=False),
        sa.Column("sent", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_account_counts"),
        **_BY_BYTES,
    )
