"""Duplicates are found from both sides: which case was said to be that of another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_WHERE = sa.text("name = 'duplicate_of'")


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_fact_duplicate", "case_fact", ["value"], sqlite_where=_WHERE, postgresql_where=_WHERE)


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_fact_duplicate", "case_fact")
