"""A release that needs a second person's approval is kept until somebody decides."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    words = sa.Text
    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        *(sa.Column(name, words, nullable=False) for name in ("author", "at", "note", "reason")),
        sa.Column("base", sa.Integer, nullable=False),
        *(sa.Column(name, words, nullable=False) for name in ("digest", "kinds", "judged", "state")),
        *(sa.Column(name, words, nullable=True) for name in ("decided_by", "decided_at", "why")),
        sa.Column("release", sa.Integer, nullable=True),
    )
    op.create_index("ix_proposal_state", "proposal", ["state", "id"])
    op.create_table(
        "proposal_file",
        sa.Column("proposal", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("path", words, primary_key=True),
        sa.Column("author", words, nullable=False),
        sa.Column("base_release", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("proposal_file")
    op.drop_table("proposal")
