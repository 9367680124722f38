"""A case knows the case that opened it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("cases", sa.Column("parent", sa.Text, nullable=True))
    where = sa.text("parent IS NOT NULL")
    op.create_index("ix_cases_parent", "cases", ["parent"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_cases_parent", "cases")
    op.drop_column("cases", "parent")
