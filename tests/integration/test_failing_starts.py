"""A start that fails leaves no case and no incident: its page says so, and offers what there is, another try."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from engine.base.errors import Damaged, TechnicalFailure
from engine.base.settings import Settings
from engine.case.commands import ClaimTask, Command
from engine.case.dispatch import Receipt
from engine.people.directory import Person
from engine.queries import cases
from tests.bpmn_text import bpmn, script, user
from tests.casework import FILES, Desk, opened
from tests.clock import Clock
from tests.integration.test_pages_of_tasks import send
from web import create_app

PASSWORD = "grüne Kessel 42"
TOLD = {"zh-Hans": "没有创建工单", "zh-Hant-HK": "沒有建立工單", "en": "No case was opened"}
INCIDENTS = {"zh-Hans": "异常清单", "zh-Hant-HK": "異常事件清單", "en": "listed under incidents"}
#: three ways in which the very first step of a case can fail
FAILING = {
    "divides": script("compute", "share = 1 / 0"),
    "counts": script("compute", "share = int('many')"),
    "looks": script("compute", "share = {}['none']"),
}
LATER = bpmn(
    "later",
    "start > call > compute > end",
    user("call", form="call"),
    script("compute", "share = 1 / 0"),
    startable="true",
)


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    drawn = {
        f"bpmn/tests/{name}.bpmn": bpmn(
            name, "start > compute > call > end", step, user("call", form="call"), startable="true"
        )
        for name, step in FAILING.items()
    }
    with opened(tmp_path, clock, files=FILES | drawn | {"bpmn/tests/later.bpmn": LATER}) as made:
        yield made


def agent(desk: Desk) -> FlaskClient:
    desk.g.people.add(Person("zoe", "Zoe", frozenset({"agent", "supervisor"})), PASSWORD)
    settings = Settings.from_env({}, var=desk.g.settings.var, demo=True)
    client = create_app(desk.g, settings).test_client()
    client.set_cookie("locale", "en")
    assert send(client, "/sign-in", name="zoe", password=PASSWORD)[0] == 303
    return client


def test_a_start_that_fails_says_so_in_the_language_of_the_page_and_can_be_tried_again(desk: Desk) -> None:
    client = agent(desk)
    pages = {}
    for name, (locale, said) in zip(FAILING, TOLD.items(), strict=True):
        client.set_cookie("locale", locale)
        status, page = send(client, "/cases/new", process=name, submit_key=f"key_{name}")
        assert (status, said in page, INCIDENTS[locale] in page) == (500, True, False)
        pages[name] = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert desk.incidents() == []
    mended = {
        f"bpmn/tests/{name}.bpmn": bpmn(
            name, "start > call > end", user("call", form="call"), startable="true"
        )
        for name in FAILING
    }
    desk.g.releases.publish(mended, "folder", "mended", desk.at)
    for name, again in pages.items():
        assert (again["process"], again["submit_key"]) == (name, f"key_{name}")
        assert client.post("/cases/new", data=again).status_code == 303, "the button sends what is needed"


def test_what_an_incident_records_is_said_to_be_listed_and_nothing_else_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, case = agent(desk), desk.start("later")
    task = desk.open(case)["call"]
    status, page = send(client, f"/tasks/{case}/{task}/complete", result="ok")
    assert (status, INCIDENTS["en"] in page, len(desk.incidents())) == (500, True, 1)
    with monkeypatch.context() as patched:
        patched.setattr(cases, "listed", lambda *_, **__: (_ for _ in ()).throw(Damaged("of the disk")))
        page = client.get("/cases/").text
    assert INCIDENTS["en"] not in page
    assert "This cannot be shown." in page


def test_a_case_whose_taking_fails_is_there_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = agent(desk)
    dispatch = desk.g.dispatcher.dispatch

    def fails(command: Command, *beside: Any) -> Receipt:
        if isinstance(command, ClaimTask):
            raise TechnicalFailure("of a step")
        return dispatch(command, *beside)

    monkeypatch.setattr(desk.g.dispatcher, "dispatch", fails)
    assert send(client, "/cases/new", process="later")[0] == 303
    assert len(desk.incidents()) == 1
