"""Archive and analysis: what it was, how it ended, what came back, what is being improved (seed 004:35-39, 217-228)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from engine.storage.database import Database
from engine.storage.tables import cases

from .closed_list import type_term
from .model import Asked, Cell, Report, Table, Term, count, share, word, words
from .period import Period, local_day
from .read import Closed, by_key, chosen

REOPEN_WINDOW = timedelta(days=30)  #: processes §1.2


def build(db: Database, asked: Asked) -> Report:
    """Categories, outcomes, repeat complaints, improvement actions, and the course of the period."""
    found, branches = chosen(db, asked)
    again = _same_number(db, asked.period) & {case.id for case in found}
    return Report(
        "archive",
        asked.period,
        tuple(case.id for case in found),
        (
            Table("course", words("day", "closed_cases"), tuple(_course(found, asked.period)), ("closed_cases",), True),
            Table("by_type", words("process", "type", "cases", "severe_or_major", "root_cause", "repeats"),
                  tuple(_types(found, again))),
            Table("by_process", words("process", "cases"), _plain(found, lambda c: Term("process", c.process)),
                  chart=("cases",)),
            Table("by_outcome", words("process", "result", "cases"), tuple(_outcomes(found)), chart=("cases",)),
            Table("by_code", words("closing_code", "cases"),
                  _plain([c for c in found if c.last("closing_code")],
                         lambda c: Term("field", f"closing_code/{c.last('closing_code')}")), chart=("cases",)),
            Table("repeats", words("repeat_kind", "cases"), tuple(_repeats(found, again))),
            Table("improvement", words("improvement", "cases"), tuple(_improvement(found, asked.now))),
        ),
        branches,
        asked.branch,
    )  # fmt: skip


def _plain(found: list[Closed], term: Callable[[Closed], Term]) -> tuple[tuple[Cell, ...], ...]:
    groups = by_key((term(case), case.id) for case in found)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple((key, count(numbers)) for key, numbers in ordered)


def _outcomes(found: list[Closed]) -> list[tuple[Cell, ...]]:
    groups = by_key(((case.process, case.outcome), case.id) for case in found)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1])))
    return [
        (Term("process", process), Term("outcome", f"{process}/{outcome}"), count(numbers))
        for (process, outcome), numbers in ordered
    ]


def _course(found: list[Closed], period: Period) -> list[tuple[Cell, ...]]:
    groups = period.course()
    for case in found:
        groups[period.part_of(case.closed_at)].append(case.id)
    return [(Term("day", day), count(numbers)) for day, numbers in groups.items()]


def _types(found: list[Closed], again: set[str]) -> list[tuple[Cell, ...]]:
    groups: dict[tuple[str, Term], list[Closed]] = {}
    for case in found:
        groups.setdefault((case.process, type_term(case)), []).append(case)
    rows: list[tuple[Cell, ...]] = []
    for (process, kind), mine in sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]))):
        numbers = [case.id for case in mine]
        rows.append(
            (
                Term("process", process),
                kind,
                count(numbers),
                count(case.id for case in mine if case.severity in ("severe", "major")),
                share([case.id for case in mine if case.last("root_cause")], numbers),
                count(case.id for case in mine if case.id in again or case.last("duplicate_relation")),
            )
        )
    return rows


def _repeats(found: list[Closed], again: set[str]) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [
        (Term("field", f"duplicate_relation/{relation}"),
         count(case.id for case in found if case.last("duplicate_relation") == relation))
        for relation in ("same_issue", "reopened", "recomplaint")
    ]  # fmt: skip
    rows.append((word("same_number"), count(case.id for case in found if case.id in again)))
    return rows


def _improvement(found: list[Closed], now: str) -> list[tuple[Cell, ...]]:
    today = local_day(now).isoformat()
    decided = [case for case in found if case.last("improvement_action")]
    done = [case for case in found if case.last("improvement_done")]
    late = [
        case
        for case in decided
        if not case.last("improvement_done") and str(case.last("improvement_due") or "~") < today
    ]
    knowledge = [case for case in found if case.last("knowledge_article_needed") is True]
    told = (
        ("action_decided", decided),
        ("action_done", done),
        ("action_late", late),
        ("knowledge", knowledge),
    )
    return [(word(code), count(case.id for case in some)) for code, some in told]


def _same_number(db: Database, period: Period) -> set[str]:
    """Cases closed in the period whose number had another case opened up to 30 days before theirs."""
    mine, earlier = cases.alias("mine"), cases.alias("earlier")
    query = (
        sa.select(mine.c.id, mine.c.opened_at, earlier.c.opened_at)
        .join(
            earlier, sa.and_(earlier.c.phone_key == mine.c.phone_key, earlier.c.opened_at < mine.c.opened_at)
        )
        .where(mine.c.closed_at >= period.begins, mine.c.closed_at < period.ends)
        .where(mine.c.phone_key.is_not(None), mine.c.process.not_like("%revisit%"))  # we called, not they
    )
    return {case for case, at, before in db.rows(query) if local_day(at) - local_day(before) <= REOPEN_WINDOW}
