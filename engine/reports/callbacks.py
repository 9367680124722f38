"""The Cantonese callback desk, day by day (seed 000:7-22)."""

from __future__ import annotations

import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.tables import cases, outbox

from .model import Asked, Cell, Report, Table, Term, count, share, words
from .period import Period
from .read import Closed, by_key, closed_cases

PROCESS = "cantonese_callback"
FIRST = "CAN_CALLBACK_1"
_STATES = ("sent", "failed", "unknown", "withdrawn")
_FIGURES = (
    "requests", "tickets", "first_in_time", "answered_first", "second_attempts", "unreachable", "refused",
)  # fmt: skip


def build(db: Database, asked: Asked) -> Report:
    """Requests, calls in time, second attempts, unreachable people, texts sent, languages turned away."""
    found = closed_cases(db, asked.period, processes=[PROCESS])
    by_id = {case.id: case for case in found}
    course = asked.period.course()
    for case in found:
        course[asked.period.part_of(case.closed_at)].append(case.id)
    days = tuple((Term("day", day), *_figures([by_id[one] for one in some])) for day, some in course.items())
    return Report(
        "callbacks",
        asked.period,
        tuple(case.id for case in found),
        (
            Table("total", words(*_FIGURES), (_figures(found),)),
            Table("by_day", words("day", *_FIGURES), days, chart=("requests",), over_time=True),
            Table("results", words("call_result", "calls"), tuple(_calls(found)), chart=("calls",)),
            Table("by_language", words("language", "cases"), tuple(_languages(found)), chart=("cases",)),
            Table("by_template", (*words("template"), *(Term("state", s) for s in _STATES)),
                  tuple(_texts(db, asked.period))),
        ),
    )  # fmt: skip


def _figures(mine: list[Closed]) -> tuple[Cell, ...]:
    tickets = [case for case in mine if any(clock.parameter == FIRST for clock in case.clocks)]
    numbers = [case.id for case in tickets]
    in_time = [c.id for c in tickets if any(k.parameter == FIRST and k.state == "met" for k in c.clocks)]
    return (
        count(case.id for case in mine),
        count(numbers),
        share(in_time, numbers),
        share([case.id for case in tickets if answered_in_time(case)], numbers),
        count(case.id for case in tickets if len(case.all("result")) > 1),
        count(case.id for case in mine if case.outcome == "unreachable_archived"),
        count(case.id for case in mine if case.outcome == "advised_mandarin"),
    )


def answered_in_time(case: Closed) -> bool:
    """Whether the customer was reached before the first limit ended (two hours, seed 000:7)."""
    due = min((clock.due for clock in case.clocks if clock.parameter == FIRST), default=None)
    return due is not None and any(f.value == "reached" and f.at <= due for f in case.all("result"))


def _calls(found: list[Closed]) -> list[tuple[Cell, ...]]:
    groups = by_key((str(fact.value), case.id) for case in found for fact in case.all("result"))
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [(Term("field", f"result/{value}"), count(numbers)) for value, numbers in ordered]


def _languages(found: list[Closed]) -> list[tuple[Cell, ...]]:
    groups = by_key((str(case.last("language") or ""), case.id) for case in found)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [(Term("field", f"language/{value}"), count(numbers)) for value, numbers in ordered]


def _texts(db: Database, period: Period) -> list[tuple[Cell, ...]]:
    query = (
        sa.select(outbox.c.template, outbox.c.state, outbox.c.case_id)
        .join(cases, cases.c.id == outbox.c.case_id)
        .where(cases.c.closed_at >= period.begins, cases.c.closed_at < period.ends)
        .where(cases.c.process == PROCESS, outbox.c.kind == "sms")
        .order_by(outbox.c.template, outbox.c.case_id)
    )
    groups = by_key(((row[0], row[1]), row[2]) for row in db.rows(query))
    templates = sorted({template for template, _ in groups})
    return [
        (Term("template", t), *(count(groups.get((t, state), [])) for state in _STATES)) for t in templates
    ]
