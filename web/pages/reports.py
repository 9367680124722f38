"""Reports: figures of a period, each down to its cases; and the dossier of a case for the regulator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import orjson
from flask import Blueprint, Response, abort, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.errors import Rejected
from engine.people import respondents
from engine.queries import cases, timeline
from engine.reports import REPORTS, Asked, Report, branches, make
from engine.reports.closed_list import branch_term
from engine.reports.dossier import Dossier, dossier
from engine.reports.model import Figure, Table, Term
from engine.reports.period import Period, local_day, month_of, no_period, parse, week_of
from engine.reports.read import latest_close
from engine.reports.report_text import ReportText
from engine.reports.writing import csv_lines
from web import (
    case_data_view,
    charts,
    damage,
    errors,
    formatting,
    history_text,
    report_links,
    request_context,
    sla_view,
)
from web.i18n import locale
from web.numbers import whole

bp = Blueprint("reports", __name__)
_BEHIND = 500  #: cases listed behind one figure


def _need_files(name: str) -> None:
    """Whom reports are for, and whoever has a report's task, or may take it: the files of its period.

    Where a case is named, the others need not know that there is one.
    """
    case_id, period = request.args.get("case"), request.args.get("period", "")
    if not (request_context.may("reports") or (case_id and report_links.is_task_of(case_id, name, period))):
        abort(403 if case_id is None else 404)


def _teller(*, year: int | None = None) -> ReportText:
    return ReportText(request_context.in_force(), locale(), request_context.display_name, year=year)


@bp.get("/reports/")
def listing() -> ResponseReturnValue:
    """All reports there are."""
    in_words = _teller()
    found = [(name, in_words.title(name), in_words.about(name)) for name in REPORTS]
    return render_template("reports/list.html", reports=found)


@bp.get("/reports/<name>")
def show(name: str) -> ResponseReturnValue:
    """One report with its period, charts and tables."""
    if name not in REPORTS:
        abort(404)
    if request.args.get("from") and request.args.get("to"):
        return redirect(url_for(".show", name=name, period=_from_dates().text, branch=_branch()))
    period = _period(name)
    report = _make(name, period)
    in_words = _teller(year=local_day(request_context.now()).year)
    here: dict[str, Any] = {"name": name, "period": period.text, "branch": report.branch}

    def link(table: str, row: int, column: int) -> str:
        return url_for(".behind", table=table, row=row, column=column, **here)

    hidden = _hidden(term.code for table in report.tables for term in _case_terms(table))
    tables = [
        charts.shown_table(
            report, table, in_words, link, lambda case: url_for("cases.show", case_id=case), hidden
        )
        for table in report.tables
    ]
    return render_template(
        "reports/page.html",
        report=report,
        title=in_words.title(name),
        about=in_words.about(name),
        tables=tables,
        here=here,
        last_day=period.end - timedelta(days=1),
        beside=[_within_time(partial(period.beside, steps)) for steps in (-1, 1)],
        kinds=_kinds(period),
        branches=[(branch, in_words.term(branch_term(branch))) for branch in report.branches],
    )


@bp.get("/reports/<name>/cases")
def behind(name: str) -> ResponseReturnValue:
    """The cases behind one figure."""
    report = _make(name, _period(name))
    table = report.table(request.args.get("table", ""))
    row, column = (request.args.get(key, -1, type=whole) for key in ("row", "column"))
    if table is None or not (0 <= row < len(table.rows) and 0 <= column < len(table.columns)):
        abort(404)
    figure = table.rows[row][column]
    if not isinstance(figure, Figure):
        abort(404)
    in_words = _teller()
    numbers = figure.cases[:_BEHIND]
    hidden = _hidden(numbers)
    found = (cases.case(request_context.gongdan().db, number) for number in numbers if number not in hidden)
    words = [in_words.term(cell) for cell in table.rows[row] if isinstance(cell, Term)]
    return render_template(
        "reports/cases.html",
        report=report,
        title=in_words.title(name),
        what=" · ".join(
            filter(None, [in_words.table(report, table.key), *words, in_words.term(table.columns[column])])
        ),
        figure=in_words.figure(figure),
        rows=[case for case in found if case],
        left=len(figure.cases) - len(numbers),
    )


@bp.get("/reports/<name>.csv")
def download(name: str) -> Response:
    """The report, or one table of it, as CSV."""
    _need_files(name)
    report = _make(name, _period(name))
    only = request.args.get("table")
    chosen = [table for table in report.tables if only in (None, table.key)]
    if not chosen:
        abort(404)
    lines = csv_lines(report, [_kept(table) for table in chosen], _teller())
    answer = Response(stream_with_context(lines), mimetype="text/csv; charset=utf-8")
    return _attached(answer, "-".join(filter(None, [name, report.period.text, report.branch, only])) + ".csv")


@bp.get("/reports/<name>.zip")
def download_branches(name: str) -> ResponseReturnValue:
    """The report of each branch as CSV, all in one archive."""
    _need_files(name)
    period = _period(name)
    try:
        reports = branches.by_branch(request_context.gongdan().db, name, Asked(period, request_context.now()))
    except Rejected:
        said = gettext(
            "“%(report)s” has no case of any branch in %(period)s, so there is no file to download.",
            report=_teller().title(name),
            period=period.text,
        )
        return errors.page(404, gettext("Nothing to download"), said)
    body = branches.zipped(branches.files(reports, _teller(), _kept))
    return _attached(Response(body, mimetype="application/zip"), f"{name}-{period.text}.zip")


def _attached(answer: Response, file: str) -> Response:
    safe = quote(file.replace("/", "_"), safe="")
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{safe}"
    return answer


@bp.get("/cases/<case_id>/dossier")
def case_dossier(case_id: str) -> ResponseReturnValue:
    """Everything a regulator asks about a case, on one page to print."""
    formatting.date_fully()
    found = _dossier(case_id)
    case, release = found.case, request_context.release_of(found.case)
    reading = case_data_view.Reading(
        release, timeline.given(request_context.gongdan().db, case_id, found.steps)
    )
    return render_template(
        "reports/dossier.html",
        case=case,
        dossier=found,
        steps=history_text.told(found.steps, case, reading),
        clocks=sla_view.clocks(case),
        data=reading.lines(found.data),
        outcome=history_text.outcome(release, case, case.outcome) if case.outcome else None,
        label=lambda name: reading.label(name) or name,
        value=reading.text,
    )


@bp.get("/cases/<case_id>/dossier.json")
def case_dossier_json(case_id: str) -> Response:
    """The same dossier for another system."""
    made = _dossier(case_id).as_json(request_context.now())
    body = {"verdict": damage.as_json(), **made}
    answer = Response(orjson.dumps(body, option=orjson.OPT_INDENT_2), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{case_id}-dossier.json"'
    return answer


def _dossier(case_id: str) -> Dossier:
    case = request_context.known_case(case_id)
    damage.of_evidence()
    request_context.note_view(case_id, "dossier")
    release, forms = request_context.release_of(case), request_context.in_force().forms
    return dossier(request_context.gongdan().db, case, request_context.steps_of(case), release, forms)


# ---------------------------------------------------------------- what is asked for
def _make(name: str, period: Period) -> Report:
    return make(request_context.gongdan().db, name, Asked(period, request_context.now(), _branch()))


def _branch() -> str | None:
    return request.args.get("branch") or None


def _period(name: str) -> Period:
    """The period asked for; else the last whole one, or the last in which anything was closed."""
    if text := request.args.get("period"):
        return _parsed(text)
    of = week_of if name in REPORTS and REPORTS[name][1] == "week" else month_of
    usual = of(local_day(request_context.now())).beside(-1)
    latest = latest_close(request_context.gongdan().db)
    return of(local_day(latest)) if latest and latest < usual.begins else usual


def _from_dates() -> Period:
    asked = [request.args[key] for key in ("from", "to")]
    try:
        first, last = map(date.fromisoformat, asked)
        text = f"{first}..{last + timedelta(days=1)}"
    except (ValueError, OverflowError):
        abort(400, formatting.refusal(no_period("..".join(asked))))
    return _parsed(text)


def _parsed(text: str) -> Period:
    try:
        return parse(text)
    except Rejected as error:
        abort(400, formatting.refusal(error))


def _kinds(period: Period) -> dict[str, Period]:
    """The week, month and year in which a period ends."""
    last = period.end - timedelta(days=1)
    made: dict[str, Callable[[], Period]] = {
        "week": lambda: week_of(last),
        "month": lambda: month_of(last),
        "year": lambda: parse(f"{last.year:04}"),
    }
    return {kind: found for kind, make in made.items() if (found := _within_time(make))}


def _within_time(make: Callable[[], Period]) -> Period | None:
    """None for a period before the first or after the last year there is."""
    try:
        return make()
    except (Rejected, ValueError, OverflowError):
        return None


# ---------------------------------------------------------------- what one may not know
def _case_terms(table: Table) -> Iterable[Term]:
    return (c for row in table.rows for c in row if isinstance(c, Term) and c.kind == "case" and c.code)


def _hidden(numbers: Iterable[str]) -> set[str]:
    """Cases that complain about the reader."""
    return set(
        respondents.about(request_context.gongdan().db, request_context.person()).intersection(numbers)
    )


def _kept(table: Table) -> Table:
    """The table without rows on cases that complain about the reader."""
    hidden = _hidden(term.code for term in _case_terms(table))
    rows = tuple(
        row
        for row in table.rows
        if not any(isinstance(c, Term) and c.kind == "case" and c.code in hidden for c in row)
    )
    return Table(table.key, table.columns, rows, table.chart, table.over_time)
