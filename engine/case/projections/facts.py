"""Facts that reports count by: a few named, non-personal values of a case, each time they were recorded.

Only names that the forms of the case's release mark are kept (:mod:`engine.release.counted`), and never a sealed
value. Of personal texts that matter to a report only *that* they were given is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from engine.storage.statements import Statement, Write
from engine.storage.tables import case_fact

from .change import Change

NEW = Statement(sa.insert(case_fact))
LONGEST = 200  #: characters of JSON; what is longer is no code and belongs into no report


def project(change: Change) -> Iterator[Write]:
    """One row for each fact this command recorded."""
    found: dict[str, Any] = {}
    counted = change.instance.release.counted
    for name, value in change.given.items():
        if name in counted.asked or name in counted.decided:
            found[name] = value
        elif name in counted.given:
            found[name] = True
        elif name in counted.rows:
            column, fact = counted.rows[name]
            found[fact] = sum(bool(row.get(column)) for row in value)
    seal = change.instance.seal
    personal = seal.personal
    for step in change.effects.data:
        for name, value in step.put.items():
            if name in counted.decided:
                found.setdefault(name, value if name in personal else seal.open_all(value))
    for name in sorted(found):
        value = found[name]
        if not _plain(value) or (name in personal and name not in counted.given):
            continue
        text = orjson.dumps(value).decode()
        if len(text) <= LONGEST:
            yield NEW(case_id=change.case_id, seq=change.instance.seq, name=name, value=text, at=change.at)


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, str | int | float | bool) for one in value)
    return isinstance(value, str | int | float | bool)
