"""The calls with a customer that were logged on a case: what scripts of a diagram put aside is still in its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.forms.calls import CALLED_AT
from engine.release.release import Release
from engine.storage.database import Database
from engine.storage.tables import task

from . import timeline


@dataclass(frozen=True, slots=True)
class Call:
    """One logged call: when it was made (``at``) and written down, by whom, and all that ``form`` asked."""

    at: str
    logged_at: str
    by: str
    form: str
    data: Mapping[str, Any]


def logged(db: Database, release: Release, case_id: str) -> list[Call]:
    """The calls of a case, the last one made first."""
    forms = [key for key, form in release.forms.items() if CALLED_AT in form.names]
    query = sa.select(task.c.task, task.c.form).where(
        task.c.case_id == case_id, task.c.form.in_(forms), task.c.state == "completed"
    )
    asked: dict[int, str] = {row.task: row.form for row in db.rows(query)}
    if not asked:
        return []
    return sorted(
        (
            Call(str(step.command["data"][CALLED_AT]), step.at, step.actor, asked[step.command["task"]],
                 step.command["data"])
            for step in timeline.steps(db, release, case_id)
            if step.command.get("task") in asked and CALLED_AT in (step.command.get("data") or {})
        ),
        key=lambda call: call.at,
        reverse=True,
    )  # fmt: skip
