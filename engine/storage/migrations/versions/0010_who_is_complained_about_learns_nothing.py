"""Who is complained about is a read model of its own: every list leaves their cases out."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ROWS = sa.text("SELECT case_id, command FROM history")
_NAME = "complained_staff"
_BETWEEN = re.compile(r"[\s、，,;；/&()（）]+|和|及|与|與")
_MARKS = (b'"respondent":', b'"%b":' % _NAME.encode())


def upgrade() -> None:
    """Apply, and read from history who was named in clear so far.

    What is sealed comes when the read models are derived anew, right after the upgrade; of an erased case it is gone.
    """
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
        if isinstance(row.command, bytes) and any(mark in row.command for mark in _MARKS)
        for who in _named(row.command)
    }
    op.bulk_insert(made, [{"case_id": case_id, "who": who} for case_id, who in sorted(found)])


def _named(command: bytes) -> set[str]:
    """Whom a command names; of a damaged row, what can still be read."""
    try:
        said: dict[str, Any] = orjson.loads(command)
        written = [said.get("respondent"), dict(said.get("data") or {}).get(_NAME)]
    except (ValueError, TypeError, AttributeError):
        return set()
    names = {name for value in written for name in _names(value)}
    return {hashlib.sha256(b"respondent:" + name.encode()).hexdigest() for name in names}


def _names(written: Any) -> Iterator[str]:
    """A name as it was written, folded; of several in one answer, each."""
    if isinstance(written, list):
        for one in written:
            yield from _names(one)
    elif isinstance(written, str):
        several = (written, *_BETWEEN.split(written))
        yield from {unicodedata.normalize("NFKC", one).strip().casefold() for one in several} - {""}


def downgrade() -> None:
    """Take back."""
    op.drop_table("respondent")
