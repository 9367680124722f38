"""The inbox: what a person works on and may take next."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from flask import Blueprint, Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from engine.base.errors import Conflict, NotAllowed, Rejected
from engine.base.phones import one_form
from engine.case.commands import ClaimTask
from engine.case.numbers import parse
from engine.export.cells import safe
from engine.privacy.sealing import lookup_key
from engine.queries import inbox as query
from web import formatting, inbox_columns, request_context
from web.polling import unchanged
from web.tables import decode_cursor, encode_cursor

bp = Blueprint("inbox", __name__)

TITLES: dict[query.Tab, object] = {
    "mine": lazy_gettext("Mine"),
    "queues": lazy_gettext("My queues"),
    "soon": lazy_gettext("Due soon"),
    "overdue": lazy_gettext("Overdue"),
    "all": lazy_gettext("All open"),
}
#: what an address may ask for: a tab, what is searched for, and what the board narrows a list by
ASKED = ("tab", "q", "process", "role", "unit", "held", "free")
EXPORTED = 10_000  #: rows of a CSV file


def _tab() -> query.Tab:
    tabs = query.tabs_of(request_context.person())
    wanted = request.values.get("tab", "")
    return next((tab for tab in tabs if tab == wanted), "mine")


def _filters() -> query.Filters:
    text = request.values.get("q", "").strip()
    digits = "".join(ch for ch in text if ch.isdigit())
    number = parse(text)
    is_phone = number is None and len(digits) >= 7 and "-" not in text
    phone = lookup_key(request_context.settings().lookup_key, one_form(text)) if is_phone else None
    return query.Filters(
        process=request.values.get("process") or None,
        case_prefix=number or (text if text and phone is None else None),
        phone_key=phone,
        role=request.values.get("role") or None,
        unit=request.values.get("unit"),
        held=query.NOBODY if request.values.get("free") else request.values.get("held") or None,
    )


def _narrowed(filters: query.Filters) -> list[str]:
    """In words what the board narrowed the list by."""
    words = []
    if filters.role or filters.unit:
        words.append(formatting.queue(filters.role, filters.unit))
    if filters.held is not None:
        words.append(formatting.who(filters.held) or gettext("Held by nobody"))
    return words


def _page(tab: query.Tab, after: query.Cursor | None, limit: int) -> query.Page:
    return query.work(
        request_context.gongdan().db,
        request_context.person(),
        tab,
        request_context.now(),
        _filters(),
        after,
        limit,
    )


def _cursor(given: Sequence[str | int] | None) -> query.Cursor | None:
    """Where the next page begins; None for the first page, and for a cursor that is none of ours."""
    match given:
        case [int(rank), str(due), str(case), int(number)]:
            return rank, due, case, number
    return None


@bp.get("/")
def show() -> ResponseReturnValue:
    """The work list; htmx asks for the list alone, and hears 304 while nothing has changed."""
    person, tab = request_context.person(), _tab()
    page = _page(tab, _cursor(decode_cursor(request.args.get("after"))), 50)
    values = {
        "tab": tab,
        "tabs": [(key, TITLES[key]) for key in query.tabs_of(person)],
        "counts": query.counts(request_context.gongdan().db, person, request_context.now()),
        "page": page,
        "columns": inbox_columns.seen(),
        "next": encode_cursor(page.next),
        "filters": {k: v for k, v in request.args.items() if k in ASKED},
        "narrowed": _narrowed(_filters()),
        "parameters": request_context.in_force().parameters,
        "processes": request_context.process_names(startable=True),
    }
    if request_context.wants_fragment():
        return unchanged("inbox/list.html", **values)
    return render_template("inbox/page.html", **values)


@bp.post("/inbox/next")
def take_next() -> ResponseReturnValue:
    """Claim the most urgent free task of one's queues and open it; the next one when somebody was faster."""
    person = request_context.person()
    rows = query.work(
        request_context.gongdan().db, person, "queues", request_context.now(), query.Filters(), None, 20
    ).rows
    for row in rows:
        try:
            request_context.dispatch(
                ClaimTask(case_id=row.case_id, task=row.task, actor=person.name, at=request_context.now())
            )
        except (Conflict, NotAllowed, Rejected):
            continue
        return redirect(url_for("tasks.show_task", case_id=row.case_id, number=row.task), 303)
    flash(gettext("Nothing is waiting in your queues."), "info")
    return redirect(url_for("inbox.show", tab="queues"), 303)


@bp.get("/inbox.csv")
def export() -> Response:
    """The rows of the tab under the filters on screen, as CSV."""
    tab = _tab()
    answer = Response(stream_with_context(_csv(tab)), mimetype="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="gongdan-{tab}.csv"'
    return answer


def _csv(tab: query.Tab) -> Iterator[str]:
    yield "\ufeff" + _line(inbox_columns.headings())
    after, sent = None, 0
    while sent < EXPORTED:
        page = _page(tab, after, 500)
        for row in page.rows:
            yield _line(inbox_columns.line(row))
        sent, after = sent + len(page.rows), page.next
        if after is None:
            return


def _line(values: Sequence[str | None]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([safe(value) for value in values])
    return line.getvalue()
