"""Work lists begin with what is urgent: a task's rank stands before its due time in their indexes.

Tasks that are open already stay ordinary until ``run.py rebuild`` reads their cases' histories.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_DUE = ["due_at", "case_id", "task"]
_LISTS = {
    "ix_task_open": (["claimed_by", "role", "skill", "department"], "state = 'open' AND opened_at > ''"),
    "ix_task_mine": (["claimed_by"], "state = 'open' AND claimed_by IS NOT NULL"),
    "ix_task_due": ([], "state = 'open' AND process > ''"),
}


def _indexes(before: list[str]) -> None:
    for name, (columns, condition) in _LISTS.items():
        op.drop_index(name, "task")
        where = sa.text(condition)
        op.create_index(name, "task", [*columns, *before, *_DUE], sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    """Apply."""
    op.add_column("task", sa.Column("rank", sa.Integer(), nullable=False, server_default="1"))
    _indexes(["rank"])


def downgrade() -> None:
    """Take back."""
    _indexes([])
    op.drop_column("task", "rank")
