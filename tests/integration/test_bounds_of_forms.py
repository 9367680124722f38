"""What a form may hold is bounded whatever its encoding, and by far less before sign-in; what is refused says why."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.people.directory import DEMO_PASSWORD
from web import bounds, create_app

MB = 1024 * 1024
FIELDS = "application/x-www-form-urlencoded"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Bounds are asked before any database is."""
    return sqlite_url


@pytest.fixture
def app(shipped: Gongdan, settings: Settings) -> Flask:
    made = create_app(shipped, settings)
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def _parts(fields: list[tuple[str, bytes]]) -> dict[str, Any]:
    lines = [
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), text)
        for name, text in fields
    ]
    return {"data": b"".join(lines) + b"--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


TOO_MUCH = {
    "one long field": {"data": b"a=" + b"x" * 5 * MB, "content_type": FIELDS},
    "a body of 20 MB": {"data": b"a=" + b"x" * 20 * MB, "content_type": FIELDS},
    "60,000 fields": {"data": b"&".join(b"f%d=1" % n for n in range(60_000)), "content_type": FIELDS},
    "escaped": {"data": b"a=" + b"%41" * 5 * MB, "content_type": FIELDS},
    "one long part": _parts([("a", b"x" * 5 * MB)]),
    "parts that are long together": _parts([(f"f{n}", b"x" * MB) for n in range(5)]),
    "60,000 parts": _parts([(f"f{n}", b"1") for n in range(60_000)]),
}


@pytest.mark.parametrize("sent", TOO_MUCH.values(), ids=TOO_MUCH)
def test_a_form_beyond_its_bounds_is_refused_with_what_they_are(app: Flask, sent: dict[str, Any]) -> None:
    client = app.test_client()
    client.post("/sign-in", data={"name": "agent1", "password": DEMO_PASSWORD})
    for language, words in (("zh-Hans", "所有栏位合计不得超过 4 MB"), ("en", "may hold 4 MB together")):
        client.set_cookie("locale", language)
        answer = client.post("/cases/new", **sent)
        assert (answer.status_code, words in answer.text) == (413, True)
    assert client.get("/").status_code == 200


def _signs_in(client: FlaskClient, **sent: Any) -> int:
    return client.post("/sign-in", **sent).status_code


def test_before_sign_in_a_form_is_small(app: Flask) -> None:
    right = f"name=agent1&password={DEMO_PASSWORD}&more="
    fits = bounds.SIGNING_IN - len(right)
    stranger = app.test_client()
    answer = stranger.post("/sign-in", data=right + "x" * (fits + 1), content_type=FIELDS)
    assert answer.status_code == 413
    assert "64 KB" in answer.text
    assert _signs_in(stranger, data=right + "x" * fits, content_type=FIELDS) == 303
    assert _signs_in(app.test_client(), **_parts([("name", b"x" * MB)])) == 413, (
        "no page of ours was seen before"
    )
    elsewhere = app.test_client().post("/cases/new", **_parts([("process", b"x" * MB)]))
    assert elsewhere.status_code == 413


def test_what_was_typed_before_a_session_ended_still_goes_through_the_sign_in(app: Flask) -> None:
    client = app.test_client()
    client.get("/sign-in")
    typed = _parts([("process", b"x"), ("content", "宽带".encode() * 300_000)])
    answer = client.post("/cases/new", **typed, headers={"Sec-Fetch-Site": "same-origin"})
    assert "宽带宽带" in answer.text
    signing_in = [("name", b"agent1"), ("password", DEMO_PASSWORD.encode()), ("unsent", b"x" * 2 * MB)]
    assert _signs_in(client, **_parts(signing_in)) == 303
    client = app.test_client()
    client.get("/sign-in")
    assert _signs_in(client, **_parts([*signing_in, ("more", b"x" * 3 * MB)])) == 413


def test_files_count_apart_from_fields(app: Flask) -> None:
    file = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.pdf"\r\n\r\n'
        + b"x" * 6 * MB
        + b"\r\n"
    )
    sent = _parts([("a", b"b")])
    with (
        app.test_request_context("/", method="POST", **{**sent, "data": file + sent["data"]}),
        closing(request.files["file"]) as found,
    ):
        assert (request.form["a"], len(found.read())) == ("b", 6 * MB)
