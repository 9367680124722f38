"""The pages: server-rendered, one blueprint a room. No engine internals, no database access in here."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.operations.health import Health
from engine.operations.pulse import Works

from . import (
    addresses,
    bounds,
    damage,
    doors,
    errors,
    formatting,
    i18n,
    menu,
    pages,
    request_context,
    security,
    sure,
    tracing,
    veil,
    watch,
)
from .numbers import Number


def create_app(gongdan: Gongdan, settings: Settings, worker: Works | None = None, pulse: str = "") -> Flask:
    """The WSGI application on an opened ``gongdan``, whose clock is also that of the pages.

    ``worker``: the one that must run beside the pages for this process to be well; ``pulse``: the row by which this
    process says that it lives.
    Raises ConfigurationError when a production start lacks its secret.
    """
    app = Flask(__name__, static_folder="static", template_folder="templates")
    app.config.update(
        SECRET_KEY=settings.require_secret(),
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
    )
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    app.url_map.converters["int"] = Number
    request_context.install(app, gongdan, settings, Health(gongdan, worker), pulse)
    tracing.install(app, settings)
    watch.install(app)  # before all others that look at answers, so that it sees what they made of them
    i18n.install(app, settings)
    bounds.install(app)
    security.install(app, settings)
    formatting.install(app)
    sure.install(app)
    errors.install(app)
    damage.install(app)
    pages.install(app)
    doors.install(app)  # behind the sign-in
    menu.install(app)
    addresses.install(app)
    veil.install(app)
    return app
