"""SLA clocks with what became of them, for pages and compliance reports."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.storage.database import Write
from engine.storage.tables import sla_clock

from .change import Change

P = sa.bindparam
_THIS = (sla_clock.c.case_id == P("b_id"), sla_clock.c.clock == P("b_clock"))

STATEMENTS = {
    "clock_new": sa.insert(sla_clock),
    "clock_warned": sa.update(sla_clock).where(*_THIS).values(warned_at=P("warned_at"), warn_at=P("warn_at")),
    "clock_breached": sa.update(sla_clock)
    .where(*_THIS)
    .values(state="breached", breached_at=P("breached_at")),
    "clock_ended": sa.update(sla_clock).where(*_THIS).values(state=P("state"), ended_at=P("ended_at")),
    "clock_paused": sa.update(sla_clock).where(*_THIS).values(state="paused", paused_at=P("paused_at")),
    "clock_resumed": sa.update(sla_clock)
    .where(*_THIS)
    .values(state="running", due=P("due"), warn_at=P("warn_at"), paused_at=sa.null(), provisional=0),
    "clock_recounted": sa.update(sla_clock)
    .where(*_THIS)
    .values(started=P("started"), due=P("due"), warn_at=P("warn_at"), provisional=P("provisional")),
}


def project(change: Change) -> Iterator[Write]:
    """Clocks started and what happened to them."""
    for clock, parameter, started, due, warnings, attached, ref, provisional in change.effects.get(
        "clocks", ()
    ):
        yield (
            "clock_new",
            {
                "case_id": change.case_id,
                "clock": clock,
                "parameter": parameter,
                "task": attached,
                "element": ref,
                "started": started,
                "due": due,
                "warn_at": warnings[0] if warnings else None,
                "state": "running",
                "warned_at": None,
                "breached_at": None,
                "ended_at": None,
                "paused_at": None,
                "provisional": provisional,
            },
        )
    for clock, state, detail in change.effects.get("clock_changes", ()):
        this = {"b_id": change.case_id, "b_clock": clock}
        if state == "warned":
            live = change.instance.clocks.live.get(clock)
            following = live.warnings[0] if live and live.warnings else None
            yield "clock_warned", {**this, "warned_at": detail, "warn_at": following}
        elif state == "breached":
            yield "clock_breached", {**this, "breached_at": detail}
        elif state == "paused":
            yield "clock_paused", {**this, "paused_at": change.at}
        elif state in ("resumed", "moved"):
            due, warnings = detail
            yield "clock_resumed", {**this, "due": due, "warn_at": warnings[0] if warnings else None}
        elif state == "recounted":
            due, warnings, started, provisional = detail
            warn_at = warnings[0] if warnings else None
            found = {"started": started, "due": due, "warn_at": warn_at, "provisional": provisional}
            yield "clock_recounted", {**this, **found}
        else:
            yield "clock_ended", {**this, "state": state, "ended_at": detail}
