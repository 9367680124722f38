"""Numbers of cases that complain about the reader are taken out of whatever a page says.

Lists and pages leave those cases out; but texts of other cases may name one: a title, an answer, a step that opened it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from flask import Flask, Response, request

from engine.base.errors import Unavailable
from engine.people import respondents

from . import errors, request_context
from .signing_in import OPEN_ENDPOINTS

VEIL = "░░░"  #: stands where such a number was


def install(app: Flask) -> None:
    """Look at every answer to somebody whom a case complains about; most people have none."""

    @app.after_request
    def veil(response: Response) -> Response:
        if response.direct_passthrough or request.endpoint in OPEN_ENDPOINTS:
            return response
        try:
            numbers = (
                respondents.about(request_context.gongdan().db, request_context.person())
                if request_context.signed_in()
                else ()
            )
        except Unavailable as error:  # what cannot be looked through is not shown
            return response if response.status_code == 503 else app.make_response(errors.refused(error))
        if numbers:
            mark = re.compile("|".join(map(re.escape, sorted(numbers))))
            if response.is_streamed:
                response.response = _each(mark, response.response)
            elif (response.mimetype or "").startswith("text/") or response.is_json:
                response.set_data(mark.sub(VEIL, response.get_data(as_text=True)))
        return response


def _each(mark: re.Pattern[str], parts: Iterable[str] | Iterable[bytes]) -> Iterator[str]:
    """Lines are streamed whole, so that no number is cut in two."""
    for part in parts:
        yield mark.sub(VEIL, part if isinstance(part, str) else part.decode())
