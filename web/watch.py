"""What every answer tells the security log: who was refused, and who took a file along.

One place for all rooms, so that a new page or download is in the log without a word of its own.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from flask import Flask, Response, request

from engine.base.errors import Unavailable
from engine.people.security_events import Downloaded, Event, Refused

from . import errors, request_context
from .doors import DOORS, STRANGERS

_FILE = re.compile(r"filename(?:\*=UTF-8''|=)\"?([^\";]+)")
PRINTED = frozenset({"reports.case_dossier"})  #: pages that are taken along as they are: to print


def install(app: Flask) -> None:
    """Look at every answer as it leaves the house."""

    @app.after_request
    def watch(response: Response) -> Response:
        if response.status_code == 403:
            request_context.note_if_possible(_refused(response))
        elif response.status_code == 200 and (event := _taken(response)) is not None:
            try:
                request_context.note(event)
            except Unavailable as error:  # what cannot be noted is not given away
                response.close()
                return app.make_response(errors.refused(error))
        return response


def _refused(response: Response) -> Event:
    return Refused(
        about=request.endpoint or "", method=request.method, path=request.path, status=response.status_code
    )


def _taken(response: Response) -> Event | None:
    """What the answer gives away as a file; None for a page, and for one that only asks whether it changed."""
    told = response.headers.get("Content-Disposition")
    if request.method != "GET" or (told is None and request.endpoint not in PRINTED):
        return None
    if DOORS.get(request.endpoint or "") == STRANGERS:
        return None  # what anybody gets, such as scripts and styles, gives nothing away
    named = _FILE.search(told or "")
    case = (request.view_args or {}).get("case_id")
    query = request.query_string.decode("utf-8", "replace")
    return Downloaded(
        about=case or request.endpoint or "",
        path=request.path + (f"?{query}" if query else ""),
        file=unquote(named.group(1)) if named else "",
    )
