"""How much a request may hold, in whatever way it is written: little before sign-in, a form with its files after it.

Bounds of one encoding alone are no bounds: whoever wants to fill the memory chooses another.
"""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

from flask import Flask, Request, request
from flask_babel import gettext
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from . import request_context
from .doors import DOORS, STRANGERS

MOST_SENT = 32 * 1024 * 1024  #: bytes of a request: five files of five megabytes and the form around them
MOST_TEXT = 4 * 1024 * 1024  #: bytes of all fields together: a diagram as text, and some
MOST_FIELDS = 2000
SIGNING_IN = 64 * 1024  #: bytes of a form on a page that is open to anybody
_ESCAPED = 3  #: bytes by which one may be written in an address-like form


class TooLarge(RequestEntityTooLarge):
    """A form beyond its bounds; its description says which they are, in the language of the page."""


class _Parser(FormDataParser):
    """Reads forms; what all fields hold together is bounded, not only each of them."""

    def _parse_urlencoded(self, stream: IO[bytes], mimetype: str, length: int | None, options: Any) -> Any:
        body = stream.read(_ESCAPED * MOST_TEXT + 1)
        if len(body) > _ESCAPED * MOST_TEXT or body.count(b"&") >= MOST_FIELDS:
            raise _too_much_text()
        return _bounded(super()._parse_urlencoded(BytesIO(body), mimetype, length, options))

    def _parse_multipart(self, stream: IO[bytes], mimetype: str, length: int | None, options: Any) -> Any:
        try:
            return _bounded(super()._parse_multipart(stream, mimetype, length, options))
        except RequestEntityTooLarge:  # one field alone is too long, or there are too many
            raise _too_much_text() from None


class _Request(Request):
    form_data_parser_class = _Parser


def install(app: Flask) -> None:
    """Bound what every request may hold; to be installed before anything that reads forms."""
    app.request_class = _Request
    app.config.update(
        MAX_CONTENT_LENGTH=MOST_SENT, MAX_FORM_MEMORY_SIZE=MOST_TEXT, MAX_FORM_PARTS=MOST_FIELDS
    )

    @app.before_request
    def refuse_what_is_too_large() -> None:
        if (request.content_length or 0) > SIGNING_IN:  # all others may be as long
            most = _most(app.config["SESSION_COOKIE_NAME"])
            if (request.content_length or 0) > most < MOST_SENT:
                raise TooLarge(gettext("Before sign-in a form may have 64 KB."))


def _most(session_cookie: str) -> int:
    """Bytes that whoever asks may send here."""
    if request_context.signed_in():
        return MOST_SENT
    if session_cookie not in request.cookies:  # comes from no page of ours
        return SIGNING_IN
    if request.endpoint is None or DOORS.get(request.endpoint, STRANGERS) == STRANGERS:
        # A form that was typed before the session ended goes through the sign-in page, as one field.
        return MOST_TEXT + SIGNING_IN if request.mimetype == "multipart/form-data" else SIGNING_IN
    return MOST_SENT  # such a form itself: its fields go on after sign-in


def _bounded(parsed: tuple[Any, Any, Any]) -> Any:
    _, fields, _ = parsed
    held = sum(_bytes(name) + _bytes(text) for name, text in fields.items(multi=True))
    if held > MOST_TEXT:
        raise _too_much_text()
    return parsed


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def _too_much_text() -> TooLarge:
    return TooLarge(gettext("The fields of a form may hold 4 MB together, and there may be 2,000 of them."))
