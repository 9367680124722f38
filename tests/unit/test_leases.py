"""Until when a claim keeps others off a row, and when it makes no sense: instants written by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.delivery.leases import free

NOW = datetime.fromisoformat("2026-03-02T01:00:00+00:00")
ROWS = sa.Table("row", sa.MetaData(), sa.Column("lease", sa.Text))


@pytest.mark.parametrize(
    ("lease", "is_free"),
    [
        (None, True),
        ("2026-03-02T00:59:59+00:00", True),
        ("2026-03-02T01:00:00+00:00", False),
        ("2026-03-02T01:05:00+00:00", False),
        ("2026-03-02T01:10:00+00:00", False),  # a clock that is a little fast
        ("2026-03-02T01:10:01+00:00", True),  # nobody can have been given that
    ],
)
def test_a_row_is_free_unless_a_lease_that_makes_sense_lasts(lease: str | None, *, is_free: bool) -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        ROWS.metadata.create_all(connection)
        connection.execute(sa.insert(ROWS).values(lease=lease))
        asked = sa.select(ROWS).where(free(ROWS.c.lease, NOW, timedelta(minutes=5)))
        assert bool(connection.execute(asked).all()) is is_free
    engine.dispose()
