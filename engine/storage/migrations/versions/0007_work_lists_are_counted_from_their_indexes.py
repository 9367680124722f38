"""Work lists are counted from their indexes alone: these hold the state, and their conditions name own columns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ORDER = ["rank", "due_at", "case_id", "task"]
_BEGIN = {
    "ix_task_open": ["claimed_by", "role", "skill", "department"],
    "ix_task_mine": ["claimed_by"],
    "ix_task_due": [],
}
_NEW = {
    "ix_task_open": "state = 'open' AND task >= 0",
    "ix_task_mine": "state = 'open' AND claimed_by IS NOT NULL",
    "ix_task_due": "state = 'open' AND case_id > ''",
}
_OLD = _NEW | {
    "ix_task_open": "state = 'open' AND opened_at > ''",
    "ix_task_due": "state = 'open' AND process > ''",
}


def _indexes(conditions: dict[str, str], last: list[str]) -> None:
    for name, condition in conditions.items():
        op.drop_index(name, "task")
        where = sa.text(condition)
        columns = [*_BEGIN[name], *_ORDER, *last]
        op.create_index(name, "task", columns, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    """Apply."""
    _indexes(_NEW, ["state"])


def downgrade() -> None:
    """Take back."""
    _indexes(_OLD, [])
