"""Sessions, failed attempts and second steps of people are kept; people have teams and ids elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_NEW = ("teams", "external_id", "password_until")


def upgrade() -> None:
    """Apply."""
    words, number = sa.Text, sa.Integer
    for name in _NEW:
        op.add_column("person", sa.Column(name, words, nullable=True))
    op.add_column("person", sa.Column("must_change", number, nullable=True))
    op.create_index("ix_person_external", "person", ["external_id"], unique=True)
    op.create_table(
        "session",
        sa.Column("id", words, primary_key=True),
        sa.Column("person", words, nullable=False),
        sa.Column("generation", number, nullable=False),
        *(sa.Column(name, words, nullable=False) for name in ("started_at", "last_at", "address", "browser")),
    )
    op.create_index("ix_session_person", "session", ["person"])
    op.create_table(
        "attempt",
        sa.Column("key", words, primary_key=True),
        sa.Column("kind", words, nullable=False),
        sa.Column("account", words, nullable=True),
        sa.Column("address", words, nullable=True),
        sa.Column("failures", number, nullable=False),
        sa.Column("at", words, nullable=False),
    )
    op.create_index("ix_attempt_account", "attempt", ["account"])
    op.create_index("ix_attempt_at", "attempt", ["at"])
    op.create_table(
        "second_step",
        sa.Column("person", words, primary_key=True),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("since", words, nullable=True),
        sa.Column("last_step", number, nullable=False),
    )
    op.create_table(
        "recovery_code",
        sa.Column("person", words, primary_key=True),
        sa.Column("digest", words, primary_key=True),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("recovery_code", "second_step", "attempt", "session"):
        op.drop_table(table)
    op.drop_index("ix_person_external", "person")
    with op.batch_alter_table("person") as person:
        for name in (*_NEW, "must_change"):
            person.drop_column(name)
