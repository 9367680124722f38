"""Spot checks of calls, cases and records (seed 004:557-561)."""

from __future__ import annotations

from engine.db.database import Database

from .closed_list import branch_term, yes
from .model import Asked, Cell, Report, Table, Term, count, mean, words
from .read import Closed, by_key, chosen

PROCESS = "quality_spot_check"


def build(db: Database, asked: Asked) -> Report:
    """Each check with its score, defects and whether it was published; scores by branch; defects by kind."""
    found, branches = chosen(db, asked, processes=[PROCESS])
    groups: dict[str, list[Closed]] = {}
    for case in found:
        groups.setdefault(case.branch, []).append(case)
    defects = by_key((defect, case.id) for case in found for defect in _defects(case))
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
                        count(case.id for case in mine if _defects(case)),
                    )
                    for branch, mine in sorted(groups.items())
                ),
                chart=("checks",),
            ),
            Table(
                "defects",
                words("defect", "cases"),
                tuple(
                    (Term("field", f"defects/{defect}"), count(numbers))
                    for defect, numbers in defects.items()
                ),
                chart=("cases",),
            ),
            Table(
                "list",
                words("case", "branch", "sample", "handler", "score", "defects", "published_q", "closed_at"),
                tuple(_line(case) for case in found),
            ),
        ),
        branches,
        asked.branch,
    )


def _score(case: Closed) -> float | None:
    value = case.last("score")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _defects(case: Closed) -> list[str]:
    value = case.last("defects")
    return [str(one) for one in value] if isinstance(value, list) else []


def _line(case: Closed) -> tuple[Cell, ...]:
    score = _score(case)
    return (
        Term("case", case.id),
        branch_term(case.branch),
        Term("field", f"sample_kind/{case.last('sample_kind') or ''}"),
        Term("person", case.handler() or ""),
        Term("text", "" if score is None else f"{score:g}"),
        Term("text", str(len(_defects(case)))),
        yes(bool(case.last("published") or case.last("published_to"))),
        Term("instant", case.closed_at),
    )
