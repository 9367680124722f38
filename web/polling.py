"""Fragments that pages ask for every few seconds: 304 while nothing has changed."""

from __future__ import annotations

import hashlib

from flask import Response, make_response, render_template, request

TAG = "__fragment_tag__"  #: where a fragment carries its own tag, for the next poll


def unchanged(template: str, **values: object) -> Response:
    """The fragment, or 304 when the browser has this very one.

    The browser names what it has in ``If-None-Match`` itself (htmx sends it from the fragment's attribute), so
    that it hears the 304 and leaves the page, its focus and its scrolling alone.
    """
    body = render_template(template, fragment_tag=TAG, **values)
    tag = hashlib.sha256(body.encode()).hexdigest()[:24]
    known = request.if_none_match.contains(tag)
    answer = Response(status=304) if known else make_response(body.replace(TAG, tag))
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def tagged(html: str) -> str:
    """A fragment rendered into a whole page, with its tag filled in: the first poll may already hear 304."""
    return html.replace(TAG, hashlib.sha256(html.encode()).hexdigest()[:24])
