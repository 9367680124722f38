"""Accounts from the command line: who is switched off is out at the next request, and their work goes back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from engine.app import open_gongdan
from engine.base.errors import NotAllowed
from engine.base.settings import CHECKOUT, Settings
from engine.case.commands import ClaimTask
from engine.cli.people import user
from engine.operations import accounts
from engine.people import directory as people
from engine.people.directory import Person
from engine.storage.tables import task
from tests.casework import Desk
from tests.clock import Clock
from web import create_app
from web.signing_in import OPEN_ENDPOINTS

PASSWORD, OTHER = "green kettle 42", "seven blue doors"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run.py user …`` as an operator calls it beside the running server."""

    def called(*words: str, typed: str = "") -> Result:
        environment = {"GONGDAN_VAR": str(tmp_path), "DATABASE_URL": None, "GONGDAN_PROJECT": str(CHECKOUT)}
        return CliRunner().invoke(user, list(words), input=typed, env=environment)

    return called


@pytest.fixture
def wang(desk: Desk, run: Run) -> Person:
    """An agent of the Cantonese desk, added by the operator."""
    done = run(
        "add", "wang", "--display", "王芳", "--role", "agent", "--skill", "yue", "--password-stdin",
        typed=f"{PASSWORD}\n",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return desk.g.people.get("wang")


def token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(path).text)
    assert found is not None
    return found.group(1)


def signed_in(desk: Desk, password: str = PASSWORD) -> tuple[FlaskClient, str]:
    """A browser of wang's, and the token of its forms."""
    settings = Settings.from_env({}, var=desk.g.settings.var, demo=True, secret_key="s" * 32)
    client = create_app(desk.g, settings).test_client()
    form = {"name": "wang", "password": password, "csrf_token": token(client, "/sign-in")}
    assert client.post("/sign-in", data=form).status_code == 303
    return client, token(client, "/account")


def held(desk: Desk, name: str) -> list[str]:
    return [
        f"{row.case_id}/{row.task}"
        for row in desk.g.db.rows(sa.select(task).where(task.c.claimed_by == name, task.c.state == "open"))
    ]


@pytest.mark.usefixtures("wang")
def test_who_is_switched_off_is_out_at_the_next_request(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "FRESH", 0.0)  # another process has done it: noticed after a second
    case, free = desk.start(), desk.start()
    desk.claim(case, actor="wang")
    client, form = signed_in(desk)
    number = desk.open(case)["call"]
    assert client.get(f"/tasks/{case}/{number}").status_code == 200
    done = run("disable", "wang", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (
        0, {"name": "wang", "active": False, "given_back": [f"{case}/{number}"], "still_held": {}},
    )  # fmt: skip
    rules = [rule for rule in client.application.url_map.iter_rules() if rule.endpoint != "static"]
    for rule in rules:
        path = re.sub(r"<int:[^>]+>", str(number), rule.rule).replace("<case_id>", case)
        path = re.sub(r"<[^>]+>", "x", path)
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        if rule.endpoint not in OPEN_ENDPOINTS:
            answer = client.open(path, method=method, data={"csrf_token": form})
            if method == "GET":
                assert (answer.status_code, answer.headers["Location"][:8]) == (302, "/sign-in"), path
            else:  # what was sent is carried through the sign-in page
                assert (answer.status_code, 'name="password"' in answer.text) == (401, True), path
    before = desk.kinds(free)
    taken = client.post(f"/tasks/{free}/{desk.open(free)['call']}/claim", data={"csrf_token": form})
    assert (taken.status_code, desk.kinds(free)) == (401, before)
    assert held(desk, "wang") == []
    assert desk.kinds(case)[-1] == "release"
    assert desk.g.verify(case).state == "identical"
    again = {"name": "wang", "password": PASSWORD, "csrf_token": token(client, "/sign-in")}
    assert client.post("/sign-in", data=again).status_code == 401
    assert run("enable", "wang").exit_code == 0
    assert client.get("/account").status_code == 302, "sessions of before do not come back"
    signed_in(desk)


@pytest.mark.usefixtures("wang")
def test_a_command_of_one_switched_off_is_refused_wherever_it_comes_from(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = desk.start(actor="wang")
    desk.claim(case, actor="wang")
    assert run("disable", "wang").exit_code == 0
    monkeypatch.setattr(people, "FRESH", 0.0)  # another process has done it: noticed after a second
    for act in (
        lambda: desk.start(actor="wang"),
        lambda: desk.claim(case, actor="wang"),
        lambda: desk.complete(case, actor="wang", result="reached"),
    ):
        with pytest.raises(NotAllowed, match="switched off"):
            act()


@pytest.mark.usefixtures("wang")
def test_what_cannot_be_given_back_is_told(desk: Desk, run: Run) -> None:
    case, broken = desk.start(), desk.start()
    for one in (case, broken):
        desk.claim(one, actor="wang")
    with desk.g.db.begin() as connection:
        connection.execute(
            sa.text("UPDATE cases SET head = :x WHERE id = :id"), {"x": b"x" * 32, "id": broken}
        )
    done = run("disable", "wang", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [line.partition("/")[0] for line in told["given_back"]] == [case]
    assert [line.partition("/")[0] for line in told["still_held"]] == [broken]
    assert not desk.g.people.get("wang").active


@pytest.mark.usefixtures("wang")
def test_changed_roles_count_at_once_and_work_that_no_longer_fits_goes_back(desk: Desk, run: Run) -> None:
    case = desk.start()
    desk.claim(case, actor="wang")
    client, _ = signed_in(desk)
    assert client.get("/designer/").status_code == 403
    done = run("change", "wang", "--role", "designer", "--display", "王芳(设计)", "--no-skill", "--json")
    told = json.loads(done.stdout)
    assert (told["roles"], told["skills"], told["display"]) == (["designer"], [], "王芳(设计)")
    assert [line.partition("/")[0] for line in told["given_back"]] == [case]
    assert client.get("/designer/").status_code == 200, "still signed in, with the new role"
    assert desk.g.people.get("wang") == Person(
        "wang", "王芳(设计)", frozenset({"designer"}), session_generation=0
    )


@pytest.mark.usefixtures("wang")
def test_a_new_password_ends_the_sessions_of_the_old_one(desk: Desk, run: Run) -> None:
    client, _ = signed_in(desk)
    assert run("password", "wang", "--password-stdin", typed="aaaaaaaaaaaa\n").exit_code != 0
    assert client.get("/account").status_code == 200
    assert run("password", "wang", typed=f"{OTHER}\n{OTHER}\n").exit_code == 0
    assert client.get("/account").status_code == 302
    assert desk.g.people.authenticate("wang", PASSWORD) is None
    signed_in(desk, OTHER)


@pytest.mark.usefixtures("wang")
def test_the_list_says_who_there_is(run: Run) -> None:
    run("disable", "wang")
    people = {one["name"]: one for one in json.loads(run("list", "--json").stdout)["people"]}
    assert people["wang"] == {
        "name": "wang", "display": "王芳", "roles": ["agent"], "skills": ["yue"], "departments": [],
        "active": False, "demo": False, "mail": None, "levels": {"yue": 3}, "teams": [], "external_id": None,
        "must_change": False, "second_step": False, "failures": 0, "stale": [],
    }  # fmt: skip
    assert re.search(r"^wang  王芳  agent, yue  switched off$", run("list").stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "li", "--display", "李", "--role", "nosuchrole", "--password", PASSWORD), "nosuchrole"),
        (
            ("add", "li", "--display", "李", "--role", "agent", "--skill", "yeu", "--password", PASSWORD),
            "yeu",
        ),
        (
            (
                "add",
                "li",
                "--display",
                "李",
                "--role",
                "specialist",
                "--department",
                "omm",
                "--password",
                PASSWORD,
            ),
            "omm",
        ),
        (("change", "wang", "--role", "adminn"), "adminn"),
        (("change", "wang"), "what is to change"),
        (("change", "wang", "--skill", "yue", "--no-skill"), "not both"),
    ],
)
@pytest.mark.usefixtures("wang")
def test_what_no_lane_and_no_role_has_is_refused(run: Run, words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_the_role_of_the_software_is_nobodys_and_is_not_offered(desk: Desk, run: Run) -> None:
    assert "system" in desk.g.releases.current().roles.names
    done = run("add", "li", "--display", "李", "--role", "system", "--password", PASSWORD)
    assert done.exit_code == 2
    assert "supervisor, but 'system' is none" in done.stderr
    assert "system" not in {person.name for person in desk.g.people.all() if "system" in person.roles}


def test_no_door_takes_a_password_that_holds_the_accounts_name(desk: Desk, run: Run) -> None:
    own = "eve12345678"
    added = run("add", "eve", "--display", "Eve", "--role", "agent", "--password", own)
    assert (added.exit_code, "hold the account's name" in str(added.exception)) == (1, True)
    assert run("add", "eve", "--display", "Eve", "--role", "agent", "--password", PASSWORD).exit_code == 0
    changed = run("password", "eve", "--password-stdin", typed=f"{own}\n")
    assert (changed.exit_code, "hold the account's name" in str(changed.exception)) == (1, True)


def test_a_typed_wrong_role_is_refused_before_the_first_release(tmp_path: Path, run: Run) -> None:
    done = run("add", "boss", "--display", "老板", "--role", "nosuchrole", "--password", PASSWORD)
    assert (done.exit_code, "nosuchrole" in done.stderr) == (2, True)
    assert run("add", "boss", "--display", "老板", "--role", "admin", "--password", PASSWORD).exit_code == 0
    refused = run("disable", "boss")
    assert (refused.exit_code, "an active administrator to remain" in str(refused.exception)) == (1, True)


def test_the_folders_own_roles_count_before_the_first_release(tmp_path: Path, clock: Clock) -> None:
    own = tmp_path / "project"
    (own / "bpmn").mkdir(parents=True)
    (own / "bpmn" / "roles.json").write_text('{"roles": {"clerk": {"name": {}}}, "lanes": {}}')
    for project, known in ((own, "clerk"), (tmp_path / "empty", "agent")):
        gongdan = open_gongdan(
            Settings.from_env({}, var=tmp_path, project=project), wall=lambda: clock.instant
        )
        assert known in accounts.duties(gongdan).names
        gongdan.close()


# ---------------------------------------------------------------- one's own password
@pytest.mark.usefixtures("wang")
def test_people_change_their_own_password(desk: Desk) -> None:
    elsewhere, _ = signed_in(desk)
    client, form = signed_in(desk)

    def send(**words: str) -> int:
        return client.post("/account", data={**words, "csrf_token": form}).status_code

    assert send(password="not mine at all", new=OTHER, again=OTHER) == 401
    assert send(password=PASSWORD, new=OTHER, again="something else") == 422
    assert send(password=PASSWORD, new="wangwangwang", again="wangwangwang") == 422
    assert desk.g.people.authenticate("wang", PASSWORD) is not None
    assert send(password=PASSWORD, new=OTHER, again=OTHER) == 303
    assert client.get("/account").status_code == 200, "they stay signed in here"
    assert elsewhere.get("/account").status_code == 302, "and nowhere else"
    assert desk.g.people.authenticate("wang", OTHER) is not None


@pytest.mark.usefixtures("wang")
def test_whoever_sits_down_at_an_open_screen_cannot_guess_the_password(desk: Desk) -> None:
    client, form = signed_in(desk)
    words = {"password": "a guess of mine", "new": OTHER, "again": OTHER, "csrf_token": form}
    assert {client.post("/account", data=words).status_code for _ in range(12)} == {401, 429}


def test_demo_people_may_be_switched_off_too(desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    case = desk.start()
    desk.claim(case, actor="agent2")
    assert run("disable", "agent2").exit_code == 0
    monkeypatch.setattr(people, "FRESH", 0.0)
    with pytest.raises(NotAllowed):
        desk.g.dispatch(ClaimTask(case_id=case, task=desk.open(case)["call"], actor="agent2", at=desk.at))
