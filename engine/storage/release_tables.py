"""The tables of releases that wait for a second person (engine/release/proposals.py)."""

from __future__ import annotations

import sqlalchemy as sa

from .metadata import metadata

proposal = sa.Table(
    "proposal",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),  # why processes without scenarios cannot wait; mostly empty
    sa.Column("base", sa.Integer, nullable=False),  # the release that it was judged against
    sa.Column("digest", sa.Text, nullable=False),  # of its files: what is approved are exactly these bytes
    sa.Column(
        "kinds", sa.Text, nullable=False
    ),  # JSON: kind of change → paths (engine/release/second_person.py)
    sa.Column("judged", sa.Text, nullable=False),  # JSON: what lint and scenarios said
    sa.Column(
        "state", sa.Text, nullable=False
    ),  # 'waiting' | 'approved' | 'refused' | 'taken back' | 'replaced'
    sa.Column("decided_by", sa.Text, nullable=True),
    sa.Column("decided_at", sa.Text, nullable=True),
    sa.Column("why", sa.Text, nullable=True),  # it was refused
    sa.Column("release", sa.Integer, nullable=True),  # that it became
)
proposal_file = sa.Table(
    "proposal_file",
    metadata,
    sa.Column("proposal", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("author", sa.Text, nullable=False),  # whose draft it was
    sa.Column("base_release", sa.Integer, nullable=False),  # that the draft stood on
    sa.Column("body", sa.LargeBinary, nullable=False),
)
sa.Index("ix_proposal_state", proposal.c.state, proposal.c.id)
