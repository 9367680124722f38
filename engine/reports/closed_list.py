"""Closed cases, a list for each branch (seed 004:548)."""

from __future__ import annotations

from engine.storage.database import Database

from .model import Asked, Cell, Report, Table, Term, count, mean, share, word, words
from .read import UNASSIGNED, Closed, by_key, closed_cases


def build(db: Database, asked: Asked) -> Report:
    """One line a case, and a summary of each branch. A re-opened matter is a case of its own and marked."""
    found = closed_cases(db, asked.period)
    branches = by_key((case.branch, case.id) for case in found)
    if asked.branch is not None:
        found = [case for case in found if case.branch == asked.branch]
    by_id = {case.id: case for case in found}
    summary = []
    for branch, numbers in sorted(branches.items(), key=lambda item: (-len(item[1]), item[0])):
        mine = [by_id[number] for number in numbers if number in by_id]
        if mine:
            summary.append(_summary(branch, mine))
    return Report(
        "closed_list",
        asked.period,
        tuple(by_id),
        (
            Table(
                "by_branch",
                words("branch", "closed_cases", "severe_or_major", "in_time", "overall_mean", "reopened"),
                tuple(summary),
                chart=("closed_cases",),
            ),
            Table(
                "list",
                words(
                    "case",
                    "branch",
                    "process",
                    "type",
                    "severity",
                    "handler",
                    "cause",
                    "result",
                    "closed_at",
                    "in_time_q",
                    "overall",
                    "reopened_of",
                ),
                tuple(_line(case) for case in found),
            ),
        ),
        branches=tuple(sorted(branches)),
        branch=asked.branch,
    )


def branch_term(branch: str) -> Term:
    """A branch as a cell."""
    return word(UNASSIGNED) if branch == UNASSIGNED else Term("department", branch)


def type_term(case: Closed) -> Term:
    """What kind of complaint a case was, as a cell."""
    return Term("field", "/".join(case.type)) if case.type else Term("text", "")


def yes(value: bool) -> Term:
    """Yes or no as a cell."""
    return word("yes" if value else "no")


def _summary(branch: str, mine: list[Closed]) -> tuple[Cell, ...]:
    numbers = [case.id for case in mine]
    return (
        branch_term(branch),
        count(numbers),
        count(case.id for case in mine if case.severity in ("severe", "major")),
        share([case.id for case in mine if case.in_time], numbers),
        mean([(case.id, case.score) for case in mine if case.score is not None]),
        count(case.id for case in mine if _reopened(case)),
    )


def _line(case: Closed) -> tuple[Cell, ...]:
    return (
        Term("case", case.id),
        branch_term(case.branch),
        Term("process", case.process),
        type_term(case),
        Term("severity", case.severity),
        Term("person", case.handler() or ""),
        Term("text", str(case.last("reason_l3")))
        if case.last("reason_l3")
        else Term("triage", str(case.last("triage_category") or "")),
        Term("outcome", f"{case.process}/{case.outcome}"),
        Term("instant", case.closed_at),
        yes(case.in_time),
        Term("text", "" if case.score is None else str(case.score)),
        Term("case", str(case.last("duplicate_of") or "")) if _reopened(case) else Term("text", ""),
    )


def _reopened(case: Closed) -> bool:
    return case.last("duplicate_relation") in ("reopened", "recomplaint")
