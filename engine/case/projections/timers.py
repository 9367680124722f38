"""Pending BPMN timers, for task and case pages. When a case next needs waking is on its own row."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.base.facts import ClockState
from engine.case.commands import FireTimer
from engine.storage.statements import Statement, Write
from engine.storage.tables import timer

from .change import Change

P = sa.bindparam
_THIS = (timer.c.case_id == P("b_id"), timer.c.timer == P("b_timer"))

NEW = Statement(sa.insert(timer))
MOVED = Statement(sa.update(timer).where(*_THIS).values(due=P("due"), state="pending"))
STATE = Statement(sa.update(timer).where(*_THIS).values(state=P("state")))


def project(change: Change) -> Iterator[Write]:
    """Timers armed, moved, held, fired and ended."""
    command, effects = change.command, change.effects
    fired = command.timer if isinstance(command, FireTimer) else None
    for armed in effects.armed:
        if armed.timer == fired:  # the next round of a cycle
            yield MOVED(b_id=change.case_id, b_timer=armed.timer, due=armed.due)
        else:
            yield NEW(
                case_id=change.case_id,
                timer=armed.timer,
                element=armed.element,
                task=armed.attached,
                due=armed.due,
                state="pending",
            )
    for number in effects.ended:
        state = "fired" if number == fired else "ended"
        yield STATE(b_id=change.case_id, b_timer=number, state=state)
    for changed in effects.clock_changes:
        if not changed.clock.isdigit():
            continue
        this = {"b_id": change.case_id, "b_timer": int(changed.clock)}
        if changed.state is ClockState.PAUSED:
            yield STATE(**this, state="paused")
        elif changed.state.redated:
            yield MOVED(**this, due=changed.now.due)
