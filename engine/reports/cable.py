"""Monthly counts of faults and complaints of cable television (seed 003:188)."""

from __future__ import annotations

from collections.abc import Callable

from engine.storage.database import Database

from .closed_list import branch_term, type_term
from .model import Asked, Cell, Report, Table, Term, count, share, words
from .read import Closed, by_key, closed_cases

PROCESSES = ("cable_fault_report", "cable_user_complaint")


def build(db: Database, asked: Asked) -> Report:
    """Faults and complaints: how many, of what kind, how they ended, where."""
    found = closed_cases(db, asked.period, processes=PROCESSES)
    totals: list[tuple[Cell, ...]] = []
    for process in PROCESSES:
        mine = [case.id for case in found if case.process == process]
        punctual = [case.id for case in found if case.process == process and case.in_time]
        totals.append((Term("process", process), count(mine), share(punctual, mine)))
    return Report(
        "cable",
        asked.period,
        tuple(case.id for case in found),
        (
            Table("total", words("process", "cases", "in_time"), tuple(totals), chart=("cases",)),
            Table("by_type", words("process", "type", "cases"), _split(found, type_term)),
            Table("by_outcome", words("process", "result", "cases"), _split(found, _outcome)),
            Table(
                "by_branch",
                words("process", "branch", "cases"),
                _split(found, lambda c: branch_term(c.branch)),
            ),
        ),
    )


def _outcome(case: Closed) -> Term:
    return Term("outcome", f"{case.process}/{case.outcome}")


def _split(found: list[Closed], term: Callable[[Closed], Term]) -> tuple[tuple[Cell, ...], ...]:
    groups = by_key(((case.process, term(case)), case.id) for case in found)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    return tuple((Term("process", process), key, count(numbers)) for (process, key), numbers in ordered)
