"""Looks at cases and verifications are chained; a log with checkpoints says what was true when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COLUMNS = ("at", "person", "case_id", "what")
_AT_ONCE = 1000
_VIEWS = sa.table("view_log", *(sa.column(name) for name in ("id", *_COLUMNS, "format", "hash")))
_MORE = sa.select(_VIEWS).where(_VIEWS.c.id > sa.bindparam("after")).order_by(_VIEWS.c.id).limit(_AT_ONCE)
_CHAINED = (
    sa.update(_VIEWS).where(_VIEWS.c.id == sa.bindparam("b_id")).values(format=0, hash=sa.bindparam("b_hash"))
)


def upgrade() -> None:
    """Apply. Looks that were noted so far get hashes as of now; what was changed before does not show."""
    blob, number, words = sa.LargeBinary, sa.Integer, sa.Text
    op.add_column("view_log", sa.Column("format", number, nullable=True))
    op.add_column("view_log", sa.Column("hash", blob, nullable=True))
    last, digest = 0, bytes(32)
    for rows in _in_parts():
        made = []
        for row in rows:
            told = {
                "chain": "view_log",
                "format": 0,
                "id": row["id"],
                **{name: row[name] for name in _COLUMNS},
            }
            digest = hashlib.sha256(
                digest + orjson.dumps(told, option=orjson.OPT_SORT_KEYS, default=str)
            ).digest()
            last = row["id"]
            made.append({"b_id": last, "b_hash": digest})
        op.get_bind().execute(_CHAINED, made)
    with op.batch_alter_table("view_log") as views:
        views.alter_column("format", existing_type=number, nullable=False)
        views.alter_column("hash", existing_type=blob, nullable=False)
    op.create_table(
        "verification",
        sa.Column("id", number, primary_key=True, autoincrement=False),
        *(sa.Column(name, words, nullable=False) for name in ("at", "person", "channel", "scope", "result")),
        sa.Column("format", number, nullable=False),
        sa.Column("hash", blob, nullable=False),
    )
    heads = op.create_table(
        "chain_head",
        sa.Column("chain", words, primary_key=True),
        sa.Column("id", number, nullable=False),
        sa.Column("hash", blob, nullable=False),
    )
    op.bulk_insert(
        heads,
        [
            {"chain": "view_log", "id": last, "hash": digest},
            {"chain": "verification", "id": 0, "hash": bytes(32)},
        ],
    )
    op.create_table(
        "log_leaf",
        sa.Column("number", number, primary_key=True, autoincrement=False),
        sa.Column("kind", words, nullable=False),
        sa.Column("name", words, nullable=False),
        sa.Column("seq", number, nullable=False),
        sa.Column("hash", blob, nullable=False),
    )
    op.create_index("ix_log_leaf_name", "log_leaf", ["kind", "name", "number", "hash"])
    op.create_table(
        "log_node",
        sa.Column("level", number, primary_key=True, autoincrement=False),
        sa.Column("number", number, primary_key=True, autoincrement=False),
        sa.Column("hash", blob, nullable=False),
    )
    op.create_table(
        "log_checkpoint",
        sa.Column("size", number, primary_key=True, autoincrement=False),
        sa.Column("note", words, nullable=False),
    )


def _in_parts() -> Iterator[list[Any]]:
    """What was noted, in order, some rows at a time."""
    after = 0
    while rows := list(op.get_bind().execute(_MORE, {"after": after}).mappings()):
        yield rows
        after = rows[-1]["id"]


def downgrade() -> None:
    """Take back."""
    for table in ("log_checkpoint", "log_node", "log_leaf", "chain_head", "verification"):
        op.drop_table(table)
    with op.batch_alter_table("view_log") as views:
        views.drop_column("format")
        views.drop_column("hash")
