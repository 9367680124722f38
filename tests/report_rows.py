"""Closed cases as reports read them, without playing them."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa

from engine.app import Gongdan
from engine.storage.tables import case_fact, cases

NOW = "2026-04-01T00:00:00+00:00"


def put(gongdan: Gongdan, id: str, process: str, closed_at: str | None = None, **facts: Any) -> None:
    """A case row with facts recorded one after another."""
    row = dict.fromkeys(cases.c.keys()) | {
        "id": id, "seq": 9, "head": b"", "at": NOW, "process": process, "release": 1, "outcome": "done",
        "opened_at": "2026-03-01T00:00:00+00:00", "closed_at": closed_at or "2026-03-10T00:00:00+00:00",
        "state": "closed", "started_by": "agent1",
    }  # fmt: skip
    with gongdan.db.begin() as connection:
        connection.execute(sa.insert(cases).values(**row))
        for name, values in facts.items():
            for seq, value in enumerate(values):
                fact = {
                    "case_id": id,
                    "seq": seq,
                    "name": name,
                    "value": orjson.dumps(value).decode(),
                    "at": NOW,
                }
                connection.execute(sa.insert(case_fact).values(**fact))
