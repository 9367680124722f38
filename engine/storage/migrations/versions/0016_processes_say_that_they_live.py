"""Processes say that they live, and what they counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pulse",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("beat_at", sa.Text, nullable=False),
        sa.Column("works", sa.Integer, nullable=False),
        sa.Column("skew", sa.Float, nullable=True),
        sa.Column("stuck_timer", sa.Text, nullable=True),
        sa.Column("stuck_message", sa.Text, nullable=True),
        sa.Column("counted", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("pulse")
