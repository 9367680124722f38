"""Migrations lead to the tables of the code, on both databases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from engine.app import open_gongdan
from engine.base.settings import Settings
from engine.storage.tables import metadata


def test_migrations_equal_tables(settings: Settings) -> None:
    open_gongdan(settings).close()
    engine = sa.create_engine(settings.database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
