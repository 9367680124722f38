"""Names of cookies: over HTTPS they begin with ``__Host-``, so that no other site of the domain can set them."""

from __future__ import annotations

from engine.base.settings import Settings


def host_cookie(name: str, settings: Settings) -> str:
    """The name under which a browser keeps the cookie ``name``."""
    return f"__Host-{name}" if settings.https else name
