"""Tasks, their attempts and resumptions, and the backlog.

Revision text is history: it does not follow later changes of the schema module.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision = "0001"
down_revision = None

_LONG_TEXT = sa.Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_BY_BYTES: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    """Create the first tables and the backlog's one row."""
    _create_tasks()
    _create_attempts()
    _create_resumptions()
    _create_backlog()


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("recipient", sa.String(255), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("strategy", sa.String(32), nullable=False),
        sa.Column("platform", sa.String(32)),
        sa.Column("style", sa.String(32), nullable=False),
        sa.Column("title", _LONG_TEXT, nullable=False),
        sa.Column("msg", _LONG_TEXT, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("fallback", sa.String(32), nullable=False),
        sa.Column("unfinished", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("completed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        **_BY_BYTES,
    )
    for columns in (["recipient", "created_at"], ["created_at"], ["completed_at"]):
        op.create_index("_".join(["ix_tasks_unfinished", *columns]), "tasks", ["unfinished", *columns])


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("task_id", sa.String(64), nullable=False),
        sa.Column("platform", sa.String(32), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("code", _LONG_TEXT),
        sa.Column("detail", _LONG_TEXT, nullable=False),
        sa.Column("data", _LONG_TEXT),
        sa.Column("only", _LONG_TEXT),
        sa.Column("fallback", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        **_BY_BYTES,
    )
    op.create_index("ix_attempts_task_id", "attempts", ["task_id"])


def _create_resumptions() -> None:
    op.create_table(
        "resumptions",
        sa.Column("task_id", sa.String(64), nullable=False),
        sa.Column("platform", sa.String(32), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "platform", "target", name="pk_resumptions"),
        **_BY_BYTES,
    )


def _create_backlog() -> None:
    backlog = op.create_table(
        "backlog",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("tasks", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_backlog"),
        **_BY_BYTES,
    )
    op.execute(backlog.insert().values(id=1, tasks=0))
