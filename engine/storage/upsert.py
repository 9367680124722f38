"""Inserts that say what is to happen where their key is taken; each database has a statement of its own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from .database import Database


def insert(in_sqlite: bool, table: sa.Table) -> Any:
    """An insert into ``table`` with ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return (sqlite if in_sqlite else postgresql).insert(table)


def put(db: Database, table: sa.Table, row: dict[str, Any]) -> sa.Insert:
    """Write ``row``, in place of one with its key: of two who do so at once none fails, the last one stays."""
    new = insert(db.sqlite, table).values(row)
    keys = [column.name for column in table.primary_key]
    changed = {name: new.excluded[name] for name in row if name not in keys}
    made: sa.Insert = new.on_conflict_do_update(index_elements=keys, set_=changed)
    return made
