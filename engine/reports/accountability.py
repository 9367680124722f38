"""Register of what staff were held to account for (seed 001:36). Names stay in the case."""

from __future__ import annotations

from engine.storage.database import Database

from .closed_list import branch_term
from .model import Asked, Cell, Report, Table, Term, count, words
from .read import Closed, by_key, chosen

PROCESS = "staff_service_complaint"
_KEYS = ("behaviour", "measure")


def build(db: Database, asked: Asked) -> Report:
    """Behaviour and measure of each case, and how often each came up."""
    found, branches = chosen(db, asked, processes=[PROCESS])
    tables = [
        Table(
            f"by_{name}",
            words(name, "cases"),
            tuple(
                (Term("field", f"{name}/{value}"), count(numbers))
                for value, numbers in sorted(
                    by_key((value, case.id) for case in found for value in values(case, name)).items(),
                    key=lambda item: -len(item[1]),
                )
            ),
            chart=("cases",),
        )
        for name in _KEYS
    ]
    lines = tuple(_line(case) for case in found)
    columns = words(
        "case", "branch", "behaviour", "finding", "measure", "published_to", "result", "closed_at"
    )
    return Report(
        "accountability",
        asked.period,
        tuple(case.id for case in found),
        (*tables, Table("list", columns, lines)),
        branches,
        asked.branch,
    )


def values(case: Closed, name: str) -> list[str]:
    """The latest answer to a question with one or several choices."""
    value = case.last(name)
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _line(case: Closed) -> tuple[Cell, ...]:
    told = {name: values(case, name) for name in ("behaviour", "finding", "measure", "published_to")}
    cells = {name: Term("field", f"{name}/{'、'.join(some)}") for name, some in told.items()}
    return (
        Term("case", case.id),
        branch_term(case.branch),
        *cells.values(),
        Term("outcome", f"{case.process}/{case.outcome}"),
        Term("instant", case.closed_at),
    )
