"""Pending BPMN timers, for task and case pages. When a case next needs waking is on its own row."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.storage.database import Write
from engine.storage.tables import timer

from .change import Change

P = sa.bindparam
_THIS = (timer.c.case_id == P("b_id"), timer.c.timer == P("b_timer"))

STATEMENTS = {
    "timer_new": sa.insert(timer),
    "timer_moved": sa.update(timer).where(*_THIS).values(due=P("due"), state="pending"),
    "timer_state": sa.update(timer).where(*_THIS).values(state=P("state")),
}


def project(change: Change) -> Iterator[Write]:
    """Timers armed, moved, held, fired and ended."""
    command, effects = change.command, change.effects
    fired = command.get("timer") if command["type"] == "timer" else None
    for number, ref, due, attached in effects.get("armed", ()):
        if number == fired:  # the next round of a cycle
            yield "timer_moved", {"b_id": change.case_id, "b_timer": number, "due": due}
        else:
            yield (
                "timer_new",
                {
                    "case_id": change.case_id,
                    "timer": number,
                    "element": ref,
                    "task": attached,
                    "due": due,
                    "state": "pending",
                },
            )
    for number in effects.get("ended", ()):
        state = "fired" if number == fired else "ended"
        yield "timer_state", {"b_id": change.case_id, "b_timer": number, "state": state}
    for clock, state, detail in effects.get("clock_changes", ()):
        if not clock.isdigit():
            continue
        if state == "paused":
            yield "timer_state", {"b_id": change.case_id, "b_timer": int(clock), "state": "paused"}
        elif state in ("resumed", "moved"):
            yield "timer_moved", {"b_id": change.case_id, "b_timer": int(clock), "due": detail[0]}
