"""Which attempts were calls at vendors whose calls are counted, and by whom.

Revision text is history: it does not follow later changes of the schema module.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column, empty: what was called before is of no interest a minute later."""
    op.add_column("attempts", sa.Column("called_by", sa.String(255)))
    op.create_index(
        "ix_attempts_called_by_platform_target_started_at",
        "attempts",
        ["called_by", "platform", "target", "started_at"],
        sqlite_where=sa.text("called_by IS NOT NULL"),
        postgresql_where=sa.text("called_by IS NOT NULL"),
    )
