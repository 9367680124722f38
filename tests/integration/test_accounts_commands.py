"""``run.py user``: what operators do at the terminal that the pages do as well, and from demo to real."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyotp import TOTP

from engine.app import Gongdan, open_gongdan
from engine.base.errors import ConfigurationError
from engine.base.settings import CHECKOUT, Settings
from engine.cli.people import user
from engine.operations import credentials
from engine.people.attempts import Caller
from engine.people.directory import DEMO_PASSWORD, DEMO_PEOPLE
from engine.people.security_events import By
from tests.casework import Desk
from tests.people import OTHER, PASSWORD, cheaply, staff
from web.cli import prepare

Run = Callable[..., Result]
HERE = Caller("10.0.0.1")


@pytest.fixture
def house(desk: Desk) -> Gongdan:
    """The small company with an administrator, whose commands are given at the terminal."""
    cheaply(desk.g)
    staff(desk.g)
    return desk.g


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def called(*words: str, typed: str = "") -> Result:
        environment = {"GONGDAN_VAR": str(tmp_path), "DATABASE_URL": None, "GONGDAN_PROJECT": str(CHECKOUT)}
        return CliRunner().invoke(user, list(words), input=typed, env=environment)

    return called


def told(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, (result.output, result.exception)
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_levels_teams_and_ids_elsewhere_are_given_and_taken(house: Gongdan, run: Run) -> None:
    made = told(
        run("add", "han", "--display", "韩梅梅", "--role", "agent", "--skill", "yue:5", "--team", "早班",
            "--external-id", "E-1", "--one-time", "--json")
    )  # fmt: skip
    han = house.people.get("han")
    assert (han.level("yue"), han.teams, han.external_id) == (5, frozenset({"早班"}), "E-1")
    assert house.door.password("han", str(made["one_time_password"]), HERE, house.now()) == han
    assert han.must_change
    assert "han  韩梅梅  agent, yue:5, 早班" in run("list").stdout
    changed = told(run("change", "han", "--skill", "yue", "--no-team", "--external-id", "", "--json"))
    assert (changed["levels"], changed["teams"], changed["external_id"]) == ({"yue": 3}, [], None)
    assert run("change", "han", "--skill", "yue:7").exit_code == 2


def test_a_one_time_password_is_made_and_a_change_demanded(house: Gongdan, run: Run) -> None:
    made = told(run("password", "wang", "--one-time", "--json"))["one_time_password"]
    assert house.people.authenticate("wang", PASSWORD) is None
    assert house.people.get("wang").must_change
    assert house.people.authenticate("wang", str(made)) is not None
    assert run("password", "wang", "--password-stdin", typed=f"{OTHER}\n").exit_code == 0
    assert not house.people.get("wang").must_change
    assert run("must-change", "wang").exit_code == 0
    assert house.people.get("wang").must_change


def test_who_waits_is_listed_and_unlocked(house: Gongdan, run: Run, desk: Desk) -> None:
    at = house.now()
    for _ in range(3):
        assert house.door.password("wang", "wrong", HERE, at) is None
    failures = {one["name"]: one["failures"] for one in told(run("list", "--json"))["people"]}  # type: ignore[attr-defined]
    assert failures["wang"] in (0, 3), (
        "they are forgotten as time passes, and the terminal has the time of today"
    )
    assert run("unlock", "wang").exit_code == 0
    assert house.door.attempts.of(at) == {}


def test_sessions_and_second_steps_are_seen_and_ended(house: Gongdan, run: Run) -> None:
    phone = TOTP(house.door.steps.offer("wang"))
    credentials.confirm_second_step(house, "wang", phone.at(house.wall()), By("wang"))
    state = told(run("second-step", "wang", "--json"))
    assert (state["since"], state["recovery_codes"]) == (house.now(), 10)
    assert told(run("second-step", "wang", "--take-away", "--json"))["since"] is None
    assert told(run("second-step", "wang", "--json"))["recovery_codes"] == 0
    token, begun = house.door.open(house.people.get("wang"), "10.0.0.1", "Firefox", house.now(), "password")
    assert run("sessions", "wang", "--end", begun.id).exit_code == 0
    assert house.door.sessions.find(token, house.now()) is None
    assert run("sessions", "wang", "--end", begun.id).exit_code == 1
    token, _ = house.door.open(house.people.get("wang"), "10.0.0.1", "Firefox", house.now(), "password")
    assert told(run("sessions", "wang", "--end-all", "--json"))["sessions"] == []
    assert house.door.sessions.find(token, house.now()) is None


def test_a_file_of_people_is_tried_and_taken(house: Gongdan, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "staff.csv"
    file.write_text("name,display,roles\nhan,韩梅梅,agent\nwang,王芳芳,agent\n", encoding="utf-8")
    tried = told(run("import", str(file), "--dry-run", "--json"))
    assert (tried["written"], [line["done"] for line in tried["lines"]]) == (False, ["added", "changed"])  # type: ignore[attr-defined]
    assert house.people.get("wang").display_name == "王芳"
    done = told(run("import", str(file), "--json"))
    assert done["written"] is True
    secret = done["lines"][0]["one_time_password"]  # type: ignore[index]
    assert house.people.authenticate("han", secret) is not None
    file.write_text("name,display,roles\nxu,徐,agentt\n", encoding="utf-8")
    refused = run("import", str(file))
    assert (refused.exit_code, "'agentt' is none" in refused.stdout, "nothing was written" in refused.stdout) == (
        1, True, True,
    )  # fmt: skip


def test_work_of_who_is_switched_off_by_a_file_goes_back(
    house: Gongdan, run: Run, tmp_path: Path, desk: Desk
) -> None:
    case = desk.start()
    desk.claim(case, actor="wang")
    file = tmp_path / "staff.csv"
    file.write_text("name,active\nwang,no\n", encoding="utf-8")
    given = told(run("import", str(file), "--json"))["given_back"]
    assert given == [f"{case}/{desk.open(case)['call']}"]
    assert desk.kinds(case)[-1] == "release"


def test_a_demo_database_becomes_a_real_one(shipped: Gongdan, run: Run, tmp_path: Path) -> None:
    case_held = shipped.people.get("agent1")
    token, _ = shipped.door.open(case_held, "10.0.0.1", "", shipped.now(), "password")
    real = Settings.from_env({}, var=tmp_path, secret_key="s" * 32, publish=False)
    opened = open_gongdan(real)
    with pytest.raises(ConfigurationError, match="demo accounts"):
        prepare(opened)
    weak = run("go-live", "boss", "--display", "老板", "--password-stdin", typed="password12\n")
    assert (weak.exit_code, [one.active for one in shipped.people.all()]) == (1, [True] * len(DEMO_PEOPLE))
    done = run("go-live", "boss", "--display", "老板", "--password-stdin", typed=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.exception
    said = done.stdout
    assert all(
        text in said for text in ("switched off, for good", "agent1", "boss is the administrator", "--demo")
    )
    active = [one.name for one in shipped.people.all() if one.active]
    assert active == ["boss"]
    assert shipped.people.get("boss").roles == {"admin"}
    assert shipped.door.sessions.find(token, shipped.now()) is None
    assert prepare(opened) is True
    opened.close()
    assert run("enable", "agent1").exit_code == 0
    assert shipped.people.authenticate("agent1", DEMO_PASSWORD) is None, (
        "the public password is gone for good"
    )
    again = run("go-live", "boss2", "--display", "老板", "--one-time")
    assert again.exit_code == 0, "a demo account was switched on again"
    once_more = run("go-live", "boss3", "--display", "老板", "--one-time")
    assert (once_more.exit_code, "none is switched on" in str(once_more.exception)) == (1, True)


def test_roles_that_need_a_second_step_exist(shipped: Gongdan, tmp_path: Path) -> None:
    typed_wrong = Settings.from_env(
        {"GONGDAN_SECOND_STEP_ROLES": "admin, adminn"}, var=tmp_path, demo=True, publish=False
    )
    opened = open_gongdan(typed_wrong)
    with pytest.raises(ConfigurationError, match="GONGDAN_SECOND_STEP_ROLES names 'adminn'"):
        prepare(opened)
    opened.close()
