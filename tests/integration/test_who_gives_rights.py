"""A release that says who may do what needs an administrator, and is told to those who check."""

from __future__ import annotations

import json
import re

import pytest
import sqlalchemy as sa

from engine.app import Gongdan
from engine.base.errors import NotAllowed, Rejected
from engine.people.directory import DEMO_PASSWORD
from engine.queries import drafts
from engine.queries.drafts import DiagramDraft
from engine.release.consent import FOLDER
from engine.release.release import ROLES
from engine.storage.tables import notice, person
from tests.casework import FILES, WORK, Desk
from web import create_app

WORK_PATH = "bpmn/tests/work.bpmn"


def roles(**lanes: str) -> bytes:
    """roles.json with the lanes given to other roles."""
    body = FILES[ROLES]
    assert body is not None
    made = json.loads(body)
    made["lanes"] |= {lane: {"role": role} for lane, role in lanes.items()}
    return json.dumps(made, ensure_ascii=False).encode()


MINE = roles(投诉管理岗="designer")


@pytest.mark.parametrize("author", ["designer1", "supervisor1", "auditor1", "nobody there", "tests"])
@pytest.mark.parametrize("change", [MINE, None], ids=["changed", "taken away"])
def test_only_an_administrator_gives_rights(desk: Desk, author: str, change: bytes | None) -> None:
    with pytest.raises(NotAllowed, match=r"administrator, for bpmn/roles\.json"):
        desk.g.releases.publish({ROLES: change, WORK_PATH: WORK + b"<!-- -->"}, author, "harmless", desk.at)
    assert desk.g.releases.current_number() == 1


def test_an_administrator_and_the_operator_do(desk: Desk) -> None:
    assert desk.g.releases.publish({ROLES: MINE}, "admin1", "a new desk", desk.at) == 2
    assert desk.g.releases.publish({ROLES: FILES[ROLES]}, FOLDER, "as shipped", desk.at) == 3


def test_one_who_was_an_administrator_does_not(desk: Desk) -> None:
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(person).where(person.c.name == "admin1").values(active=0))
    with pytest.raises(NotAllowed):
        desk.g.releases.publish({ROLES: MINE}, "admin1", "still here", desk.at)


def test_an_old_release_does_not_bring_old_rights_back(desk: Desk) -> None:
    desk.g.releases.publish({ROLES: MINE}, "admin1", "rights of release 2", desk.at)
    desk.g.releases.publish({ROLES: FILES[ROLES]}, "admin1", "taken back", desk.at)
    with pytest.raises(NotAllowed):
        desk.g.releases.publish({ROLES: MINE}, "designer1", "from release 2", desk.at, base=2)
    with pytest.raises(Rejected, match="release 3 changed"):
        desk.g.releases.publish({ROLES: MINE}, "admin1", "from release 2", desk.at, base=2)


def test_what_is_in_force_already_gives_nobody_anything(desk: Desk) -> None:
    files = {ROLES: FILES[ROLES], WORK_PATH: WORK + b"<!-- -->"}
    assert desk.g.releases.publish(files, "designer1", "one file", desk.at) == 2


def test_supervisors_and_auditors_hear_of_a_release(any_desk: Desk) -> None:
    any_desk.g.releases.publish({WORK_PATH: WORK + b"<!-- -->"}, "designer1", "少问一次", any_desk.at)
    any_desk.g.releases.publish({ROLES: MINE}, "admin1", "新岗位", any_desk.at)
    told = any_desk.g.db.rows(sa.select(notice).order_by(notice.c.id))
    assert [(row.role, row.level, row.case_id) for row in told] == [
        ("supervisor", "info", None), ("auditor", "info", None),
        ("supervisor", "warn", None), ("auditor", "warn", None),
    ]  # fmt: skip
    for word in ("第 2 版", "林设计", "少问一次", WORK_PATH):
        assert word in told[0].text
    assert ROLES not in told[0].text


def test_what_ships_is_told_to_nobody(desk: Desk) -> None:
    desk.g.releases.publish({WORK_PATH: WORK + b"<!-- -->"}, FOLDER, "shipped", desk.at)
    assert desk.g.db.rows(sa.select(notice)) == []


# ---------------------------------------------------------------- in the browser
@pytest.fixture
def gongdan(shipped: Gongdan) -> Gongdan:
    return shipped


@pytest.mark.parametrize("locale", ["zh-Hans", "en"])
def test_the_room_says_who_may_and_keeps_the_draft(gongdan: Gongdan, locale: str) -> None:
    client = create_app(gongdan, gongdan.settings).test_client()
    client.set_cookie("locale", locale)

    def send(address: str, /, **form: str) -> tuple[int, str]:
        text = client.get("/processes/", follow_redirects=True).text
        found = re.search(r'name="csrf-token" content="([^"]+)"', text)
        assert found is not None
        answer = client.post(address, data={**form, "csrf_token": found.group(1)})
        return answer.status_code, answer.text

    assert send("/sign-in", name="designer1", password=DEMO_PASSWORD)[0] == 303
    body = gongdan.releases.current().files[ROLES].replace("投诉管理岗".encode(), "投诉管理台".encode())
    drafts.save_diagram(gongdan.db, DiagramDraft(ROLES, "designer1", body, 1, gongdan.now()))
    status, text = send("/designer/publish", path=ROLES, note="harmless")
    assert (status, gongdan.releases.current_number()) == (403, 1)
    assert ("须由系统管理员" if locale == "zh-Hans" else "Expected an administrator") in text
    assert drafts.diagram(gongdan.db, ROLES, "designer1") is not None


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("zh-Hans", "第 2 版流程已由"),
        ("zh-Hant-HK", "發布：新崗位"),
        ("en", "Release 2 of the processes was published by"),
    ],
)
def test_a_release_is_told_in_the_language_of_the_page(gongdan: Gongdan, locale: str, words: str) -> None:
    gongdan.releases.publish({ROLES: MINE}, "admin1", "新崗位", gongdan.now())
    client = create_app(gongdan, gongdan.settings).test_client()
    client.set_cookie("locale", locale)
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in").text)
    assert found is not None
    form = {"name": "supervisor1", "password": DEMO_PASSWORD, "csrf_token": found.group(1)}
    assert client.post("/sign-in", data=form).status_code == 303
    _, _, told = client.get("/notices/").text.partition('<section class="card measure">')
    told = told.partition("</section>")[0]
    assert words in told
    assert ("流程已由" in told) is (locale != "en")
    for word in ("新崗位", ROLES):
        assert word in told
    assert "None" not in told
    assert ">1 " not in told, "it is about no case"
