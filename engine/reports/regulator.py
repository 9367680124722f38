"""Limits that authorities set: the nearest first, with what became of those that ended."""

from __future__ import annotations

from engine.storage.database import Database

from .closed_list import yes
from .model import Asked, Cell, Report, Table, Term, count, share, word, words
from .read import Clock, closed_cases, open_cases
from .sla import became

#: telecom 15 days, faults 48/72 h, insurance 15/30/+30 days, and what 12378 referrals ask (seed 004:131-133)
ALSO = frozenset({"INS_VIOLATION_REPORT", "INS_12378_ACCEPT"})
#: what became of a limit, or how it stands, in the order of the columns
_BECAME = ("running", "passed_open", "met", "missed", "stopped", "paused")
_COLUMNS = ("case", "limit", "state", "started", "due", "ended", "passed")


def build(db: Database, asked: Asked) -> Report:
    """Cases that were open at the end of the period, as they stood then, and the cases closed in it."""
    found = closed_cases(db, asked.period)
    ended = [clock for case in found for clock in case.clocks if is_outside(clock.parameter)]
    live = [clock for case in open_cases(db, asked) for clock in case.clocks if is_outside(clock.parameter)]
    live.sort(key=lambda clock: (clock.due, clock.case_id))
    rows: list[tuple[Cell, ...]] = []
    for name in sorted({clock.parameter for clock in (*ended, *live)}):
        mine = [(became(clock), clock.case_id) for clock in (*ended, *live) if clock.parameter == name]
        of = {state: [case for one, case in mine if one == state] for state in _BECAME}
        of["running"] += of.pop("paused")
        decided = of["met"] + of["missed"] + of["passed_open"]
        rows.append(
            (Term("parameter", name), *(count(cases) for cases in of.values()), share(of["met"], decided))
        )
    late = sorted((clock for clock in ended if clock.breached_at), key=lambda clock: clock.due)
    return Report(
        "regulator",
        asked.period,
        tuple(dict.fromkeys(clock.case_id for clock in (*live, *ended))),
        (
            Table(
                "by_parameter",
                words("limit", "running", "passed_open", "met", "passed", "stopped", "met_share"),
                tuple(rows),
                chart=("running", "passed_open", "met", "passed", "stopped"),
            ),
            Table("open", words(*_COLUMNS), tuple(_line(clock) for clock in live)),
            Table("passed", words(*_COLUMNS), tuple(_line(clock) for clock in late)),
        ),
    )


def is_outside(parameter: str) -> bool:
    """Whether somebody outside the house sets this limit."""
    return parameter.startswith("REG_") or parameter in ALSO


def _line(clock: Clock) -> tuple[Cell, ...]:
    return (
        Term("case", clock.case_id),
        Term("parameter", clock.parameter),
        Term("state", clock.state),
        Term("instant", clock.started),
        Term("instant", clock.due),
        Term("instant", clock.ended_at) if clock.ended_at else word("not_yet"),
        yes(clock.breached_at is not None),
    )
