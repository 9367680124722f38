"""From a case that is about a report to the report: the weekly list's task leads to the list of its week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.people.roles import Assignment
from engine.people.rules import fits
from engine.queries import work
from engine.queries.cases import Case, start_data
from engine.reports import REPORTS, Asked, Report, make
from engine.reports.closed_list import branch_term
from engine.reports.model import Figure
from engine.reports.period import local_day, parse
from engine.reports.report_text import ReportText

from . import request_context
from .i18n import locale


@dataclass(frozen=True, slots=True)
class ReportLink:
    """A report for one period. ``address`` are the query values that its pages and files are asked with."""

    name: str
    title: str
    period: str
    address: Mapping[str, str]
    page: bool  #: whether the reader may open the report's pages, not only its files
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]  #: its first table, to compare with while the form is filled in
    branches: tuple[tuple[str, str], ...]  #: (code, name), where each branch gets a list of its own


def of_case(case: Case) -> ReportLink | None:
    """The report that a case is about, when the reader may have it; None for all other cases."""
    about = _about(case)
    if about is None or not (request_context.may("reports") or _has_task(case)):
        return None
    name, period = about
    report = make(request_context.gongdan().db, name, Asked(parse(period), request_context.now()))
    in_words = ReportText(
        request_context.in_force(),
        locale(),
        request_context.display_name,
        year=local_day(request_context.now()).year,
    )
    headings, rows = _first_table(report, in_words)
    return ReportLink(
        name,
        in_words.title(name),
        period,
        {"name": name, "period": period, "case": case.id},
        request_context.may("reports"),
        headings,
        rows,
        tuple((branch, in_words.term(branch_term(branch))) for branch in report.branches),
    )


def is_task_of(case_id: str, name: str, period: str) -> bool:
    """Whether the person has, or may take, a task of the case that report ``name`` of ``period`` is about."""
    case = request_context.known_case(case_id)
    return _about(case) == (name, period) and _has_task(case)


def _about(case: Case) -> tuple[str, str] | None:
    process = request_context.release_of(case).processes.get(case.process)
    name = process.properties.get("report") if process else None
    if name not in REPORTS:
        return None
    period = start_data(request_context.gongdan().db, case.id).get("report_period")
    return (name, period) if isinstance(period, str) else None


def _has_task(case: Case) -> bool:
    """Whether the person has a task of the case, or could take one that nobody has."""
    person, gongdan = request_context.person(), request_context.gongdan()
    within_reach = [
        task.task
        for task in work.tasks(gongdan.db, case.id)
        if task.state == "open"
        and (
            fits(person, Assignment(task.role, task.skill, task.department))
            if task.claimed_by is None
            else task.claimed_by == person.name
        )
    ]
    if not within_reach:
        return False
    instance = gongdan.dispatcher.current(case.id)
    with instance.lock:
        return any(
            person.name not in instance.excluded(task) for task in within_reach if task in instance.open
        )


def _first_table(report: Report, in_words: ReportText) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    table = report.tables[0]
    told = [
        (in_words.term(column), [in_words.cell(row[n]) for row in table.rows])
        for n, column in enumerate(table.columns)
        if n == 0 or all(isinstance(row[n], Figure) for row in table.rows)
    ]
    headings = tuple(heading for heading, _ in told)
    return headings, tuple(zip(*(cells for _, cells in told), strict=True))
