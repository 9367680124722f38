"""The tables of people: who they are, how they prove it, where they are signed in, and what was tried in their name."""

from __future__ import annotations

import sqlalchemy as sa

from .metadata import metadata

person = sa.Table(
    "person",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("roles", sa.Text, nullable=False),  # JSON list
    sa.Column("skills", sa.Text, nullable=False),  # JSON object: skill → level; a list of skills before 0.2.0
    sa.Column("departments", sa.Text, nullable=False),  # JSON list
    sa.Column("demo", sa.Integer, nullable=False, default=0),
    sa.Column("active", sa.Integer, nullable=False, default=1),
    sa.Column("session_generation", sa.Integer, nullable=False, default=0),  # one more ends all sessions
    sa.Column("locale", sa.Text, nullable=True),
    sa.Column("mail", sa.Text, nullable=True),  # where mail to one of the person's roles goes
    sa.Column("teams", sa.Text, nullable=True),  # JSON list
    sa.Column("external_id", sa.Text, nullable=True),  # how another system knows them (ADR 0020)
    sa.Column("must_change", sa.Integer, nullable=True),  # 1: the password, before anything else
    sa.Column("password_until", sa.Text, nullable=True),  # instant at which a one-time password ends
)
session = sa.Table(  # where somebody is signed in (engine/people/sessions.py)
    "session",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # digest of what the browser keeps
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),  # the person's when it began
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("last_at", sa.Text, nullable=False),  # to the minute
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("browser", sa.Text, nullable=False),
)
attempt = sa.Table(  # failures that count against whoever tries next (engine/people/attempts.py)
    "attempt",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # keyed digest: what was tried may be a password
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=True),  # where there is one of that name
    sa.Column("address", sa.Text, nullable=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
second_step = sa.Table(  # what shows one-time codes, besides the password (engine/people/second_step.py)
    "second_step",
    metadata,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("secret", sa.LargeBinary, nullable=False),  # sealed
    sa.Column("since", sa.Text, nullable=True),  # null: offered, not confirmed yet
    sa.Column("last_step", sa.Integer, nullable=False),  # no code of this or an earlier one counts any more
)
recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
)
sa.Index("ix_person_external", person.c.external_id, unique=True)
sa.Index("ix_session_person", session.c.person)
sa.Index("ix_attempt_account", attempt.c.account)
sa.Index("ix_attempt_at", attempt.c.at)
