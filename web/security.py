"""Headers and CSRF: what protects every page alike."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask, Response, abort, request
from flask_babel import gettext
from flask_wtf import CSRFProtect

from engine.base.settings import Settings
from engine.base.texts import storable

from .cookies import host_cookie

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

csrf = CSRFProtect()


def install(app: Flask, settings: Settings) -> None:
    """Protect every form, answer with strict headers, keep cookies to ourselves."""
    app.config.update(
        SESSION_COOKIE_NAME=host_cookie("gongdan", settings),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        WTF_CSRF_SECRET_KEY=settings.signing_keys,
        WTF_CSRF_TIME_LIMIT=None,  # a form may stay open for a whole shift; the session limits it
        WTF_CSRF_SSL_STRICT=settings.https,
    )

    @app.before_request  # before anything else looks at what was sent
    def refuse_what_is_no_text() -> None:
        if not all(map(storable, _texts_sent())):
            abort(
                400, gettext("It holds a character that is no text (NUL or the like). Nothing was recorded.")
            )

    csrf.init_app(app)

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint == "static":
            # Names carry no version, so a browser asks each time and mostly hears "not modified".
            response.headers["Cache-Control"] = "no-cache"
            if response.status_code == 304 or request.method == "HEAD":
                response.close()  # its file, which nobody will read
        else:
            response.headers.setdefault("Cache-Control", "no-store")
            response.vary.add("Cookie")
        return response


def _texts_sent() -> Iterator[str]:
    """Every text of the request that something may read: address, headers, cookies, fields and files' names."""
    yield request.path
    for name, value in request.headers:
        yield from (name, value)
    for several in (request.args, request.form, request.cookies):
        for name, value in several.items(multi=True):
            yield from (name, value)
    for name, file in request.files.items(multi=True):
        yield from (name, file.filename or "", file.content_type or "")
