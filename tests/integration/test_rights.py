"""Every page and every command names its right; each role, each state of an account, comes in where the table says.

The table here is written by hand, and is not that of the product: who changes a right changes it twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.people.directory import DEMO_PASSWORD, Person
from engine.people.rights import RIGHTS, ROLES
from engine.storage.tables import person
from web import create_app

#: ``off``: an administrator who was switched off; ``out``: one whose sessions were ended; ``stranger``: nobody
STATES = ("off", "out", "stranger")
ALL = {*ROLES}
SEE_ALL = {"complaint_centre", "supervisor", "manager", "quality", "auditor", "admin"}
CHECKS = {"supervisor", "manager", "quality", "auditor", "admin"}
STEER = {"complaint_centre", "supervisor", "manager", "quality", "admin"}
#: rooms by the beginning of their addresses: who comes in; the longest beginning counts
ROOMS: dict[str, set[str]] = {
    "/": ALL, "/cases/": ALL, "/cases/new": {"agent", "senior_agent", "supervisor", "complaint_centre"},
    "/tasks/": ALL, "/notices/": ALL, "/processes/": ALL, "/inbox": ALL, "/account": ALL, "/sign-out": ALL,
    "/designer/": {"designer", "admin"}, "/audit/": CHECKS, "/outbox/": SEE_ALL,
    "/outbox/again": {"supervisor", "admin"}, "/approvals/": {"supervisor", "admin"},
    "/board/": STEER, "/reports/": SEE_ALL,
    "/cases/1/dossier": SEE_ALL, "/admin/people": {"admin", "supervisor"}, "/admin/people/": {"admin"},
    "/admin/incidents": {"admin", "supervisor", "designer"}, "/admin/incidents/1/": {"admin"},
    "/admin/security": {"admin", "auditor"}, "/admin/health": {"admin"},
    **{path: {*ALL, *STATES} for path in (
        "/sign-in", "/signed-in", "/preferences", "/static/", "/api/health", "/livez", "/readyz", "/metrics",
        "/.well-known/security.txt",
    )},
}  # fmt: skip
#: whose views let in whoever has the report's task, too: they decide themselves
VIEWS_DECIDE = ("reports.download", "reports.download_branches")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def house(gongdan: Gongdan) -> Gongdan:
    """One account of each role."""
    people = [Person(f"the_{role}", f"某{role}", frozenset({role})) for role in ROLES]
    people += [Person(f"the_{state}", f"某{state}", frozenset({"admin"})) for state in ("off", "out")]
    gongdan.people.add_many(people, gongdan.people._hasher.hash(DEMO_PASSWORD))
    return gongdan


def app_of(house: Gongdan, settings: Settings) -> Flask:
    """The pages with their doors, and behind each door one who says so."""
    app = create_app(house, settings)
    app.config["WTF_CSRF_ENABLED"] = False
    real = {"auth.sign_in"}
    app.view_functions |= {name: lambda **_: "inside" for name in app.view_functions if name not in real}
    return app


@contextmanager
def at_the_door(app: Flask, house: Gongdan, who: str) -> Iterator[FlaskClient]:
    """A browser in which they signed in while they still could."""
    client = app.test_client()
    if who != "stranger":
        form = {"name": f"the_{who}", "password": DEMO_PASSWORD}
        assert client.post("/sign-in", data=form).status_code == 303
    if who in ("off", "out"):
        change: dict[str, object] = {"active": 0}
        if who == "out":
            change = {"session_generation": person.c.session_generation + 1}
        with house.db.begin() as connection:
            connection.execute(sa.update(person).where(person.c.name == f"the_{who}").values(change))
    yield client


def room(path: str) -> set[str]:
    return ROOMS[max((one for one in ROOMS if path.startswith(one)), key=len)]


def test_each_door_opens_to_those_of_the_table_and_to_nobody_else(house: Gongdan, settings: Settings) -> None:
    app = app_of(house, settings)
    asked = [
        (rule.endpoint, method, re.sub(r"<[^>]+>", "1", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.endpoint != "auth.sign_in"
    ]
    assert len(asked) > 70
    wrong = []
    for who in (*ROLES, *STATES):
        with at_the_door(app, house, who) as client:
            for endpoint, method, path in asked:
                answer = client.open(path, method=method)
                inside = answer.status_code == 200
                if inside != (who in room(path) or (endpoint in VIEWS_DECIDE and who in ALL)):
                    wrong.append((who, method, path, answer.status_code))
                assert answer.status_code in (200, 302, 401, 403, 404), (who, path)
    assert wrong == []


def test_a_page_without_a_door_is_shut_to_everybody(house: Gongdan, settings: Settings) -> None:
    app = create_app(house, settings)
    app.config["WTF_CSRF_ENABLED"] = False
    app.add_url_rule("/forgotten", "forgotten", lambda: "inside")
    with at_the_door(app, house, "admin") as client:
        assert client.get("/forgotten").status_code == 403


def test_files_of_reports_are_for_readers_and_for_nobody_who_names_some_case(
    house: Gongdan, settings: Settings
) -> None:
    app = create_app(house, settings)
    app.config["WTF_CSRF_ENABLED"] = False
    for who, status in (("agent", 403), ("designer", 403)):
        with at_the_door(app, house, who) as client:
            for path in ("/reports/closed_list.csv", "/reports/closed_list.zip"):
                assert client.get(path).status_code == status
                assert client.get(f"{path}?case=260302-00001-8").status_code == 404


@pytest.mark.parametrize(("action", "roles"), [
    ("cases.all", SEE_ALL), ("cases.answer", {"agent", "senior_agent", "dispatcher"}),
    ("cases.lead", {"supervisor", "admin"}), ("rights.give", {"admin"}),
])  # fmt: skip
def test_what_no_door_asks_for_is_as_written(action: str, roles: set[str]) -> None:
    assert RIGHTS[action].roles == roles
