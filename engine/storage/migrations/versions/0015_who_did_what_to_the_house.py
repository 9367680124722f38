"""Sign-ins, refusals, downloads and changes of rights are kept in a chain of their own, which may be cut honestly."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TEXTS = ("at", "kind", "person", "address", "about", "detail")
_INDEXED = ("kind", "person", "address", "about", "at")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "security_log",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _TEXTS),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    for name in _INDEXED:
        op.create_index(f"ix_security_{name}", "security_log", [name, "id"])
    op.create_table(
        "security_sink",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("lease", sa.Text, nullable=True),
    )
    op.add_column("chain_head", sa.Column("start_id", sa.Integer, nullable=False, server_default="0"))
    op.add_column("chain_head", sa.Column("start_hash", sa.LargeBinary, nullable=True))
    heads = sa.table("chain_head", *(sa.column(name) for name in ("chain", "id", "hash", "start_hash")))
    op.bulk_insert(heads, [{"chain": "security_log", "id": 0, "hash": bytes(32), "start_hash": bytes(32)}])
    op.get_bind().execute(sa.update(heads).values(start_hash=bytes(32)))
    with op.batch_alter_table("chain_head") as changed:
        changed.alter_column("start_hash", existing_type=sa.LargeBinary, nullable=False)


def downgrade() -> None:
    """Take back."""
    op.execute("DELETE FROM chain_head WHERE chain = 'security_log'")
    with op.batch_alter_table("chain_head") as changed:
        changed.drop_column("start_id")
        changed.drop_column("start_hash")
    op.drop_table("security_sink")
    op.drop_table("security_log")
