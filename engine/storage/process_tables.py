"""The table of the processes that run: a row each, written every other second (engine/operations/pulse.py)."""

from __future__ import annotations

import sqlalchemy as sa

from .metadata import metadata

pulse = sa.Table(
    "pulse",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),  # 'serve' | 'worker' | 'ended': what ended processes counted
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("beat_at", sa.Text, nullable=False),  # by the clock of the database server, where there is one
    sa.Column("works", sa.Integer, nullable=False),  # whether it has a worker that goes round
    sa.Column("skew", sa.Float, nullable=True),  # seconds that its clock is ahead of the database server's
    sa.Column("stuck_timer", sa.Text, nullable=True),  # since when a timer is due that its worker goes past
    sa.Column("stuck_message", sa.Text, nullable=True),  # the same of a message
    sa.Column("counted", sa.Text, nullable=False),  # JSON of what it counted (engine/operations/counts.py)
)
