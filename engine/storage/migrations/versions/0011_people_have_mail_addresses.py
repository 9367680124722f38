"""People have a mail address: mail to a role goes to whoever has it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("person", sa.Column("mail", sa.Text, nullable=True))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("person") as person:
        person.drop_column("mail")
