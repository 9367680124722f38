"""The security log: looked through by administrators and auditors, on a page or as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from flask import Blueprint, Response, abort, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from engine.base.instants import SHANGHAI, iso
from engine.export.cells import safe
from engine.people.security_events import KINDS
from engine.people.security_log import Entry
from engine.queries import security as query
from engine.queries.security import Wanted
from web import request_context, security_words
from web.tables import decode_cursor, encode_cursor

bp = Blueprint("security_log", __name__, url_prefix="/admin")
_A_PAGE = 50  #: entries
EXPORTED = 100_000  #: rows of a CSV file
ASKED = ("who", "kind", "address", "from", "to")


@bp.get("/security")
def listing() -> ResponseReturnValue:
    """Entries, newest first, narrowed by who, kind, address and days."""
    after = decode_cursor(request.args.get("after"))
    before = after[0] if after and isinstance(after[0], int) else None
    rows, following = query.listed(request_context.gongdan().db, _wanted(), before, _A_PAGE)
    return render_template(
        "admin/security.html",
        rows=rows,
        next=encode_cursor([following]) if following else None,
        kinds={kind: security_words.name(kind) for kind in KINDS},
        kind_name=security_words.name,
        told=security_words.told,
        asked={key: request.args[key] for key in ASKED if request.args.get(key)},
    )


@bp.get("/security.csv")
def export() -> Response:
    """The same entries as CSV, with the number of each: gaps there are none."""
    answer = Response(stream_with_context(_lines(_wanted())), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="gongdan-security.csv"'
    return answer


def _lines(wanted: Wanted) -> Iterator[str]:
    columns = (
        gettext("Number"), gettext("Time"), gettext("Kind"), gettext("By whom"), gettext("Address"),
        gettext("About"), gettext("Details"),
    )  # fmt: skip
    yield "\ufeff" + _line(columns)
    before, sent = None, 0
    while sent < EXPORTED:
        rows, before = query.listed(request_context.gongdan().db, wanted, before, 500)
        for row in rows:
            yield _line((str(row.id), row.at, security_words.name(row.kind), row.person, *_rest(row)))
        sent += len(rows)
        if before is None:
            return


def _rest(row: Entry) -> tuple[str, str, str]:
    return row.address, row.about, security_words.told(row)


def _line(values: tuple[str, ...]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([safe(value) for value in values])
    return line.getvalue()


def _wanted() -> Wanted:
    kind = request.args.get("kind", "")
    return Wanted(
        who=request.args.get("who", "").strip(),
        kind=kind if kind in KINDS else "",
        address=request.args.get("address", "").strip(),
        since=_midnight(request.args.get("from"), 0),
        until=_midnight(request.args.get("to"), 1),
    )


def _midnight(day: str | None, later: int) -> str | None:
    """The instant at which a local day begins, or the one ``later`` days after it; None where none is named."""
    if not day:
        return None
    try:
        return iso(datetime.combine(date.fromisoformat(day) + timedelta(days=later), time(), SHANGHAI))
    except (ValueError, OverflowError):
        abort(400, gettext("Expected a day such as 2026-03-31, but it is “%(day)s”.", day=day[:80]))
