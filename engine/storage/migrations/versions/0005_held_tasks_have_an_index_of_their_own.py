"""The index of held tasks holds held tasks only: a task that nobody has claimed writes one page less."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = ["claimed_by", "due_at", "case_id", "task"]


def _replace(condition: str) -> None:
    where = sa.text(condition)
    op.drop_index("ix_task_mine", "task")
    op.create_index("ix_task_mine", "task", _COLUMNS, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    """Apply."""
    _replace("state = 'open' AND claimed_by IS NOT NULL")


def downgrade() -> None:
    """Take back."""
    _replace("state = 'open' AND element > ''")
