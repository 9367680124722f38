"""Which answers reports count: the mark ``report`` of a field.

``true``: each time the form is sent. ``"decided"``: also when a table or a script sets the value. ``"given"``: of a
personal text, only that it was given. ``{"count": column, "as": name}``: of rows, how many have the column filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .draft import Draft
from .model import Counts, Mark


def read_mark(draft: Draft, data: Mapping[str, Any], where: str) -> Mark | None:
    """The mark of a field, None without one; notes in ``draft`` what is wrong with it."""
    raw, where = data.get("report"), f"{where}.report"
    if raw is None:
        return None
    personal = data.get("personal") is True
    if data.get("widget") == "rows":
        return _rows(draft, raw, data, where)
    if raw not in (True, "decided", "given"):
        draft.wrong(where, f"is {raw!r}", 'write true, "decided" or "given"')
        return None
    if personal is not (raw == "given"):
        what = "counts a personal answer" if personal else "keeps only that something was given"
        draft.wrong(where, what, 'write "given" for what is personal, and for nothing else')
        return None
    if data.get("widget") in ("file", "timerange") or (data.get("widget") == "readonly" and raw is True):
        draft.wrong(where, f"means nothing for {data['widget']}", "mark what is asked, or leave it out")
        return None
    return Mark(Counts.ASKED if raw is True else Counts(raw))


def _rows(draft: Draft, raw: Any, data: Mapping[str, Any], where: str) -> Mark | None:
    columns = data.get("fields")
    names = [one.get("name") for one in columns if isinstance(one, dict)] if isinstance(columns, list) else []
    if (
        isinstance(raw, dict)
        and set(raw) == {"count", "as"}
        and raw["count"] in names
        and isinstance(raw["as"], str)
    ):
        return Mark(Counts.ROWS, raw["count"], raw["as"])
    draft.wrong(where, f"is {raw!r}", 'write {"count": a column of it, "as": the name of the fact}')
    return None
