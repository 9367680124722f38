"""Whoever is signed out is told so, by pages and to scripts alike, and what they sent goes on after sign-in."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.case.commands import ClaimTask, CompleteTask, StartCase
from engine.people.directory import DEMO_PASSWORD
from engine.queries import drafts
from engine.storage.tables import draft
from tests.integration.test_pages_of_tasks import ANSWERS, client_of, database_url, gongdan, registered, send
from web import create_app, unsent

__all__ = ["database_url", "gongdan"]  # fixtures
HERE = {"Sec-Fetch-Site": "same-origin"}


def hidden(page: str) -> dict[str, str]:
    """Hidden fields of the first form of the sign-in page."""
    form = page[page.index("<form") : page.index("</form>")]
    found = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))
    return {name: text.replace("&#34;", '"').replace("&#39;", "'") for name, text in found.items()}


def sign_in(client: FlaskClient, page: str, name: str) -> TestResponse:
    return client.post("/sign-in", data={**hidden(page), "name": name, "password": DEMO_PASSWORD})


def held(gongdan: Gongdan) -> str:
    """The address of a free callback that yue1 took."""
    case, task = registered(gongdan)
    gongdan.dispatch(ClaimTask(case_id=case, task=task, actor="yue1", at=gongdan.now()))
    return f"/tasks/{case}/{task}"


@pytest.mark.parametrize(
    "headers",
    [{"HX-Request": "true"}, {"X-Requested-With": "fetch"}, {"Accept": "application/json"}],
)
@pytest.mark.parametrize("end", ["session", "cookie"])
def test_a_script_is_told_and_led_nowhere(
    gongdan: Gongdan, settings: Settings, headers: dict[str, str], end: str
) -> None:
    path, client = held(gongdan), client_of(gongdan, settings, "yue1")
    if end == "session":
        gongdan.people.end_sessions("yue1")
    else:
        client.delete_cookie("gongdan")
    for answer in (
        client.get(f"{path}/side", headers=headers),
        client.post(f"{path}/draft", data={"summary": "x"}, headers=headers | HERE),
    ):
        assert answer.status_code == 401
        assert "HX-Redirect" not in answer.headers
        assert "Location" not in answer.headers
    assert client.get("/signed-in").json == {"name": None, "token": client.get("/signed-in").json["token"]}  # type: ignore[index]


def test_the_draft_of_an_expired_sign_in_is_kept_after_the_next(gongdan: Gongdan, settings: Settings) -> None:
    path, client = held(gongdan), client_of(gongdan, settings, "yue1")
    client.delete_cookie("gongdan")
    form = {"summary": "客户在开会", "csrf_token": "of yesterday", "_by": "yue1", "submit_key": "k"}
    page = client.post(f"{path}/complete", data=form, headers=HERE)
    assert page.status_code == 401
    assert "没有任何记录" in page.text
    answer = sign_in(client, page.text, "yue1")
    assert answer.headers["Location"] == path
    shown = client.get(path).text
    assert "客户在开会" in shown
    assert "还没有任何记录" in shown
    assert "已恢复您" in shown


def test_a_form_older_than_the_sign_in_is_kept_at_once(gongdan: Gongdan, settings: Settings) -> None:
    path, client = held(gongdan), client_of(gongdan, settings, "yue1")
    form = {"summary": "客户在开会", "csrf_token": "of yesterday", "_by": "yue1"}
    answer = client.post(f"{path}/complete", data=form, headers=HERE)
    assert answer.headers["Location"] == path
    assert "客户在开会" in client.get(path).text


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}]
)
@pytest.mark.parametrize("who", ["yue1", None])
def test_no_other_page_puts_words_into_anybodys_mouth(
    gongdan: Gongdan, settings: Settings, headers: dict[str, str], who: str | None
) -> None:
    path = held(gongdan)
    client = client_of(gongdan, settings, who) if who else create_app(gongdan, settings).test_client()
    answer = client.post(f"{path}/complete", data={"summary": "伪造"}, headers=headers)
    assert (answer.status_code, "伪造" in answer.text) == (400, False)
    assert gongdan.db.rows(sa.select(draft)) == []


def test_what_one_typed_is_not_given_to_another(gongdan: Gongdan, settings: Settings) -> None:
    path, client = held(gongdan), client_of(gongdan, settings, "yue1")
    client.delete_cookie("gongdan")
    page = client.post(f"{path}/complete", data={"summary": "客户在开会", "_by": "yue1"}, headers=HERE)
    answer = sign_in(client, page.text, "supervisor1")
    assert answer.headers["Location"] == "/"
    assert "属于" in client.get("/").text
    assert gongdan.db.rows(sa.select(draft)) == []


def test_a_password_is_never_carried(gongdan: Gongdan, settings: Settings) -> None:
    client = create_app(gongdan, settings).test_client()
    page = client.post("/cases/new", data={"new_password": "do not show"}, headers=HERE)
    assert "do not show" not in page.text


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "nonsense", '{"path":1,"pairs":[[1]],"files":[],"by":"","back":""}']
)
def test_a_carried_form_that_is_none_is_left_alone(gongdan: Gongdan, settings: Settings, text: str) -> None:
    client = create_app(gongdan, settings).test_client()
    page = client.get("/sign-in").text
    form = {**hidden(page), "name": "agent1", "password": DEMO_PASSWORD, unsent.FIELD: text}
    assert client.post("/sign-in", data=form).headers["Location"] == "/"


@pytest.mark.parametrize("path", ["https://elsewhere.example/x", "//elsewhere.example", "/no-such-page"])
def test_a_carried_form_leads_to_no_other_house(gongdan: Gongdan, settings: Settings, path: str) -> None:
    client = create_app(gongdan, settings).test_client()
    page = client.get("/sign-in").text
    carried = json.dumps({"path": path, "pairs": [["a", "b"]], "files": [], "by": "", "back": path})
    form = {**hidden(page), "name": "agent1", "password": DEMO_PASSWORD, unsent.FIELD: carried}
    answer = client.post("/sign-in", data=form)
    assert "elsewhere" not in answer.headers.get("Location", "") + answer.text


def test_a_draft_does_not_replace_one_that_its_page_never_saw(gongdan: Gongdan, settings: Settings) -> None:
    path, client = held(gongdan), client_of(gongdan, settings, "yue1")
    case, task = path.split("/")[2], int(path.split("/")[3])
    assert send(client, f"{path}/draft", summary="第一次", _base="")[0] == 204
    assert send(client, f"{path}/draft", summary="另一窗口", _base="")[0] == 409
    found = drafts.form(gongdan.db, case, task, "yue1")
    assert found is not None
    assert found.pairs == [("summary", "第一次")]
    assert send(client, f"{path}/draft", summary="第一次，再补充", _base=found.version)[0] == 204
    assert send(client, f"{path}/draft", summary="另一窗口", _base="*")[0] == 204
    assert send(client, f"{path}/draft", summary="别人的", _by="yue2")[0] == 409


def test_refusals_of_drafts_are_told_in_words(gongdan: Gongdan, settings: Settings) -> None:
    path, client = held(gongdan), client_of(gongdan, settings, "yue1")
    app: Flask = client.application
    assert app is not None
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(path).text)
    assert found is not None
    form = {"csrf_token": found.group(1), "summary": "长" * 100_000}
    answer = client.post(f"{path}/draft", data=form, headers={"Accept": "application/json"})
    assert answer.status_code == 409
    assert "200000" in answer.json["text"]  # type: ignore[index]


def test_a_case_is_opened_after_sign_in_when_asked_once_more(gongdan: Gongdan, settings: Settings) -> None:
    client = client_of(gongdan, settings, "agent1")
    gongdan.people.end_sessions("agent1")
    page = client.post(
        "/cases/new", data={"process": "cantonese_callback", "submit_key": "once"}, headers=HERE
    )
    again = sign_in(client, page.text, "agent1")
    assert (again.status_code, "现在提交" in again.text) == (200, True)
    form = hidden(again.text[again.text.rindex("<form", 0, again.text.index('action="/cases/new"')) :])
    assert client.post("/cases/new", data=form).status_code == 303
    opened = StartCase(
        process="cantonese_callback", data={}, actor="agent1", at=gongdan.now(), key="agent1:once"
    )
    assert gongdan.dispatch(opened).already


def drafted(gongdan: Gongdan, path: str, summary: str) -> None:
    """yue1's draft of the task at ``path``, as another window kept it."""
    case, task = path.split("/")[2], int(path.split("/")[3])
    drafts.save_form(gongdan.db, case, task, "yue1", [("summary", summary)], gongdan.now())


def kept(gongdan: Gongdan, path: str) -> str:
    case, task = path.split("/")[2], int(path.split("/")[3])
    found = drafts.form(gongdan.db, case, task, "yue1")
    assert found is not None
    return dict(found.pairs)["summary"]


def choice(page: str) -> dict[str, str]:
    """The form that keeps what was sent."""
    start = page.rindex("<form", 0, page.index("保留这一份"))
    return hidden(page[start:])


def test_a_form_sent_while_signed_out_replaces_no_draft_of_another_window_unasked(
    gongdan: Gongdan, settings: Settings
) -> None:
    path, client = held(gongdan), client_of(gongdan, settings, "yue1")
    client.delete_cookie("gongdan")
    form = {"summary": "旧窗口", "csrf_token": "of yesterday", "_by": "yue1", "_base": ""}
    page = client.post(f"{path}/complete", data=form, headers=HERE)
    drafted(gongdan, path, "新窗口")
    both = sign_in(client, page.text, "yue1")
    assert both.status_code == 409
    assert all(text in both.text for text in ("旧窗口", "新窗口", "您提交时已退出登录。", "还没有任何记录。"))
    assert kept(gongdan, path) == "新窗口"
    drafted(gongdan, path, "更新的窗口")  # once more, while the question stands
    again = client.post(f"{path}/draft/instead", data=choice(both.text))
    assert (again.status_code, kept(gongdan, path)) == (409, "更新的窗口")
    chosen = client.post(f"{path}/draft/instead", data=choice(again.text))
    assert (chosen.status_code, chosen.headers["Location"]) == (303, path)
    assert kept(gongdan, path) == "旧窗口"


def test_a_form_that_knew_of_the_draft_goes_on_from_it(gongdan: Gongdan, settings: Settings) -> None:
    path, client = held(gongdan), client_of(gongdan, settings, "yue1")
    drafted(gongdan, path, "第一句")
    known = re.search(r'name="_base" value="([^"]+)"', client.get(path).text)
    assert known is not None
    form = {"summary": "第一句，第二句", "csrf_token": "old", "_by": "yue1", "_base": known.group(1)}
    answer = client.post(f"{path}/complete", data=form, headers=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (303, path)
    assert kept(gongdan, path) == "第一句，第二句"


def test_a_form_that_came_too_late_replaces_no_newer_draft(gongdan: Gongdan, settings: Settings) -> None:
    at = gongdan.now()
    opened = gongdan.dispatch(StartCase(process="cantonese_callback", data={}, actor="agent1", at=at))
    case, task = opened.case_id, opened.opened[0]
    drafts.save_form(gongdan.db, case, task, "agent2", [("question", "新窗口")], at)
    gongdan.dispatch(CompleteTask(case_id=case, task=task, data=ANSWERS, actor="agent1", at=at))
    client = client_of(gongdan, settings, "agent2")
    form = {"language": "cantonese_guangzhou", "question": "旧窗口", "_by": "agent2", "_base": ""}
    status, page = send(client, f"/tasks/{case}/{task}/complete", **form)
    assert status == 409
    assert all(text in page for text in ("有人先了一步", "旧窗口", "新窗口", "保留这一份"))
    found = drafts.form(gongdan.db, case, task, "agent2")
    assert found is not None
    assert found.pairs == [("question", "新窗口")]


def test_a_refused_form_knows_no_other_draft_than_before(gongdan: Gongdan, settings: Settings) -> None:
    path, client = held(gongdan), client_of(gongdan, settings, "yue1")
    drafted(gongdan, path, "新窗口")
    status, page = send(client, f"{path}/complete", summary="旧窗口", _by="yue1", _base="")
    assert status == 422
    assert 'data-version=""' in page
    assert 'name="_base" value=""' in page
    assert send(client, f"{path}/draft", summary="旧窗口", _base="")[0] == 409
    assert kept(gongdan, path) == "新窗口"


@pytest.mark.parametrize(
    ("token", "said"),
    [("of yesterday", "提交所用的页面早于本次登录"), ("", "没有带上所在页面的标记")],
)
def test_who_is_signed_in_is_not_told_they_were_signed_out(
    gongdan: Gongdan, settings: Settings, token: str, said: str
) -> None:
    client = client_of(gongdan, settings, "agent1")
    form = {"process": "cantonese_callback", "_by": "agent1", "csrf_token": token}
    page = client.post("/cases/new", data=form, headers=HERE)
    assert said in page.text
    assert "退出登录。" not in page.text
    assert "还没有任何记录。" in page.text
