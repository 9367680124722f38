"""What each role sees: tables written by hand, for all rooms, for a case of its kind, and for everything on a case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from engine.base.settings import Settings
from engine.case.commands import AssignTask, ReleaseTask
from engine.people.directory import DEMO_PASSWORD, Person
from engine.queries import scope
from engine.storage.tables import task
from tests.bpmn_text import bpmn, user
from tests.casework import FILES, Desk, opened
from tests.clock import Clock
from web import create_app

ROLES = (
    "agent", "senior_agent", "dispatcher", "specialist", "complaint_centre", "supervisor", "manager", "quality",
    "auditor", "designer", "admin",
)  # fmt: skip
EVERYBODY = set(ROLES)
#: those who see every case, as the law and the house want it (processes §0.3)
OVERSEE = {"complaint_centre", "supervisor", "manager", "quality", "auditor", "admin"}
DESK = {"agent", "senior_agent", "dispatcher"}
#: path → (roles that get the page, what the others get)
ROOMS: dict[str, tuple[set[str], int]] = {
    "/": (EVERYBODY, 0),
    "/processes/": (EVERYBODY, 0),
    "/cases/": (OVERSEE | DESK, 404),
    "/cases/new": ({"agent", "senior_agent", "supervisor", "complaint_centre"}, 403),
    "/board/": ({"supervisor", "manager", "admin", "complaint_centre", "quality"}, 403),
    "/reports/": (OVERSEE, 403),
    "/outbox/": (OVERSEE, 403),
    "/designer/": ({"designer", "admin"}, 403),
    "/audit/": ({"auditor", "quality", "supervisor", "manager", "admin"}, 403),
    "/admin/people": ({"supervisor", "admin"}, 403),
    "/admin/incidents": ({"supervisor", "admin", "designer"}, 403),
}
#: the rooms that the top bar leads to, which are those that answer; incidents are reached from the page of people
IN_THE_BAR = set(ROOMS) - {"/admin/incidents"}


def one_of(role: str) -> Person:
    """Somebody with this role and no other."""
    return Person(f"the_{role}", f"某{role}", frozenset({role}))


# ---------------------------------------------------------------- rooms
@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Rights are asked of people, not of the database."""
    return sqlite_url


@pytest.fixture
def app(desk: Desk, settings: Settings) -> Flask:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(DEMO_PASSWORD)
    desk.g.people.add_many([one_of(role) for role in ROLES], cheap)
    return create_app(desk.g, replace(settings, demo=False))


def signed_in(app: Flask, name: str) -> FlaskClient:
    client = app.test_client()
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in").text)
    assert found is not None
    form = {"name": name, "password": DEMO_PASSWORD, "csrf_token": found[1]}
    assert client.post("/sign-in", data=form).status_code == 303
    return client


def test_each_role_gets_these_rooms_and_is_led_to_no_others(app: Flask) -> None:
    got: dict[str, dict[str, int]] = {path: {} for path in ROOMS}
    led: dict[str, set[str]] = {path: set() for path in IN_THE_BAR}
    for role in ROLES:
        client = signed_in(app, f"the_{role}")
        for path in ROOMS:
            got[path][role] = client.get(path).status_code
        bar = client.get("/").text.partition("</header>")[0]
        for path in IN_THE_BAR:
            if f'href="{path}"' in bar:
                led[path].add(role)
    assert got == {
        path: {role: 200 if role in allowed else refused for role in ROLES}
        for path, (allowed, refused) in ROOMS.items()
    }
    assert led == {path: ROOMS[path][0] for path in IN_THE_BAR}


# ---------------------------------------------------------------- cases
HOUSE: dict[str, bytes | None] = {
    **FILES,
    # what a branch keeps to itself: no lane of the front desk
    "bpmn/tests/kept.bpmn": bpmn(
        "kept",
        "start > look > end",
        user("look", form="call"),
        lanes={"机构处理人": "look"},
        startable="true",
    ),
    # what the front desk takes part in, though this task is not theirs
    "bpmn/tests/shared.bpmn": bpmn(
        "shared",
        "start > look > call > end",
        user("look", form="call"),
        user("call", form="call"),
        lanes={"机构处理人": "look", "派单员": "call"},
        startable="true",
    ),
}


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with opened(tmp_path, clock, files=HOUSE) as made:
        yield made


def knows(house: Desk, case: str, *people: Person) -> set[str]:
    current = house.g.releases.current()
    return {
        person.name.removeprefix("the_")
        for person in people
        if scope.may_know(house.g.db, person, case, current)
    }


def test_a_case_is_known_to_who_oversees_to_the_front_desk_and_to_who_works_on_it(house: Desk) -> None:
    everybody = [one_of(role) for role in ROLES]
    assert knows(house, house.start("shared"), *everybody) == OVERSEE | DESK
    assert knows(house, house.start("kept"), *everybody) == OVERSEE
    assert knows(house, "260302-99999-9", *everybody) == OVERSEE, "of no case there is nothing to know"


def test_the_processes_of_the_front_desk_are_those_with_a_lane_of_theirs(house: Desk) -> None:
    current = house.g.releases.current()
    assert scope.answered_by_front_desk(current) == {"shared"}
    follow = {
        process: {role for role in ROLES if scope.may_follow(one_of(role), process, current)}
        for process in ("shared", "kept")
    }
    assert follow == {"shared": OVERSEE | DESK, "kept": OVERSEE}
    assert {role for role in ROLES if scope.may_search(one_of(role))} == OVERSEE | DESK


def test_who_could_take_a_task_who_holds_it_and_who_did_it_know_of_the_case(house: Desk) -> None:
    branch = Person("b", "机构", frozenset({"specialist"}), departments=frozenset({"branch"}))
    legal = Person("l", "法务", frozenset({"specialist"}), departments=frozenset({"legal"}))
    other_role = Person("o", "坐席", frozenset({"designer"}), departments=frozenset({"branch"}))
    house.g.people.add_many([branch, legal, other_role], "no password")
    case = house.start("kept")
    number = house.open(case)["look"]
    assert knows(house, case, branch, legal, other_role) == {"b"}
    house.claim(case, "look", actor="b")
    moved = replace(branch, departments=frozenset({"legal"}))
    assert knows(house, case, moved) == {"b"}, "who holds work knows of it, wherever they are now"
    house.g.dispatch(ReleaseTask(case_id=case, task=number, actor="b", at=house.at))
    assert knows(house, case, moved) == set()
    house.g.dispatch(
        AssignTask(case_id=case, task=number, to="b", reason="x", actor="supervisor1", at=house.at)
    )
    house.complete(case, "look", actor="b", result="好")
    with house.g.db.begin() as connection:
        connection.execute(sa.update(task).values(claimed_by=None))
    assert knows(house, case, moved) == {"b"}, "who did it, though nobody holds it"
