"""Upgraded complaints by branch, type and severity (seed 004:553-555)."""

from __future__ import annotations

from engine.storage.database import Database

from .closed_list import branch_term
from .model import Asked, Cell, Report, Table, Term, count, share, words
from .read import Closed, chosen

LEVELS = ("general", "severe", "major")


def build(db: Database, asked: Asked) -> Report:
    """Counts of each severity, the rises between them, in-time share and revisit satisfaction."""
    found, branches = chosen(db, asked)
    rises = [(case.id, *step) for case in found for step in risen(case)]
    groups: dict[tuple[str, tuple[str, str]], list[Closed]] = {}
    for case in found:
        groups.setdefault((case.branch, case.type or ("", "")), []).append(case)
    rows: list[tuple[Cell, ...]] = []
    for (branch, kind), mine in sorted(groups.items()):
        rated = [case.id for case in mine if case.rated]
        numbers = [case.id for case in mine]
        upgraded = list(dict.fromkeys(rise[0] for rise in rises if rise[0] in set(numbers)))
        rows.append(
            (
                branch_term(branch),
                Term("field", "/".join(kind)) if kind[0] else Term("text", ""),
                *(count(case.id for case in mine if case.severity == level) for level in LEVELS),
                count(upgraded),
                share(upgraded, numbers),
                share([case.id for case in mine if case.in_time], numbers),
                share([case.id for case in mine if case.rated and not case.dissatisfied], rated),
            )
        )
    steps: list[tuple[Cell, ...]] = [
        (Term("severity", low), *(count(r[0] for r in rises if r[1:] == (low, high)) for high in LEVELS))
        for low in LEVELS[:2]
    ]
    levels = tuple(Term("severity", level) for level in LEVELS)
    return Report(
        "upgrades",
        asked.period,
        tuple(case.id for case in found),
        (
            Table(
                "by_level",
                words("severity", "closed_cases", "in_time"),
                tuple(
                    (Term("severity", level), count(numbers), share(punctual, numbers))
                    for level in LEVELS
                    for numbers in [[case.id for case in found if case.severity == level]]
                    for punctual in [[case.id for case in found if case.severity == level and case.in_time]]
                ),
                chart=("closed_cases",),
            ),
            Table("from_to", (*words("from_level"), *levels), tuple(steps)),
            Table(
                "by_branch_type",
                (
                    *words("branch", "type"),
                    *levels,
                    *words("upgraded", "upgraded_share", "in_time", "satisfied"),
                ),
                tuple(rows),
            ),
        ),
        branches=branches,
        branch=asked.branch,
    )


def risen(case: Closed) -> list[tuple[str, str]]:
    """Each rise of severity as (from, to). What repeats an earlier level is no rise."""
    steps = []
    highest: str | None = None
    for fact in case.all("severity"):
        level = str(fact.value)
        if level not in LEVELS:
            continue
        if highest is not None and LEVELS.index(level) > LEVELS.index(highest):
            steps.append((highest, level))
        if highest is None or LEVELS.index(level) > LEVELS.index(highest):
            highest = level
    return steps
