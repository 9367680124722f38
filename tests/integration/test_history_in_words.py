"""History in words: every kind of command has some, and who decided something against the rule is named with why."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from engine.base.facts import Effects, MessageRequested
from engine.base.locales import LOCALES
from engine.base.settings import Settings
from engine.case.commands import KINDS, ClaimTask, CompleteTask, MoveClock, NoteIncident
from engine.people.directory import DEMO_PASSWORD
from engine.queries import cases
from engine.queries.timeline import Step
from tests.casework import Desk
from web import case_data_view, create_app, history_text

WHY = "客户出国，双方同意延期"


@pytest.fixture
def app(desk: Desk) -> Flask:
    with desk.g.db.begin() as connection:
        connection.exec_driver_sql("DELETE FROM person")
    desk.g.people.ensure_demo()
    settings = Settings.from_env({}, var=desk.g.settings.var, demo=True, secret_key="s" * 32)
    return create_app(desk.g, settings)


def reader(app: Flask, name: str = "auditor1", locale: str = "zh-Hans") -> FlaskClient:
    """A signed-in browser."""
    client = app.test_client()
    client.set_cookie("locale", locale)
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in").text)
    assert found is not None
    form = {"name": name, "password": DEMO_PASSWORD, "csrf_token": found.group(1)}
    assert client.post("/sign-in", data=form).status_code == 303
    return client


def pages(client: FlaskClient, case: str, step: int) -> dict[str, str]:
    """The pages that tell the history of a case, without their tags."""
    paths = {
        "timeline": f"/cases/{case}", "audit room": f"/audit/{case}?step={step}", "dossier": f"/cases/{case}/dossier",
    }  # fmt: skip
    return {name: re.sub(r"<[^>]+>", "", client.get(path).text) for name, path in paths.items()}


@pytest.mark.parametrize(
    ("locale", "words"), [("zh-Hans", "的短信"), ("zh-Hant-HK", "的短訊"), ("en", "SMS of ")]
)
def test_a_message_is_told_by_its_kind_and_not_by_its_key(
    desk: Desk, app: Flask, locale: str, words: str
) -> None:
    found = cases.case(desk.g.db, desk.start())
    assert found is not None
    at = "2026-03-02T02:00:00+00:00"
    event = f"recovery_{at}"
    asked = MessageRequested(
        event=event, service="sms", to="13800138000", template="recovery", text="您好", not_before=at
    )
    effects = Effects(requests=[asked]), Effects(), Effects(suppressed=[event], withdrawn=[event])
    command = {"event": event, "state": "sent"}
    steps = [
        Step(seq, at, at, "agent1", kind, command, done, 1, "")
        for seq, (kind, done) in enumerate(zip(("start", "service_result", "resume"), effects, strict=True))
    ]
    with app.test_request_context():
        g.locale = locale
        told = history_text.told(steps, found, case_data_view.Reading(desk.g.releases.current(), {}))
    said = [told[1].title, *told[2].notes]
    assert len(said) == 3
    assert all(words in line and "recovery_" not in line for line in said), said


@pytest.mark.parametrize("locale", LOCALES)
def test_every_kind_of_command_has_words(desk: Desk, app: Flask, locale: str) -> None:
    found = cases.case(desk.g.db, desk.start())
    assert found is not None
    with app.test_request_context():
        g.locale = locale
        reading = case_data_view.Reading(desk.g.releases.current(), {})
        for kind in KINDS:
            command = {
                "task": 1,
                "timer": 1,
                "clock": "1",
                "due": desk.at,
                "reason": WHY,
                "event": "e",
                "to": "agent2",
            }
            step = Step(1, desk.at, desk.at, "admin1", kind, command, Effects(), 1, "", [])
            [told] = history_text.told([step], found, reading)
            assert told.title not in ("", kind), kind


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("zh-Hans", "将时限“投诉答复时限”改至"),
        ("zh-Hant-HK", "將時限「投訴答覆時限」改至"),
        ("en", "Moved the limit"),
    ],
)
def test_a_moved_limit_says_who_and_why(desk: Desk, app: Flask, locale: str, words: str) -> None:
    case = desk.start()
    due = (desk.clock.instant + timedelta(days=30)).isoformat()
    moved = MoveClock(case_id=case, clock="c:REG_TEL_REPLY", due=due, reason=WHY, actor="admin1", at=desk.at)
    seq = desk.g.dispatch(moved).seq
    for name, text in pages(reader(app, locale=locale), case, seq).items():
        assert words.partition("“")[0].partition("「")[0] in text, name
        assert WHY in text, name
        assert "系统管理员" in text, name
        assert "move_clock" not in re.sub(r'"type": "move_clock"', "", text), name


@pytest.mark.parametrize(
    ("locale", "words"), [("zh-Hans", "跳过了出错的步骤"), ("en", "passed over the failed steps")]
)
def test_a_step_that_was_passed_over_is_told_with_who_allowed_it(
    desk: Desk, app: Flask, locale: str, words: str
) -> None:
    case = desk.start()
    task = desk.open(case)["call"]
    desk.g.dispatch(ClaimTask(case_id=case, task=task, actor="agent1", at=desk.at))
    skipping = CompleteTask(
        case_id=case, task=task, data={"result": "busy"}, skip=("count",), skipped_by="supervisor1",
        actor="agent1", at=desk.at,
    )  # fmt: skip
    seq = desk.g.dispatch(skipping).seq
    for name, text in pages(reader(app, locale=locale), case, seq).items():
        assert words in text, name
        assert "王班长" in text, name


def test_who_closed_an_incident_is_named(desk: Desk, app: Flask) -> None:
    case = desk.start()
    note = NoteIncident(
        case_id=case,
        incident="i",
        action="closed",
        detail="已手工补发",
        actor="system:incidents:supervisor1",
        at=desk.at,
    )
    seq = desk.g.dispatch(note).seq
    for name, text in pages(reader(app), case, seq).items():
        assert "已手工补发" in text, name
        assert "王班长" in text, name
