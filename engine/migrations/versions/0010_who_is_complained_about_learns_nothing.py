"""Who is complained about is a read model of its own: every list leaves their cases out."""

from __future__ import annotations

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from engine import respondents
from engine.errors import GongdanError
from engine.rules import RESPONDENT
from engine.sealing import Seal

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ROWS = sa.text(
    "SELECT history.case_id, history.command, history.effects, subject_key.key FROM history "
    "LEFT JOIN subject_key ON subject_key.case_id = history.case_id"
)
_MARKS = (b'"respondent":', b'"%b":' % RESPONDENT.encode())


def upgrade() -> None:
    """Apply, and read from history who was named so far."""
    made = op.create_table(
        "respondent",
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("who", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_respondent_who", "respondent", ["who"])
    found = {
        (row.case_id, who)
        for row in op.get_bind().execute(_ROWS, execution_options={"stream_results": True, "yield_per": 500})
        if any(
            isinstance(part, bytes) and mark in part for mark in _MARKS for part in (row.command, row.effects)
        )
        for who in _named(row.command, row.effects, row.key)
    }
    op.bulk_insert(made, [{"case_id": case_id, "who": who} for case_id, who in sorted(found)])


def _named(command: bytes, effects: bytes, key: bytes | None) -> set[str]:
    """Whom a row names; of an erased case, of a damaged row, what can still be read."""
    try:
        said, did = orjson.loads(command), orjson.loads(effects)
        data: dict[str, Any] = dict(said.get("data") or {})
        for _, put, _ in did.get("data", ()):
            data.update(put)
        name = data.get(RESPONDENT)
        opened = {} if key is None else Seal(key, frozenset()).open_all({RESPONDENT: name})
        return set(map(respondents.unkeyed, respondents.named(said, opened)))
    except (GongdanError, ValueError, TypeError, AttributeError):
        return set()


def downgrade() -> None:
    """Take back."""
    op.drop_table("respondent")
