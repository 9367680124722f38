"""Facts that reports count by, and closed cases by the instant of their close.

Cases recorded before this revision get their facts from ``run.py rebuild``.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "case_fact",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq", "name"),
        sqlite_with_rowid=False,
    )
    closed = sa.text("closed_at IS NOT NULL")
    op.create_index(
        "ix_cases_closed", "cases", ["closed_at", "id"], sqlite_where=closed, postgresql_where=closed
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_cases_closed", "cases")
    op.drop_table("case_fact")
