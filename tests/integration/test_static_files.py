"""Files of the pages: asked for again they are not sent again, and none stays open that nobody reads."""

from __future__ import annotations

import gc

import pytest

from engine.app import Gongdan
from engine.base.settings import Settings
from web import create_app


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_the_browser_has_and_what_it_only_asks_about_is_closed(
    gongdan: Gongdan, settings: Settings
) -> None:
    """An open file that is collected is a warning, and warnings fail tests."""
    client = create_app(gongdan, settings).test_client()
    with client.get("/static/icon.svg") as first:
        body, tag = first.get_data(), first.headers["ETag"]
    assert body.startswith(b"<svg")
    again = client.get("/static/icon.svg", headers={"If-None-Match": tag})
    asked = client.head("/static/icon.svg")
    assert (again.status_code, again.get_data()) == (304, b"")
    assert (asked.status_code, asked.get_data()) == (200, b"")
    assert asked.content_length == len(body)
    del again, asked
    gc.collect()
