"""Alembic's entry: runs migrations on the connection :mod:`engine.storage.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from engine.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
