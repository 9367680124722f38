"""Of a message to several people it is kept who has it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("outbox", sa.Column("received", sa.Text, nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_column("received")
