"""The tables of what is proved about the others: chains of rows, the log of what was true when, its checkpoints."""

from __future__ import annotations

import sqlalchemy as sa

from .metadata import metadata

verification = (
    sa.Table(  # that somebody verified, of what, and what came of it (engine/proof/verifications.py)
        "verification",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),  # account, or user of the operating system
        sa.Column("channel", sa.Text, nullable=False),  # 'page' | 'command line'
        sa.Column("scope", sa.Text, nullable=False),  # JSON
        sa.Column("result", sa.Text, nullable=False),  # JSON
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
)
chain_head = (
    sa.Table(  # where each chain of rows ends; whoever appends holds its row (engine/storage/chains.py)
        "chain_head",
        metadata,
        sa.Column("chain", sa.Text, primary_key=True),
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column(
            "start_id", sa.Integer, nullable=False, server_default="0"
        ),  # the row cut off last; 0: none was
        sa.Column(
            "start_hash", sa.LargeBinary, nullable=False
        ),  # its hash, which the first row is hashed onto
    )
)
security_log = sa.Table(  # what concerns the safety of the house; a chain (engine/people/security_log.py)
    "security_log",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # of an event: engine/people/security_events.py
    sa.Column("person", sa.Text, nullable=False),  # account, `system:operator/user`, or '' for a stranger
    sa.Column("address", sa.Text, nullable=False),  # whence; '' for the machine itself
    sa.Column("about", sa.Text, nullable=False),  # what it was done to
    sa.Column("detail", sa.Text, nullable=False),  # JSON: the rest of the event
    sa.Column("format", sa.Integer, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
security_sink = sa.Table(  # how far the security log was handed on, and to what (engine/operations/sinks.py)
    "security_sink",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("last", sa.Integer, nullable=False),  # the last row that it has
    sa.Column("lease", sa.Text, nullable=True),  # somebody hands on until then
)
log_leaf = sa.Table(  # what was so at some checkpoint; rows are only added (engine/proof/log.py)
    "log_leaf",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),  # from 0, without a gap
    sa.Column("kind", sa.Text, nullable=False),  # as in engine/proof/log.py
    sa.Column("name", sa.Text, nullable=False),  # of the case or release; the instant
    sa.Column("seq", sa.Integer, nullable=False),  # the row that the hash is of; 0 where there is none
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
log_node = sa.Table(  # hashes of perfect subtrees of the log, every eighth level: computed from the leaves
    "log_node",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)
log_checkpoint = sa.Table(
    "log_checkpoint",
    metadata,
    sa.Column("size", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),  # signed (engine/proof/notes.py)
)
sa.Index("ix_log_leaf_name", log_leaf.c.kind, log_leaf.c.name, log_leaf.c.number, log_leaf.c.hash)
for _column in ("kind", "person", "address", "about"):
    sa.Index(f"ix_security_{_column}", security_log.c[_column], security_log.c.id)
sa.Index("ix_security_at", security_log.c.at, security_log.c.id)
