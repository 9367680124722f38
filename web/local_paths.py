"""Addresses that somebody else may have made up: no redirect leaves the house."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import url_for


def local_path(target: str | None) -> str:
    """``target`` when it is a path of this application, else the inbox: no redirect leaves the house."""
    home = url_for("inbox.show")
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\") or not target.isprintable():
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc else target
