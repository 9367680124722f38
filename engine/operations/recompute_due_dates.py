"""When a year's calendar becomes known: clocks that were provisional get their true due time, on the record."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import Rejected
from engine.base.instants import iso
from engine.case.commands import MoveClock
from engine.storage.tables import cases, sla_clock

ACTOR = "system:calendar"


def recompute_provisional(gongdan: Gongdan) -> int:
    """Recompute every running provisional clock with the live release's calendar; returns how many moved.

    A clock that is still uncovered, or whose due time stays, is left alone. One whose true due time has passed
    already keeps its provisional one: a limit is never moved into the past.
    """
    rules = gongdan.releases.current().time
    rows = gongdan.db.rows(
        sa.select(
            sla_clock.c.case_id,
            sla_clock.c.clock,
            sla_clock.c.parameter,
            sla_clock.c.started,
            sla_clock.c.due,
        )
        .join(cases, cases.c.id == sla_clock.c.case_id)
        .where(sla_clock.c.provisional == 1, sla_clock.c.state == "running", cases.c.state == "open")
    )
    moved = 0
    for case_id, clock, parameter, started, due in rows:
        found = rules.due(parameter, datetime.fromisoformat(started))
        if found.provisional or iso(found.due) == due:
            continue
        try:
            gongdan.dispatch(
                MoveClock(
                    case_id=case_id,
                    actor=ACTOR,
                    at=gongdan.now(),
                    clock=clock,
                    due=iso(found.due),
                    reason="the calendar of that year is published",
                )
            )
            moved += 1
        except Rejected:
            continue  # it ended meanwhile, or its true date has passed
    return moved
