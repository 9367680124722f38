"""Limits that come near or pass, told to people. What a diagram tells by itself is a request to the outbox.

Nothing is drawn for a limit of the whole case: whoever leads hears of it. Whoever holds the work hears of any limit.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from engine.base.facts import ClockState
from engine.case.clocks import Clock
from engine.case.instance import Instance
from engine.storage.statements import Statement, Write
from engine.storage.tables import notice

from .change import Change

#: what happens to a clock → its level, who leads, and what is said of it where nobody reads the topic
TOLD = {
    ClockState.WARNED: ("warn", ("supervisor",), "将到时限"),
    ClockState.BREACHED: ("breach", ("supervisor", "manager"), "已超时"),
}
NEW = Statement(sa.insert(notice))


def topic(parameter: str, level: str) -> str:
    """What notices of one limit have in common: people see them as one line."""
    return f"{parameter}/{level}"


def project(change: Change) -> Iterator[Write]:
    """A notice to each role and person concerned. Of a limit that has passed already its breach is enough."""
    for changed in change.effects.clock_changes:
        clock, state = change.instance.clocks.live.get(changed.clock), changed.state
        if clock is None or state not in TOLD or (state is ClockState.WARNED and clock.due <= change.at):
            continue
        level, leads, said = TOLD[state]
        common = {
            "case_id": change.case_id,
            "text": f"{_name(change.instance, clock.parameter)}{said}",
            "at": change.at,
            "level": level,
            "topic": topic(clock.parameter, level),
            "read_by": None,
        }
        for role in leads if clock.timer is None else ():
            yield NEW(**common, role=role, person=None)
        for person in _holders(change.instance, clock):
            yield NEW(**common, role=None, person=person)


def _holders(instance: Instance, clock: Clock) -> list[str]:
    """Who holds work under a limit."""
    return sorted(
        {
            person
            for task, person in instance.claims.items()
            if clock.task in (None, task) or clock.task in instance.machine.around(task)
        }
    )


def _name(instance: Instance, parameter: str) -> str:
    known = instance.release.parameters.get(parameter)
    return known.name["zh-Hans"] if known else parameter
