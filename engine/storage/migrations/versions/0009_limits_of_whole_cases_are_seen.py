"""Limits of whole cases are seen: a task is due by the earliest limit it is under, and notices have a topic.

Open tasks get their due time from the rows of clocks. Which sub-process a limit is on stands in histories alone: a
task beside such a sub-process, not in it, is right again after the next change of its case's clocks, or after
``run.py rebuild``. Limits of whole cases that have passed already were told to nobody: now they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

#: limits of the task itself, of the whole case, and of what is no open task: the sub-processes
_DUE = """
UPDATE task SET due_at = (
    SELECT min(clock.due) FROM sla_clock AS clock
    WHERE clock.case_id = task.case_id AND clock.state IN ('running', 'breached') AND (
        clock.task IS NULL OR clock.task = task.task OR NOT EXISTS (
            SELECT 1 FROM task AS other
            WHERE other.case_id = clock.case_id AND other.task = clock.task AND other.state = 'open'
        )
    )
) WHERE state = 'open'
"""
#: as before: the task's own, else those of sub-processes
_OLD_DUE = """
UPDATE task SET due_at = coalesce(
    (SELECT min(clock.due) FROM sla_clock AS clock
     WHERE clock.case_id = task.case_id AND clock.state IN ('running', 'breached') AND clock.task = task.task),
    (SELECT min(clock.due) FROM sla_clock AS clock
     WHERE clock.case_id = task.case_id AND clock.state IN ('running', 'breached') AND clock.task IS NOT NULL
       AND NOT EXISTS (
           SELECT 1 FROM task AS other
           WHERE other.case_id = clock.case_id AND other.task = clock.task AND other.state = 'open'
       ))
) WHERE state = 'open'
"""
_TELL = """
INSERT INTO notice (case_id, role, text, at, level, topic)
SELECT clock.case_id, :role, clock.parameter, clock.breached_at, 'breach', clock.parameter || '/breach'
FROM sla_clock AS clock JOIN cases ON cases.id = clock.case_id
WHERE clock.task IS NULL AND clock.state = 'breached' AND cases.state = 'open'
ORDER BY clock.breached_at, clock.case_id
"""


def upgrade() -> None:
    """Apply."""
    op.drop_index("ix_clock_parameter", "sla_clock")
    op.create_index("ix_clock_parameter", "sla_clock", ["parameter", "state", "due", "case_id", "clock"])
    op.add_column("notice", sa.Column("topic", sa.Text, nullable=True))
    op.execute(_DUE)
    for role in ("supervisor", "manager"):
        op.execute(sa.text(_TELL).bindparams(role=role))


def downgrade() -> None:
    """Take back."""
    op.execute("DELETE FROM notice WHERE topic IS NOT NULL")
    op.execute(_OLD_DUE)
    op.drop_column("notice", "topic")
    op.drop_index("ix_clock_parameter", "sla_clock")
    op.create_index("ix_clock_parameter", "sla_clock", ["parameter", "state"])
