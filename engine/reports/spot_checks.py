"""Spot checks of calls, cases and records (seed 004:557-561)."""

from __future__ import annotations

from engine.storage.database import Database

from .closed_list import branch_term, yes
from .model import Asked, Cell, Report, Table, Term, count, mean, words
from .read import Closed, chosen

PROCESS = "quality_spot_check"


def build(db: Database, asked: Asked) -> Report:
    """Each published check with its score and defects; scores by branch."""
    found, branches = chosen(db, asked, processes=[PROCESS])
    groups: dict[str, list[Closed]] = {}
    for case in found:
        groups.setdefault(case.branch, []).append(case)
    return Report(
        "spot_checks",
        asked.period,
        tuple(case.id for case in found),
        (
            Table(
                "by_branch",
                words("branch", "checks", "mean", "with_defects"),
                tuple(
                    (
                        branch_term(branch),
                        count(case.id for case in mine),
                        mean([(case.id, score) for case in mine if (score := _score(case)) is not None]),
                        count(case.id for case in mine if case.last("defects")),
                    )
                    for branch, mine in sorted(groups.items())
                ),
                chart=("checks",),
            ),
            Table(
                "list",
                words(
                    "case",
                    "branch",
                    "sample",
                    "inspected_by",
                    "sample_size",
                    "score",
                    "defects",
                    "objection",
                    "closed_at",
                ),
                tuple(_line(case) for case in found),
            ),
        ),
        branches,
        asked.branch,
    )


def _score(case: Closed) -> float | None:
    value = case.last("average_score")
    return float(value) if isinstance(value, int | float) else None


def _line(case: Closed) -> tuple[Cell, ...]:
    def number(value: float | None) -> Term:
        return Term("text", "" if value is None else f"{value:g}")

    return (
        Term("case", case.id),
        branch_term(case.branch),
        Term("field", f"check_object/{case.last('check_object') or ''}"),
        Term("text", str(case.last("inspecting_centre") or "")),
        number(case.last("sample_size")),
        number(_score(case)),
        number(case.last("defects")),
        yes(bool(case.last("objection_raised"))),
        Term("instant", case.closed_at),
    )
