"""Whoever verifies leaves a record: who, when, what, and what came of it. Where nothing can be written, it says so."""

from __future__ import annotations

import getpass
import json
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from engine.app import Gongdan
from engine.base.settings import Settings
from engine.case.commands import StartCase
from engine.people.directory import DEMO_PASSWORD
from engine.proof import verifications
from engine.proof.verifications import summary
from engine.proof.verify import DIVERGED, IDENTICAL, Verdict
from engine.storage.chains import VERIFICATIONS, broken
from engine.storage.proof_tables import verification
from run import cli
from tests.casework import Desk
from web import create_app

AT = "2026-03-02T01:00:00+00:00"


def run(desk: Desk, *arguments: object) -> Result:
    """A command of ``run.py`` on the desk's database."""
    return run_on(desk.g.settings, *arguments)


def run_on(settings: Settings, *arguments: object) -> Result:
    """A command of ``run.py`` on a database."""
    env = {"DATABASE_URL": settings.database_url, "GONGDAN_VAR": str(settings.var)}
    return CliRunner(env=env).invoke(cli, [str(a) for a in arguments])


def test_the_command_line_records_what_it_verified(any_desk: Desk, tmp_path: Path) -> None:
    one, other = any_desk.start(), any_desk.start()
    assert run(any_desk, "verify", "--list").stdout == "nobody verified yet\n"
    first = json.loads(run(any_desk, "verify", "--all", "--json").stdout)
    run(any_desk, "export", "heads", "-o", tmp_path / "heads")
    run(any_desk, "verify", other, one, "--against", tmp_path / "heads")
    assert first["recorded"] == 1

    latest, before = verifications.listed(any_desk.g.db, 10)
    counts = {"cases": 2, "commands": 2, "identical": 2, "erased": 0, "diverged": 0, "faults": 0, "first": []}
    assert (before.id, before.person, before.channel) == (1, getpass.getuser(), "command line")
    assert (before.scope, before.result) == ({"cases": "all", "many": 2, "against": None}, counts)
    assert (latest.scope["cases"], latest.result) == ([other, one], counts)
    assert latest.scope["against"]["size"] == 7
    assert broken(any_desk.g.db, VERIFICATIONS) is None

    text = run(any_desk, "verify", "--list").stdout
    assert f"{other}, {one}, against {latest.scope['against']['at']}: 2 identical" in text
    told = json.loads(run(any_desk, "verify", "--list", "--json").stdout)["verifications"]
    assert [one["id"] for one in told] == [2, 1]


def test_a_record_names_the_first_findings(desk: Desk) -> None:
    verdicts = [Verdict(f"case {n}", DIVERGED, n, n, "why") for n in range(9)] + [Verdict("x", IDENTICAL, 3)]
    found = summary(verdicts, ["the log: why"])
    assert (
        verifications.record(desk.g.db, AT, "auditor1", "page", found, [f"case {n}" for n in range(30)]) == 1
    )
    (kept,) = verifications.listed(desk.g.db, 10)
    assert (kept.result["diverged"], kept.result["faults"], kept.result["commands"]) == (9, 1, 39)
    assert kept.result["first"] == [f"case {n} row {n}: why" for n in range(5)]
    assert (len(kept.scope["cases"]), kept.scope["many"]) == (20, 10)
    verifications.record(desk.g.db, AT, "auditor1", "page", summary([], ["the log: why"]))
    assert [one.result["first"] for one in verifications.listed(desk.g.db, 1)] == [["the log: why"]]
    assert [one.id for one in verifications.listed(desk.g.db, 10, before=2)] == [1]


@pytest.mark.parametrize("value", ["x", "[]", b"\xff", 5])
def test_a_record_that_was_spoilt_keeps_no_other_from_being_listed(desk: Desk, value: Any) -> None:
    for _ in range(2):
        verifications.record(desk.g.db, AT, "auditor1", "page", summary([], []))
    with desk.g.db.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE verification SET result = ?, scope = ? WHERE id = 1", (value, value)
        )
    assert [bool(one.result) for one in verifications.listed(desk.g.db, 10)] == [True, False]
    assert run(desk, "verify", "--list").exit_code == 0
    fault = broken(desk.g.db, VERIFICATIONS)
    assert fault is not None
    assert fault.id == 1


def test_a_database_that_cannot_be_written_is_verified_and_the_answer_says_that_nothing_was_recorded(
    any_desk: Desk,
) -> None:
    case = any_desk.start()
    with any_desk.g.db.begin() as connection:
        if any_desk.g.db.sqlite:
            connection.exec_driver_sql(
                "CREATE TRIGGER full BEFORE INSERT ON verification BEGIN SELECT RAISE(ABORT, 'read-only'); END"
            )
        else:
            name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
            connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    any_desk.g.db.close()
    done = run(any_desk, "verify", case, "--json")
    assert done.exit_code == 0, done.output
    assert "was not recorded" in done.stderr
    said = json.loads(done.stdout)
    assert (said["identical"], said["recorded"]) == (1, None)
    assert any_desk.g.db.rows(sa.select(verification)) == []


# ---------------------------------------------------------------- pages
@pytest.fixture
def auditor(shipped: Gongdan) -> FlaskClient:
    """Somebody of the audit room, signed in."""
    app = create_app(shipped, Settings.from_env({}, var=shipped.settings.var, demo=True, secret_key="s" * 32))
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    signed_in = client.post("/sign-in", data={"name": "auditor1", "password": DEMO_PASSWORD})
    assert signed_in.status_code == 303
    return client


def opened_case(gongdan: Gongdan) -> str:
    asked = StartCase(process="general_complaint", data={}, actor="system:test", at=gongdan.now())
    return gongdan.dispatch(asked).case_id


def test_a_page_records_who_verified_and_lists_it(shipped: Gongdan, auditor: FlaskClient) -> None:
    case = opened_case(shipped)
    assert "还没有人核验过。" in auditor.get("/audit/verifications").text
    told = auditor.post(f"/audit/{case}/verify", follow_redirects=True).text
    assert "没有留下记录" not in told
    (kept,) = verifications.listed(shipped.db, 10)
    assert (kept.person, kept.channel, kept.scope["cases"]) == ("auditor1", "page", [case])
    run_on(shipped.settings, "verify", "--all")
    found = summary([Verdict(case, DIVERGED, 1, 1, "<why>")], ["the log: why"])
    against = {"at": "2026-03-01T00:00:00+00:00", "cases": 1, "size": 3, "root": "00"}
    verifications.record(shipped.db, AT, "root", "command line", found, None, against)
    page = auditor.get("/audit/verifications").text
    for text in (
        f'href="/audit/{case}">{case}</a>',
        "全部工单",
        "2 个问题",
        "&lt;why&gt;",
        "没有发现问题",
        "命令行",
    ):
        assert text in page
    assert "row 1" not in page, "where it is told in the language of the page"
    assert page.count("检查点，作于") == 1
    assert 'href="/audit/verifications"' in auditor.get("/audit/").text


def test_the_list_is_read_page_by_page(shipped: Gongdan, auditor: FlaskClient) -> None:
    for number in range(120):
        verifications.record(shipped.db, AT, f"p{number}", "command line", summary([], []))
    seen: list[str] = []
    path: str | None = "/audit/verifications"
    while path is not None:
        page = auditor.get(path).text
        seen += re.findall(r">(p\d+) <span", page)
        more = re.search(r'href="(/audit/verifications\?after=[^"]+)"', page)
        path = more and more[1]
    assert seen == [f"p{number}" for number in reversed(range(120))]
    assert auditor.get("/audit/verifications?after=x").status_code == 200


def test_where_nothing_can_be_written_the_page_says_that_it_was_not_recorded(
    shipped: Gongdan, auditor: FlaskClient
) -> None:
    case = opened_case(shipped)
    with shipped.db.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON verification BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    told = auditor.post(f"/audit/{case}/verify", follow_redirects=True).text
    assert "您的这次核验没有留下记录" in told
    assert "一致：重新执行" in told


@pytest.mark.parametrize("value", ["x", "[]", '{"cases":5,"many":"x","against":5,"first":5}', b"\xff", 5])
def test_a_record_that_was_spoilt_breaks_no_page(shipped: Gongdan, auditor: FlaskClient, value: Any) -> None:
    verifications.record(shipped.db, AT, "auditor1", "page", summary([], []), ["case"])
    columns = "at = ?, scope = ?, result = ?"
    with shipped.db.begin() as connection:
        connection.exec_driver_sql(f"UPDATE verification SET {columns}", (value, value, value))
    assert auditor.get("/audit/verifications").status_code == 200
