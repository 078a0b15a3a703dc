"""The notification store, and which tasks have their entry.

Revision text is history: it does not follow later changes of the schema module.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision = "0002"
down_revision = "0001"

_LONG_TEXT = sa.Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_BY_BYTES: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    """Create both tables, empty: what was raised before has no entry."""
    _create_notifications()
    _create_alarms()


def _create_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("number", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("task_id", sa.String(64), nullable=False),
        sa.Column("reason", _LONG_TEXT, nullable=False),
        sa.Column("title", _LONG_TEXT, nullable=False),
        sa.Column("msg", _LONG_TEXT, nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("strategy", sa.String(32), nullable=False),
        sa.Column("style", sa.String(32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_notifications"),
        sa.UniqueConstraint("id", name="uq_notifications_id"),
        **_BY_BYTES,
    )
    for columns in (["number"], ["status", "number"], ["status", "type"]):
        op.create_index("_".join(["ix_notifications", *columns]), "notifications", columns)


def _create_alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("task_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name="pk_alarms"),
        **_BY_BYTES,
    )
