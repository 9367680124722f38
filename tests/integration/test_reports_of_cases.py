"""A case that is about a report leads to it: its figures, its files, the list of each branch."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

import run
from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.case.commands import AmendData, ClaimTask
from engine.operations.worker import work_once
from engine.people.directory import DEMO_PASSWORD
from engine.queries import work
from tests.clock import Clock
from tests.report_rows import put
from web import create_app

WEEK, MONTH = "2026-W09", "2026-02"


@pytest.fixture
def clock() -> Clock:
    """A Friday in February, when the processes are published."""
    return Clock("2026-02-20 10:00")


@pytest.fixture
def gongdan(tmp_path: Path, sqlite_url: str, clock: Clock) -> Iterator[Gongdan]:
    """What ships, with tickets closed in the last week of February, and the cases of the reports opened."""
    settings = Settings.from_env({}, var=tmp_path, database_url=sqlite_url, demo=True, secret_key="s" * 32)
    gongdan = open_gongdan(settings, wall=lambda: clock.instant, synchronous="OFF")
    gongdan.people.ensure_demo()
    gongdan.publish_folder()
    closed = "2026-02-25T04:00:00+00:00"
    put(gongdan, "260224-00001-1", "courier_complaint", closed, responsible_branch=["福田分部"])
    put(gongdan, "260224-00002-2", "courier_complaint", closed, responsible_branch=["南山/蛇口分部"])
    put(gongdan, "260224-00003-3", "cable_fault_report", closed, responsible_branch=["福田分部"])
    clock.set("2026-03-02 09:00")
    while work_once(gongdan, clock.instant):
        pass
    yield gongdan
    gongdan.close()


def signed_in(gongdan: Gongdan, name: str) -> FlaskClient:
    client = create_app(gongdan, gongdan.settings).test_client()
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in").text)
    assert token is not None
    client.post("/sign-in", data={"name": name, "password": DEMO_PASSWORD, "csrf_token": token.group(1)})
    return client


def opened(gongdan: Gongdan, number: str) -> tuple[str, str]:
    """The case with this outside number, and the address of its first open task."""
    with gongdan.db.read() as connection:
        case = connection.exec_driver_sql(
            "SELECT id FROM cases WHERE external_id = ?", (f"schedule:{number}",)
        ).scalar_one()
    task = next(one for one in work.tasks(gongdan.db, case) if one.state == "open")
    return case, f"/tasks/{case}/{task.task}"


def entries(body: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def test_all_three_reports_opened_their_cases(gongdan: Gongdan) -> None:
    assert opened(gongdan, f"weekly_closed_list:{WEEK}")
    assert opened(gongdan, f"monthly_upgrade_statistics:{MONTH}")
    assert opened(gongdan, f"cable_monthly_statistics:{MONTH}")


def test_the_weekly_task_shows_its_week_and_leads_to_the_list_of_each_branch(gongdan: Gongdan) -> None:
    case, address = opened(gongdan, f"weekly_closed_list:{WEEK}")
    client = signed_in(gongdan, "supervisor1")
    for page in (client.get(address).text, client.get(f"/cases/{case}").text):
        assert WEEK in page
        assert "福田分部" in page
        assert f"/reports/closed_list?period={WEEK}" in page
    links = re.findall(r'href="(/reports/closed_list\.csv[^"]*branch=[^"]*)"', client.get(address).text)
    lists = [client.get(link.replace("&amp;", "&")).text for link in links]
    assert [("260224-00001-1" in text, "260224-00002-2" in text) for text in lists] == [
        (False, True),
        (True, False),
    ]


def test_one_call_gives_the_lists_of_all_branches(gongdan: Gongdan) -> None:
    case, _ = opened(gongdan, f"weekly_closed_list:{WEEK}")
    answer = signed_in(gongdan, "supervisor1").get(f"/reports/closed_list.zip?period={WEEK}&case={case}")
    files = entries(answer.data)
    assert list(files) == [
        "已结案工单明细-2026-W09-南山_蛇口分部.csv",
        "已结案工单明细-2026-W09-福田分部.csv",
    ]
    assert "260224-00001-1" in files["已结案工单明细-2026-W09-福田分部.csv"]
    assert "260224-00001-1" not in files["已结案工单明细-2026-W09-南山_蛇口分部.csv"], (
        "a branch sees its own only"
    )


def test_a_period_without_cases_has_no_files_and_says_so(gongdan: Gongdan) -> None:
    answer = signed_in(gongdan, "supervisor1").get("/reports/closed_list.zip?period=2020-W01")
    assert answer.status_code == 404
    assert "没有可下载的内容" in answer.text
    assert "「已结案工单明细」在 2020-W01 没有任何机构的工单" in answer.text


def test_lists_call_processes_as_cases_do(gongdan: Gongdan) -> None:
    client = signed_in(gongdan, "supervisor1")
    for locale, name in {
        "zh-Hans": "快件投诉处理", "zh-Hant-HK": "快件投訴處理", "en": "Courier complaint"
    }.items():  # fmt: skip
        client.set_cookie("locale", locale)
        for page in ("closed_list", "closed_list.csv"):
            assert name in client.get(f"/reports/{page}?period={WEEK}").text


def test_the_command_line_gives_them_too(
    gongdan: Gongdan, tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    monkeypatch.setenv("GONGDAN_VAR", str(tmp_path))
    asked = ["report", "closed_list", "--period", WEEK, "--each-branch", str(tmp_path / "lists")]
    done = CliRunner().invoke(run.cli, asked)
    assert done.exit_code == 0, done.output
    written = sorted(path.name for path in (tmp_path / "lists").iterdir())
    assert written == ["已结案工单明细-2026-W09-南山_蛇口分部.csv", "已结案工单明细-2026-W09-福田分部.csv"]
    assert CliRunner().invoke(run.cli, [*asked, "--branch", "福田分部"]).exit_code == 2
    empty = CliRunner().invoke(run.cli, [*asked[:3], "2020-W01", *asked[4:]])
    assert (empty.exit_code, "2020-W01" in empty.output) == (2, True)


def test_whoever_has_the_task_gets_its_files_and_no_others(gongdan: Gongdan) -> None:
    """Cable's count is an agent's task; agents read no reports otherwise."""
    case, address = opened(gongdan, f"cable_monthly_statistics:{MONTH}")
    agent = signed_in(gongdan, "agent1")
    page = agent.get(address).text
    assert "/reports/cable?" not in page
    link = f"/reports/cable.csv?period={MONTH}&case={case}"
    assert link.replace("&", "&amp;") in page
    assert "有线故障报修" in agent.get(link).text
    for other, status in (
        (f"/reports/cable.csv?period={MONTH}", 403),
        (f"/reports/cable.csv?period=2026-01&case={case}", 404),
        (f"/reports/closed_list.csv?period={MONTH}&case={case}", 404),
        (f"/reports/cable?period={MONTH}&case={case}", 403),
    ):
        assert agent.get(other).status_code == status, other
    weekly, _ = opened(gongdan, f"weekly_closed_list:{WEEK}")
    assert agent.get(f"/reports/closed_list.zip?period={WEEK}&case={weekly}").status_code == 404


def answer(gongdan: Gongdan, name: str, link: str) -> int:
    """The status that a person gets for a link, read to its end."""
    with signed_in(gongdan, name).get(link) as got:
        assert got.data
        return got.status_code


def test_a_colleague_who_holds_the_task_has_it_and_nobody_else(gongdan: Gongdan) -> None:
    case, address = opened(gongdan, f"cable_monthly_statistics:{MONTH}")
    link = f"/reports/cable.csv?period={MONTH}&case={case}"
    assert [answer(gongdan, name, link) for name in ("agent1", "agent2")] == [200, 200], "both could take it"
    task = int(address.rpartition("/")[2])
    gongdan.dispatch(ClaimTask(case_id=case, task=task, actor="agent1", at=gongdan.now()))
    assert [answer(gongdan, name, link) for name in ("agent1", "agent2")] == [200, 404]
    assert link.replace("&", "&amp;") not in signed_in(gongdan, "agent2").get(address).text


def test_whom_the_diagram_keeps_off_the_task_gets_no_files(gongdan: Gongdan, clock: Clock) -> None:
    path = "bpmn/reports/cable_monthly_statistics.bpmn"
    form = b'<spiffworkflow:property name="form" value="cable_monthly_report"/>'
    drawn = gongdan.releases.current().files[path]
    assert form in drawn
    kept_off = drawn.replace(
        form, form + form.replace(b"form", b"exclude").replace(b"cable_monthly_report", b"away")
    )
    gongdan.releases.publish({path: kept_off}, "tests", "some are kept off", gongdan.now())
    clock.set("2026-04-01 00:00")
    while work_once(gongdan, clock.instant):
        pass
    case, _ = opened(gongdan, "cable_monthly_statistics:2026-03")
    away = {"away": "agent1"}
    gongdan.dispatch(AmendData(case_id=case, data=away, reason="回避", actor="supervisor1", at=gongdan.now()))
    link = f"/reports/cable.csv?period=2026-03&case={case}"
    assert [answer(gongdan, name, link) for name in ("agent1", "agent2")] == [404, 200]
