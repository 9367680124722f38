"""What is in the database, as plain facts: rows as they are stored, nothing of the engine's own reading of them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.app import Gongdan

Row = dict[str, Any]
TABLES = (
    "cases", "task", "timer", "sla_clock", "outbox", "notice", "incident", "answer", "subject_key", "case_number",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One row of history."""

    case_id: str
    seq: int
    at: datetime
    recorded: datetime
    actor: str
    command: dict[str, Any]
    effects: dict[str, Any]
    hash: str

    @property
    def kind(self) -> str:
        """What was commanded."""
        return str(self.command["type"])

    @property
    def is_persons(self) -> bool:
        """Whether a person gave the command, not the software itself."""
        return not self.actor.startswith("system:")


@dataclass
class Facts:
    """Everything that is stored."""

    history: dict[str, list[Step]] = field(default_factory=lambda: defaultdict(list))
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def of(self, table: str, case_id: str) -> list[Row]:
        """Rows of a case."""
        key = "id" if table == "cases" else "case_id"
        return [row for row in self.tables[table] if row[key] == case_id]

    @property
    def cases(self) -> dict[str, Row]:
        """The row of each case."""
        return {row["id"]: row for row in self.tables["cases"]}

    def steps(self) -> list[Step]:
        """All rows of history."""
        return [step for steps in self.history.values() for step in steps]


def instant(text: str) -> datetime:
    """An instant as it is stored."""
    return datetime.fromisoformat(text)


def read(gongdan: Gongdan) -> Facts:
    """Read everything."""
    facts = Facts()
    with gongdan.db.read() as connection:
        for table in TABLES:
            rows = connection.execute(sa.text(f"SELECT * FROM {table}")).mappings()
            facts.tables[table] = [dict(row) for row in rows]
        query = sa.text("SELECT * FROM history ORDER BY case_id, seq")
        for row in connection.execute(query).mappings():
            facts.history[row["case_id"]].append(
                Step(
                    row["case_id"], row["seq"], instant(row["at"]), instant(row["recorded_at"]), row["actor"],
                    json.loads(row["command"]), json.loads(row["effects"]), bytes(row["hash"]).hex(),
                )
            )  # fmt: skip
    return facts
