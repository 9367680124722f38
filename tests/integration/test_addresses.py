"""Addresses in templates are those that Flask gives, for every page and whatever stands in them."""

from __future__ import annotations

from typing import Any

import flask
import pytest
from werkzeug.routing import BuildError

from engine.app import Gongdan
from engine.base.settings import Settings
from web import create_app
from web.addresses import url_for

QUERIES: list[dict[str, Any]] = [
    {},
    {"tab": "投诉&a=b"},
    {"tab": None, "q": "a b+c"},
    {"n": 5, "next": "/x?y=1#z"},
    {"q": ["a", "z"]},
]
ODD = ["261201-00001-7", "a b", "ü/é?#&%", "投诉", "..", "", "a+b;c=d,e:f@g!$'()*"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("root", ["", "/desk"])
def test_every_page_with_every_odd_text(gongdan: Gongdan, settings: Settings, root: str) -> None:
    app = create_app(gongdan, settings)
    asked = 0
    with app.test_request_context(base_url=f"https://gongdan.example{root}"):
        for rule in app.url_map.iter_rules():
            for text in ODD:
                path: dict[str, Any] = {
                    name: "7" if f"int:{name}" in rule.rule else text for name in rule.arguments
                }
                for query in QUERIES:
                    expected = flask.url_for(rule.endpoint, **path, **query)
                    assert url_for(rule.endpoint, **path, **query) == expected
                    asked += 1
    assert asked > 1_000


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_asked_for_beside_the_path_is_left_to_flask(gongdan: Gongdan, settings: Settings) -> None:
    app = create_app(gongdan, settings)
    with app.test_request_context(base_url="https://gongdan.example"):
        assert url_for("inbox.show", _external=True) == "https://gongdan.example/"
        assert url_for("inbox.show", _anchor="work") == "/#work"
        with pytest.raises(BuildError, match="case_id"):
            url_for("cases.show")
