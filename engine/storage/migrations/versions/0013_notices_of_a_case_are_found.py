"""The notices of a case are found without a look at all of them."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_index("ix_notice_case", "notice", ["case_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_notice_case", "notice")
