"""A form sent by somebody who is signed out, or from a page older than their sign-in: it is carried on, not dropped.

What was sent travels through the sign-in page as one hidden field, so nothing of it is kept here before anybody
is known. After sign-in the form's own room takes it up, or a page shows it and asks whether to send it now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from urllib.parse import urlsplit

import orjson
from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from . import request_context
from .i18n import listed
from .local_paths import local_path

FIELD = "unsent"  #: the hidden field that carries it
MOST = 2_500_000  #: characters that are carried: a diagram as text, and some
#: what a page itself puts into a form
_NOT_ANSWERS = frozenset({"csrf_token", "submit_key", "_by", "_base", "_shown", "_bad"})
Taker = Callable[..., ResponseReturnValue]
_takers: dict[str, Taker] = {}


@dataclass(frozen=True)
class Unsent:
    """A form that was not taken: where to, what it held, the names of its files, and who typed it (empty: unknown)."""

    path: str
    pairs: list[tuple[str, str]]
    files: list[str]
    by: str
    back: str

    def packed(self) -> str:
        """As the hidden field holds it."""
        return orjson.dumps(asdict(self)).decode()

    @property
    def shown(self) -> list[str]:
        """The texts that a person would recognise."""
        return [
            text
            for name, text in self.pairs
            if text and name[:1] != "_" and name not in (*_NOT_ANSWERS, "next")
        ]


def answers(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """What a person typed or chose in a form, with when it was offered to them; empty when they answered nothing."""
    kept = [
        (name, text)
        for name, text in form.items(multi=True)
        if name not in _NOT_ANSWERS and not name.startswith(("_add_", "_remove_"))
    ]
    return kept if any(name[:1] != "_" for name, _ in kept) else []


def takes(endpoint: str) -> Callable[[Taker], Taker]:
    """Mark the function that takes up a form of ``endpoint`` after sign-in: given the form, why it was not taken,
    and the view's arguments.
    """

    def mark(taker: Taker) -> Taker:
        _takers[endpoint] = taker
        return taker

    return mark


def of_request(*, trusted: bool) -> Unsent | None:
    """The form of this request, None when there is nothing to carry on.

    ``trusted``: its token was right. Otherwise only a form of our own pages is carried, which the browser vouches
    for: a page of somebody else must not put words into the mouth of whoever signs in next.
    """
    if request.method != "POST" or not (trusted or _from_here()):
        return None
    if any("password" in name for name in request.form):
        return None
    pairs = [
        (name, text) for name, text in request.form.items(multi=True) if name not in ("csrf_token", "_by")
    ]
    files = [file.filename for file in request.files.values() if file.filename]
    by = request.form.get("_by") or str(session.get("_user_id", "")).partition(":")[2]
    found = Unsent(request.full_path.rstrip("?"), pairs, files, by, _came_from())
    return found if len(found.packed()) <= MOST else None


def _from_here() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    source = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return bool(source) and urlsplit(source).netloc == request.host


def _came_from() -> str:
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host or parts.path == request.path:
        return url_for("inbox.show")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def carried(*, trusted: bool) -> Unsent | None:
    """What the sign-in page carries; None for nothing, or nothing of ours. ``trusted`` as above."""
    if not (trusted or _from_here()):
        return None
    try:
        found = orjson.loads(request.form.get(FIELD, ""))
        return Unsent(
            str(found["path"]),
            [(str(name), str(value)) for name, value in found["pairs"]],
            [str(name) for name in found["files"]],
            str(found["by"]),
            str(found["back"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def within(found: Unsent) -> Unsent:
    """The same with paths of this application alone."""
    return replace(found, path=local_path(found.path), back=local_path(found.back))


def resume(found: Unsent, said: str) -> ResponseReturnValue:
    """What the person, signed in now, gets for a form that was not taken; ``said``: why it was not."""
    if found.by and found.by != request_context.person().name:
        whose = gettext(
            "What was typed here belongs to %(name)s. It was not sent, and is not shown to anybody else.",
            name=request_context.display_name(found.by),
        )
        flash(whose, "warn")
        return redirect(url_for("inbox.show"), 303)
    if found.files:
        flash(gettext("Files have to be chosen again: %(names)s.", names=listed(found.files)), "warn")
    try:
        endpoint, arguments = current_app.create_url_adapter(request).match(urlsplit(found.path).path, "POST")  # type: ignore[union-attr]
    except HTTPException:
        return redirect(found.back, 303)
    if (taker := _takers.get(endpoint)) is not None:
        return taker(MultiDict(found.pairs), said, **arguments)
    return render_template("unsent.html", unsent=found, said=said)
