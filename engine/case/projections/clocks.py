"""SLA clocks with what became of them, for pages and compliance reports."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.base.facts import ClockChanged, ClockState, Recounted
from engine.case.clocks import RUNNING
from engine.storage.statements import Statement, Write
from engine.storage.tables import sla_clock

from .change import Change

P = sa.bindparam
_THIS = (sla_clock.c.case_id == P("b_id"), sla_clock.c.clock == P("b_clock"))

NEW = Statement(sa.insert(sla_clock))
WARNED = Statement(
    sa.update(sla_clock).where(*_THIS).values(warned_at=P("warned_at"), warn_at=P("warn_at")),
)
BREACHED = Statement(
    sa.update(sla_clock).where(*_THIS).values(state="breached", breached_at=P("breached_at")),
)
ENDED = Statement(sa.update(sla_clock).where(*_THIS).values(state=P("state"), ended_at=P("ended_at")))
PAUSED = Statement(sa.update(sla_clock).where(*_THIS).values(state="paused", paused_at=P("paused_at")))
REDATED = Statement(
    sa.update(sla_clock)
    .where(*_THIS)
    .values(state="running", due=P("due"), warn_at=P("warn_at"), paused_at=sa.null(), provisional=0),
)
RECOUNTED = Statement(
    sa.update(sla_clock)
    .where(*_THIS)
    .values(started=P("started"), due=P("due"), warn_at=P("warn_at"), provisional=P("provisional")),
)


def project(change: Change) -> Iterator[Write]:
    """Clocks started and what happened to them."""
    for began in change.effects.clocks:
        yield NEW(
            case_id=change.case_id,
            clock=began.clock,
            parameter=began.parameter,
            task=began.task,
            element=began.element,
            started=began.started,
            due=began.due,
            warn_at=_first(began.warnings),
            state=RUNNING,
            warned_at=None,
            breached_at=None,
            ended_at=None,
            paused_at=None,
            provisional=began.provisional,
        )
    for changed in change.effects.clock_changes:
        yield _changed(change, changed)


def _changed(change: Change, changed: ClockChanged) -> Write:
    this = {"b_id": change.case_id, "b_clock": changed.clock}
    match changed.state:
        case ClockState.WARNED:
            live = change.instance.clocks.live.get(changed.clock)
            following = _first(live.warnings) if live else None
            return WARNED(**this, warned_at=changed.instant, warn_at=following)
        case ClockState.BREACHED:
            return BREACHED(**this, breached_at=changed.instant)
        case ClockState.PAUSED:
            return PAUSED(**this, paused_at=change.at)
        case ClockState.MET | ClockState.MISSED | ClockState.STOPPED:
            return ENDED(**this, state=changed.state.value, ended_at=changed.instant)
    now = changed.now
    dates = {**this, "due": now.due, "warn_at": _first(now.warnings)}
    if isinstance(now, Recounted):
        return RECOUNTED(**dates, started=now.started, provisional=now.provisional)
    return REDATED, dates


def _first(warnings: list[str]) -> str | None:
    return warnings[0] if warnings else None
