"""Who gets in, what headers say, what a stale cookie is worth: the pages through Flask's test client."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.case.commands import StartCase
from engine.people.directory import DEMO_PASSWORD
from web import create_app, errors
from web.bounds import MOST_SENT
from web.local_paths import local_path
from web.signing_in import OPEN_ENDPOINTS


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages ask the same of every database; the queries have their own tests on both."""
    return sqlite_url


@pytest.fixture
def gongdan(shipped: Gongdan) -> Gongdan:
    return shipped


@pytest.fixture
def app(gongdan: Gongdan, settings: Settings) -> Flask:
    return create_app(gongdan, settings)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as client:
        yield client


def token(client: FlaskClient, path: str = "/sign-in") -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(path).text)
    assert found is not None
    return found.group(1)


class _Body:
    """A body of so many bytes, which knows how many of them were read."""

    def __init__(self, size: int) -> None:
        self.left, self.taken = size, 0

    def read(self, size: int = -1, /) -> bytes:
        piece = min(self.left, size if size >= 0 else self.left)
        self.left, self.taken = self.left - piece, self.taken + piece
        return b"x" * piece


@pytest.mark.parametrize(("over", "read"), [(1, True), (errors.MOST_DROPPED, False)])
def test_what_is_too_large_is_read_to_its_end_within_bounds_and_gets_a_page(
    client: FlaskClient, over: int, read: bool
) -> None:
    """A browser that is cut off while it sends shows a broken connection and not the page."""
    sign_in(client)
    client.set_cookie("locale", "en")
    body = _Body(MOST_SENT + over)
    sent = {"wsgi.input": body, "CONTENT_LENGTH": str(body.left)}
    answer = client.post("/cases/new", environ_overrides=sent, content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, "Files and forms may have 32 MB together." in answer.text) == (413, True)
    assert (body.left == 0) is read
    assert body.taken <= errors.MOST_DROPPED


def sign_in(client: FlaskClient, name: str = "agent1", password: str = DEMO_PASSWORD) -> int:
    form = {"name": name, "password": password, "csrf_token": token(client)}
    return client.post("/sign-in", data=form).status_code


def test_every_page_asks_to_sign_in(app: Flask, client: FlaskClient) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN_ENDPOINTS:
            continue
        path = re.sub(r"<int:[^>]+>", "1", rule.rule)
        path = re.sub(r"<[^>]+>", "x", path)
        methods = rule.methods or set()
        if "GET" in methods:
            answer = client.get(path)
            assert (answer.status_code, answer.headers["Location"][:8]) == (302, "/sign-in"), path
        if "POST" in methods:
            assert client.post(path).status_code in (302, 400), path


def test_posts_need_a_token(client: FlaskClient) -> None:
    assert client.post("/sign-in", data={"name": "agent1", "password": DEMO_PASSWORD}).status_code == 400
    assert sign_in(client) == 303
    assert client.post("/cases/new", data={"process": "cantonese_callback"}).status_code == 400


@pytest.mark.parametrize("locale", ["zh-Hans", "zh-Hant-HK"])
def test_a_refused_form_says_why_in_the_language_of_the_page(client: FlaskClient, locale: str) -> None:
    client.set_cookie("locale", locale)
    bare = client.post("/sign-in", data={"name": "agent1"})
    stale = client.post("/sign-in", data={"name": "agent1", "csrf_token": "of another day"})
    assert (bare.status_code, stale.status_code) == (400, 400)
    assert re.search("缺少所在页面的标记|欠缺所屬頁面的標記", bare.text) is not None
    for answer in (bare, stale):
        assert "CSRF" not in re.sub(r"<[^>]+>", "", answer.text)
    assert re.search("登录页面打开得太久|登入頁面開啟得太久", stale.text) is not None
    assert re.search("登录页面打开|登入頁面開啟", bare.text) is None


def test_strict_headers_on_every_answer(client: FlaskClient) -> None:
    for path in ("/sign-in", "/static/css/app.css", "/no-such-page", "/readyz", "/livez", "/metrics"):
        with client.get(path) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"


def test_wrong_passwords_are_slowed_down_by_account(client: FlaskClient) -> None:
    assert sign_in(client, password="not the password") == 401
    answers = {sign_in(client, password=f"guess {n}") for n in range(10)}
    assert 429 in answers
    assert sign_in(client) == 429
    assert sign_in(client, "agent2") == 303


def test_an_old_cookie_is_worth_nothing_after_sign_out(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    kept = client.get_cookie("gongdan")
    assert kept is not None
    client.post("/sign-out", data={"csrf_token": token(client, "/")})
    thief = app.test_client()
    thief.set_cookie("gongdan", kept.value)
    assert thief.get("/").status_code == 302


def test_the_session_begins_anew_at_sign_in(client: FlaskClient) -> None:
    client.get("/sign-in")
    before = client.get_cookie("gongdan")
    sign_in(client)
    after = client.get_cookie("gongdan")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert "HttpOnly" in str(after) or after.http_only


@pytest.mark.parametrize(
    "target",
    [
        *("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", ""),
        *("/x\r\nSet-Cookie: a=b", "//[", "http://[x", "/x\0"),
    ],
)
def test_no_redirect_leaves_the_house(app: Flask, target: str) -> None:
    with app.test_request_context():
        assert local_path(target) == "/"


def test_demo_accounts_are_listed_in_demo_mode_only(gongdan: Gongdan, settings: Settings) -> None:
    closed = Settings.from_env({}, var=settings.var, database_url=settings.database_url, secret_key="s" * 32)
    assert DEMO_PASSWORD not in create_app(gongdan, closed).test_client().get("/sign-in").text
    assert DEMO_PASSWORD in create_app(gongdan, settings).test_client().get("/sign-in").text


def test_a_person_complained_about_does_not_learn_of_the_case(gongdan: Gongdan, client: FlaskClient) -> None:
    at = gongdan.now()
    asked = StartCase(process="general_complaint", data={}, actor="agent2", at=at, respondent="agent1")
    case = gongdan.dispatch(asked).case_id
    sign_in(client)
    assert client.get(f"/cases/{case}").status_code == 404
    assert case not in client.get("/?tab=queues").text
    assert case not in client.get("/cases/").text


def test_a_specialist_sees_only_cases_of_their_department(gongdan: Gongdan, client: FlaskClient) -> None:
    gongdan.people.ensure_demo()
    asked = StartCase(process="cantonese_callback", data={}, actor="agent2", at=gongdan.now())
    case = gongdan.dispatch(asked).case_id
    sign_in(client, "om1")
    assert client.get(f"/cases/{case}").status_code == 404
    assert client.get(f"/tasks/{case}/3").status_code == 404
    assert client.get("/cases/").status_code == 404
