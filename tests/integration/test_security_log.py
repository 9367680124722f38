"""Who did what to the house, and what was refused, stands in a chain: each door and each download writes its entry."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import fields
from string import Formatter
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from engine.app import Gongdan
from engine.base.errors import GongdanError, Unavailable
from engine.base.settings import Settings
from engine.case.commands import StartCase
from engine.operations import erasure
from engine.people import security_log
from engine.people.directory import DEMO_PASSWORD
from engine.people.security_events import KINDS, By, Event, Published, Refused, SignInFailed, unknown
from engine.proof import checkpoints, records, verifications
from engine.proof.log import SECURITY as LEAF
from engine.storage.chains import SECURITY, broken
from engine.storage.proof_tables import log_leaf
from engine.storage.proof_tables import security_log as table
from tests.casework import WORK, Desk
from tests.erasing import REQUEST
from web import create_app, security_words

AT = "2026-03-02T01:00:00+00:00"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages write the same on every database; the chain itself is tried on both in test_chains."""
    return sqlite_url


def entries(g: Gongdan, *kinds: str) -> list[tuple[str, str, str, str, dict[str, Any]]]:
    """(kind, person, address, about, detail) of what was written since the first release, oldest first."""
    rows = g.db.rows(sa.select(table).where(table.c.id > 1).order_by(table.c.id))
    told = [(r.kind, r.person, r.address, r.about, json.loads(r.detail)) for r in rows]
    return [one for one in told if one[0] in kinds] if kinds else told


# ---------------------------------------------------------------- the chain
def test_kinds_have_one_word_each_and_tell_all_they_hold() -> None:
    assert all(kind == one.kind for kind, one in KINDS.items())
    asked = Refused(about="admin.people", method="GET", path="/admin/people", status=403)
    assert asked.detail() == {"method": "GET", "path": "/admin/people", "status": 403}


def test_what_a_transaction_takes_back_leaves_no_entry(any_desk: Desk) -> None:
    g = any_desk.g
    before = entries(g)
    with suppress(Unavailable), g.db.begin() as connection:
        security_log.append(connection, By("admin1"), [SignInFailed(about="agent1")], AT)
        raise Unavailable("the disk is full")
    assert entries(g) == before
    g.security_log.note(By("", "192.0.2.7"), SignInFailed(about="agent1", reason="off"), AT)
    assert entries(g)[-1] == ("sign_in_failed", "", "192.0.2.7", "agent1", {"reason": "off"})
    assert broken(g.db, SECURITY) is None


@pytest.mark.parametrize("column", ["at", "kind", "person", "address", "about", "detail"])
def test_a_changed_entry_is_found_by_the_checks_and_its_end_is_a_leaf(desk: Desk, column: str) -> None:
    g = desk.g
    desk.start()
    g.security_log.note(By("x", "192.0.2.7"), SignInFailed(about="y"), AT)
    checkpoints.make(g.db, g.settings.heads_key, AT)
    ends = g.db.rows(sa.select(log_leaf.c.seq, log_leaf.c.hash).where(log_leaf.c.kind == LEAF))
    newest = g.db.rows(sa.select(table.c.id, table.c.hash).order_by(table.c.id.desc()).limit(1))
    assert [tuple(row) for row in ends] == [tuple(row) for row in newest]
    signer = [checkpoints.own_verifier(g.settings.heads_key)]
    assert records.faults(g.db, signer) == []
    with g.db.begin() as connection:
        connection.execute(sa.update(table).where(table.c.id == 1).values({column: "z"}))
    assert records.faults(g.db, signer) == [
        "the security log, row 1: the row was changed, or one before it is missing: its hash does not fit"
    ]


def test_texts_that_no_database_holds_are_written_with_a_mark(any_desk: Desk) -> None:
    g = any_desk.g
    event = Published(about="a\0b\ud800", files=["\ud800.bpmn"], many=1, note="x\0")
    g.security_log.note(By("a\0", "\udfff"), event, AT)
    kind, person, address, about, detail = entries(g)[-1]
    assert (kind, person, address, about) == ("published", "a\ufffd", "\ufffd", "a\ufffdb\ufffd")
    assert detail["files"] == ["\ufffd.bpmn"]
    assert broken(g.db, SECURITY) is None


# ---------------------------------------------------------------- what the engine writes
def test_a_release_is_in_the_log_with_who_and_what_and_one_that_fails_is_not(any_desk: Desk) -> None:
    g, path = any_desk.g, "bpmn/tests/work.bpmn"
    with pytest.raises(GongdanError):
        g.releases.publish({path: b"<nothing/>"}, "designer1", "broken", AT)
    g.releases.publish(
        {path: WORK + b"<!-- -->"}, "designer1", "少问一次", AT, by=By("designer1", "192.0.2.9")
    )
    assert entries(g) == [
        ("published", "designer1", "192.0.2.9", "2", {"files": [path], "many": 1, "note": "少问一次"})
    ]


def test_an_erasure_and_a_verification_are_in_the_log(desk: Desk) -> None:
    case = desk.start()
    desk.complete(case, result="reached", said="好的")
    desk.send()
    erasure.erase(desk.g, [case], REQUEST)
    found = verifications.summary([], ["the access log, row 3: …"])
    number = verifications.record(
        desk.g.db, AT, "auditor1", "page", found, [case], by=By("auditor1", "192.0.2.4")
    )
    asked = {"requested_by": REQUEST.requested_by, "reason": REQUEST.reason}
    assert entries(desk.g) == [
        ("erasing", REQUEST.actor, "", case, asked),
        ("verified", "auditor1", "192.0.2.4", str(number), {"channel": "page", "wrong": 1}),
    ]


# ---------------------------------------------------------------- what pages write
class Browser:
    """A client of the pages at an address of its own."""

    def __init__(self, g: Gongdan, settings: Settings, address: str) -> None:
        self.client: FlaskClient = create_app(g, settings).test_client()
        self.client.environ_base["REMOTE_ADDR"] = address

    def token(self) -> str:
        text = self.client.get("/processes/", follow_redirects=True).text
        found = re.search(r'name="csrf-token" content="([^"]+)"', text)
        assert found is not None
        return found.group(1)

    def send(self, path: str, /, **form: str) -> int:
        return self.client.post(path, data={**form, "csrf_token": self.token()}).status_code

    def sign_in(self, name: str, password: str = DEMO_PASSWORD) -> int:
        return self.send("/sign-in", name=name, password=password)


@pytest.fixture
def browser(shipped: Gongdan) -> Browser:
    return Browser(shipped, shipped.settings, "198.51.100.7")


def test_the_door_is_watched_and_keeps_no_word_that_may_be_a_password(
    shipped: Gongdan, browser: Browser
) -> None:
    typed = "Geheim-Wort-77"
    for name in (typed, typed.upper(), "agent1"):
        assert browser.sign_in(name, "wrong password") == 401
    assert browser.sign_in("agent1") == 303
    digest, where = unknown(shipped.db.lookup_key, typed), "198.51.100.7"
    assert entries(shipped) == [
        ("sign_in_failed", "", where, digest, {"reason": "unknown"}),
        ("sign_in_failed", "", where, digest, {"reason": "unknown"}),
        ("sign_in_failed", "", where, "agent1", {"reason": "password"}),
        ("signed_in", "agent1", where, "agent1", {"means": "password"}),
    ]
    assert typed.casefold() not in str(shipped.db.rows(sa.select(table))).casefold()
    assert digest != unknown(b"another key", typed)


def test_what_somebody_may_not_is_in_the_log_whatever_the_room(shipped: Gongdan, browser: Browser) -> None:
    browser.sign_in("agent1")
    assert browser.client.get("/admin/people").status_code == 403
    assert browser.send("/admin/people/agent2/end-sessions") == 403
    told = [(person, about, detail) for _, person, _, about, detail in entries(shipped, "refused")]
    assert told == [
        ("agent1", "admin.people", {"method": "GET", "path": "/admin/people", "status": 403}),
        (
            "agent1",
            "admin.end_sessions",
            {"method": "POST", "path": "/admin/people/agent2/end-sessions", "status": 403},
        ),
    ]


@pytest.fixture
def case(shipped: Gongdan) -> str:
    start = StartCase(
        process="general_complaint",
        data={"customer_name": "张女士", "contact_phone": "13800001234", "content": "投诉"},
        actor="system:test",
        at=shipped.now(),
    )
    return shipped.dispatch(start).case_id


@pytest.mark.parametrize(
    ("reader", "path", "about", "file"),
    [
        ("supervisor1", "/inbox.csv?tab=all", "inbox.export", "gongdan-all.csv"),
        (
            "quality1",
            "/reports/closed_list.csv?period=2026-03",
            "reports.download",
            "closed_list-2026-03.csv",
        ),
        ("agent1", "/cases/{case}.json", "{case}", "{case}.json"),
        ("quality1", "/cases/{case}/dossier.json", "{case}", "{case}-dossier.json"),
        ("quality1", "/cases/{case}/dossier", "{case}", ""),
    ],
)
def test_who_takes_a_file_along_is_in_the_log(
    shipped: Gongdan, browser: Browser, case: str, reader: str, path: str, about: str, file: str
) -> None:
    browser.sign_in(reader)
    asked = path.format(case=case)
    assert browser.client.get(asked).status_code == 200
    assert entries(shipped, "downloaded") == [
        (
            "downloaded",
            reader,
            "198.51.100.7",
            about.format(case=case),
            {"path": asked, "file": file.format(case=case)},
        )
    ]


def test_looking_is_no_download(shipped: Gongdan, browser: Browser, case: str) -> None:
    browser.sign_in("supervisor1")
    for path in (
        "/",
        f"/cases/{case}",
        f"/cases/{case}/state",
        "/reports/",
        "/static/css/app.css",
        "/static/js/app.js",
    ):
        with browser.client.get(path) as answer:
            assert answer.status_code == 200, path
    assert entries(shipped, "downloaded") == []


def test_what_cannot_be_noted_is_not_given_away_but_the_door_stays_open(
    shipped: Gongdan, browser: Browser, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(shipped.security_log, "note", full)
    assert browser.sign_in("supervisor1") == 303
    assert browser.client.get("/admin/people").status_code == 200
    answer = browser.client.get("/inbox.csv?tab=all")
    assert answer.status_code == 503
    assert case not in answer.text
    monkeypatch.undo()
    assert browser.client.get("/inbox.csv?tab=all").status_code == 200


def test_every_kind_is_an_event_of_its_own() -> None:
    assert len({one for one in KINDS.values() if issubclass(one, Event)}) == len(KINDS)


# ---------------------------------------------------------------- the page
def test_every_kind_has_words_that_name_what_it_holds() -> None:
    assert set(security_words.WORDS) == set(KINDS)
    for kind, (names, told) in security_words.WORDS.items():
        assert len(names) == len(told) == 3
        held = {one.name for one in fields(KINDS[kind])} - {"about", "hash"}
        for text in told.values():
            slots = {slot for _, slot, _, _ in Formatter().parse(text) if slot}
            assert slots == (held if kind != "burst" else set()), kind


@pytest.mark.parametrize("reader", ["admin1", "auditor1"])
@pytest.mark.parametrize(
    ("locale", "failed"), [("zh-Hans", "登录失败"), ("zh-Hant-HK", "登入失敗"), ("en", "Sign-in failed")]
)
def test_administrators_and_auditors_look_things_up(
    shipped: Gongdan, browser: Browser, reader: str, locale: str, failed: str
) -> None:
    for number in range(60):
        shipped.security_log.note(By("", "192.0.2.9"), SignInFailed(about=f"nobody{number}"), AT)
    shipped.security_log.note(By("om1", "192.0.2.8"), Refused(method="GET", path="/a<b>", status=403), AT)
    browser.sign_in(reader)
    browser.client.set_cookie("locale", locale)

    def page(query: str = "") -> str:
        _, _, text = browser.client.get(f"/admin/security{query}").text.partition("<tbody>")
        return text.partition("</section>")[0]

    first = page()
    assert "/a&lt;b&gt;" in first
    assert (first.count(failed), "nobody12<" in first, "nobody11<" in first) == (48, True, False)
    following = re.search(r'href="(/admin/security[^"]*after=[^"]+)"', first)
    assert following is not None
    assert "nobody0" in browser.client.get(following.group(1)).text
    assert page("?who=om1").count("<tr>") == 1
    assert "nobody7<" in page("?who=nobody7")
    assert page("?kind=refused").count("<tr>") == 1
    assert page("?address=192.0.2.8").count("<tr>") == 1
    assert "nobody59" in page("?from=2026-03-02&to=2026-03-02")
    assert page("?from=2026-03-03") == page("?to=2026-03-01") == ""
    assert browser.client.get("/admin/security?from=yesterday").status_code == 400


@pytest.mark.parametrize("reader", ["agent1", "supervisor1", "manager1", "quality1", "designer1", "centre1"])
def test_nobody_else_does(browser: Browser, reader: str) -> None:
    browser.sign_in(reader)
    for path in ("/admin/security", "/admin/security.csv"):
        assert browser.client.get(path).status_code == 403


def test_the_file_holds_every_entry_and_no_formula(shipped: Gongdan, browser: Browser) -> None:
    for number in range(600):
        shipped.security_log.note(By("", "192.0.2.9"), SignInFailed(about=f"=1+{number}"), AT)
    browser.sign_in("auditor1")
    lines = browser.client.get("/admin/security.csv?kind=sign_in_failed").text.splitlines()
    assert len(lines) == 601
    assert all(",'=1+" in line for line in lines[1:])
