"""A simulated desk: reports against an independent reading of history, exports, pages."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask.testing import FlaskClient
from lxml import etree

import run
from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.case.commands import StartCase
from engine.case.rebuild import differences
from engine.export import ocel, tables, xes
from engine.export import rows as exported_rows
from engine.export.events import case_numbers, traces
from engine.intake.importing import import_file
from engine.intake.mapping import load
from engine.people.directory import DEMO_PASSWORD
from engine.reports import REPORTS, Asked, make
from engine.reports.model import Figure, Report
from engine.reports.period import parse
from engine.reports.writing import as_json
from engine.simulate.running import simulate
from engine.storage.tables import case_fact, cases, history
from tests.real_data import SAMPLE
from web import create_app

SHANGHAI = ZoneInfo("Asia/Shanghai")
PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
SEALED = re.compile(r'"(?:prev_)?hash":"[0-9a-f]{64}"|{"~":"[^"]*"}')  #: digits in a row mean nothing there
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Row = tuple[str, dict[str, Any], dict[str, Any]]  #: at, command, effects

_SHAPE = "统计期间应写作 2015-05、2015-W20、2015-05-20 或 2015-05-01..2015-06-01，而不是「{}」。"
#: what is no period of a report, and what is said of it
WRONG_PERIODS = {
    "banana": _SHAPE.format("banana"),
    "0001": _SHAPE.format("0001"),
    "9999": _SHAPE.format("9999"),
    "2026-01-01..1999-01-01": "统计期间应为一天至三年，而不是「2026-01-01..1999-01-01」。",
}


def test_reports_and_exports_of_a_simulated_desk(tmp_path: Path) -> None:
    """One simulation for all that follows."""
    settings = Settings.from_env({}, var=tmp_path, lru=500, demo=True, secret_key="s" * 32)
    gongdan = open_gongdan(settings, synchronous="OFF")
    gongdan.keys.mark_simulated("1")
    gongdan.publish_folder()
    import_file(gongdan, SAMPLE, load("sample"))
    simulate(gongdan, seed="1", agents=8)
    told = histories(gongdan)
    first = min(rows[-1][0] for rows in told.values())
    period = parse(first[:4])
    inside = {
        case: rows
        for case, rows in told.items()
        if (closed := closing(rows)) is not None and period.begins <= closed < period.ends
    }
    assert len(inside) > 50
    asked = Asked(period, gongdan.now())
    made = {name: make(gongdan.db, name, asked) for name in REPORTS}

    limits_are_counted_as_history_tells(made["sla"], inside)
    satisfaction_is_what_customers_said(made["satisfaction"], inside)
    closed_cases_are_all_there_once(made["closed_list"], inside)
    types_and_days_add_up(made["archive"], inside)
    callbacks_are_what_the_desk_did(made["callbacks"], inside)
    every_figure_has_its_cases(made, told)
    facts_are_never_personal_and_can_be_derived_anew(gongdan)
    exports_hold_every_step_and_nothing_personal(gongdan, told, tmp_path)
    pages_show_it_to_those_who_may_see_it(gongdan, settings, made["sla"], period.text)
    gongdan.close()
    the_command_line_says_the_same(tmp_path, made["sla"], period.text)


def histories(gongdan: Gongdan) -> dict[str, list[Row]]:
    """Case → rows of history, read without any of the code under test."""
    found: dict[str, list[Row]] = {}
    query = sa.select(history.c.case_id, history.c.at, history.c.command, history.c.effects)
    for case, at, command, effects in gongdan.db.rows(query.order_by(history.c.case_id, history.c.seq)):
        found.setdefault(case, []).append((at, orjson.loads(command), orjson.loads(effects)))
    return found


def closing(rows: list[Row]) -> str | None:
    return next((at for at, _, effects in rows if "done" in effects), None)


def cell(report: Report, table: str, row: str, column: str) -> float | None:
    found = report.table(table)
    assert found is not None
    at = [c.code for c in found.columns].index(column)
    for cells in found.rows:
        figure = cells[at]
        if getattr(cells[0], "code", None) == row and isinstance(figure, Figure):
            return figure.value
    return 0


def limits_are_counted_as_history_tells(report: Report, inside: dict[str, list[Row]]) -> None:
    ended: Counter[tuple[str, str]] = Counter()
    for rows in inside.values():
        name: dict[str, str] = {}
        late: set[str] = set()
        for _, _, effects in rows:
            name.update((clock, parameter) for clock, parameter, *_ in effects.get("clocks", ()))
            for clock, state, _ in effects.get("clock_changes", ()):
                if state == "breached":
                    late.add(clock)
                elif state in ("met", "missed", "stopped"):
                    ended[name[clock], "missed" if clock in late else state] += 1
    assert ended
    table = report.table("by_parameter")
    assert table is not None
    assert {c.code for row in table.rows if not isinstance(c := row[0], Figure)} == {p for p, _ in ended}
    for parameter in {parameter for parameter, _ in ended}:
        for state in ("met", "missed", "stopped"):
            assert cell(report, "by_parameter", parameter, state) == ended[parameter, state], (
                parameter,
                state,
            )


def satisfaction_is_what_customers_said(report: Report, inside: dict[str, list[Row]]) -> None:
    latest: dict[str, dict[str, Any]] = {}
    for case, rows in inside.items():
        for _, command, _ in rows:
            for name in ("attitude", "speed", "handling_result", "overall"):
                if command["type"] == "complete" and name in command["data"]:
                    latest.setdefault(name, {})[case] = command["data"][name]
    assert latest["overall"]
    for name, given in latest.items():
        for score in range(1, 6):
            expected = sum(value == score for value in given.values())
            assert cell(report, "scores", name, str(score)) == expected
        assert cell(report, "scores", name, "mean") == pytest.approx(sum(given.values()) / len(given))


def closed_cases_are_all_there_once(report: Report, inside: dict[str, list[Row]]) -> None:
    table = report.table("list")
    assert table is not None
    assert sorted(row[0].code for row in table.rows if not isinstance(row[0], Figure)) == sorted(inside)
    summary = report.table("by_branch")
    assert summary is not None
    assert sum(row[1].value or 0 for row in summary.rows if isinstance(row[1], Figure)) == len(inside)


def types_and_days_add_up(report: Report, inside: dict[str, list[Row]]) -> None:
    months = Counter((closing(rows) or "")[:0] for rows in inside.values())
    assert months.total() == len(inside)
    for key, column in (("course", 1), ("by_type", 2), ("by_process", 1), ("by_outcome", 2)):
        table = report.table(key)
        assert table is not None
        figures = [row[column] for row in table.rows]
        assert sum(f.value or 0 for f in figures if isinstance(f, Figure)) == len(inside), key
    done = Counter(rows[0][1]["process"] for rows in inside.values())
    for process, number in done.items():
        assert cell(report, "by_process", process, "cases") == number


def callbacks_are_what_the_desk_did(report: Report, inside: dict[str, list[Row]]) -> None:
    mine = {c: rows for c, rows in inside.items() if rows[0][1]["process"] == "cantonese_callback"}
    calls = Counter(
        command["data"]["result"]
        for rows in mine.values()
        for _, command, _ in rows
        if command["type"] == "complete" and "result" in command["data"]
    )
    assert len(report.cases) == len(mine) > 0
    for result, number in calls.items():
        assert cell(report, "results", f"result/{result}", "calls") == number
    sent = Counter(
        request["template"]
        for rows in mine.values()
        for _, _, effects in rows
        for request in effects.get("requests", ())
        if request["service"] == "sms"
    )
    table = report.table("by_template")
    assert table is not None
    assert {row[0].code for row in table.rows if not isinstance(row[0], Figure)} == set(sent)


def every_figure_has_its_cases(made: dict[str, Report], told: dict[str, list[Row]]) -> None:
    figures = 0
    for report in made.values():
        for table in report.tables:
            for row in table.rows:
                assert len(row) == len(table.columns), (report.name, table.key)
                for one in row:
                    if isinstance(one, Figure):
                        figures += 1
                        assert set(one.cases) <= told.keys()
                        assert one.unit != "count" or len(one.cases) <= (one.value or 0)
                        assert one.value or one.unit == "mean" or not one.cases
        orjson.dumps(as_json(report))
    assert figures > 300


def facts_are_never_personal_and_can_be_derived_anew(gongdan: Gongdan) -> None:
    release = gongdan.releases.current()
    assert (release.counted.asked | release.counted.decided) & release.personal == set()
    values = gongdan.db.rows(sa.select(case_fact.c.value))
    assert values
    assert not [value for (value,) in values if '"~"' in value or PHONE.search(value)]
    for case in case_numbers(gongdan.db)[::20]:
        assert differences(gongdan, case) == []


def exports_hold_every_step_and_nothing_personal(
    gongdan: Gongdan, told: dict[str, list[Row]], folder: Path
) -> None:
    paths = {shape: folder / f"log.{shape}" for shape in ("xes", "ocel", "csv", "json")}
    with paths["xes"].open("wb") as out:
        events = xes.write(traces(gongdan.db, gongdan.releases, []), out)
    with paths["ocel"].open("wb") as out:
        assert ocel.write(traces(gongdan.db, gongdan.releases, []), out) == events
    with paths["csv"].open("wb") as out:
        assert tables.write_csv(traces(gongdan.db, gongdan.releases, []), out) == events
    with paths["json"].open("wb") as out:
        written = [line for case in exported_rows.histories(gongdan.db, [], exact=False) for line in case]
        out.writelines(written)
        assert len(written) == sum(map(len, told.values()))

    completed = sum(command["type"] == "complete" for one in told.values() for _, command, _ in one)
    log = etree.parse(paths["xes"]).getroot()
    name = "{http://www.xes-standard.org/}"
    assert len(log.findall(f"{name}trace")) == len(told)
    done = [
        event
        for event in log.iter(f"{name}event")
        if {"userTask", "complete"} <= {str(part.get("value")) for part in event}
    ]
    assert len(done) == completed
    for trace in log.iter(f"{name}trace"):
        times = [d.get("value") for d in trace.iter(f"{name}date") if d.get("key") == "time:timestamp"]
        assert times == sorted(times, key=str)

    objects = orjson.loads(paths["ocel"].read_bytes())
    ids = [thing["id"] for thing in objects["objects"]]
    assert len(ids) == len(set(ids))
    assert len({event["id"] for event in objects["events"]}) == events
    named = {
        r["objectId"] for thing in objects["events"] + objects["objects"] for r in thing["relationships"]
    }
    assert named <= set(ids)
    assert {event["type"] for event in objects["events"]} == {kind["name"] for kind in objects["eventTypes"]}
    assert {thing["type"] for thing in objects["objects"]} <= {
        kind["name"] for kind in objects["objectTypes"]
    }

    lines = list(csv.DictReader(io.StringIO(paths["csv"].read_text("utf-8-sig"))))
    assert len(lines) == events
    people = gongdan.db.rows(sa.select(cases.c.customer, cases.c.phone).where(cases.c.phone.is_not(None)))
    secrets = {text for row in people for text in row if text and len(text) > 2}
    assert secrets
    for path in paths.values():
        text = SEALED.sub("", path.read_text("utf-8"))
        assert not PHONE.search(text), path.name
        assert not [secret for secret in secrets if secret in text], path.name


def signed_in(app: Any, name: str) -> FlaskClient:
    client: FlaskClient = app.test_client()
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in").text)
    assert found is not None
    client.post("/sign-in", data={"name": name, "password": DEMO_PASSWORD, "csrf_token": found.group(1)})
    return client


def pages_show_it_to_those_who_may_see_it(
    gongdan: Gongdan, settings: Settings, sla: Report, period: str
) -> None:
    gongdan.people.ensure_demo()
    app = create_app(gongdan, settings)
    client, agent = signed_in(app, "supervisor1"), signed_in(app, "agent1")
    case = sla.cases[0]
    paths = ["/reports/", f"/cases/{case}/dossier", f"/cases/{case}/dossier.json"]
    for name in REPORTS:
        paths += [
            f"/reports/{name}",
            f"/reports/{name}?period={period}",
            f"/reports/{name}.csv?period={period}",
        ]
    drill = f"/reports/sla/cases?period={period}&table=by_parameter&row=0&column=1"
    for path in [*paths, drill]:
        assert client.get(path).status_code == 200, path
        assert agent.get(path).status_code == (403 if path.startswith("/reports/") else 404), path
    for wrong in ("/reports/sla?period=soon", "/reports/none", "/reports/sla.csv?period=soon", "/board/"):
        assert agent.get(wrong).status_code == 403, "who may is asked before what is wanted"
    for locale in ("zh-Hant-HK", "en"):
        client.set_cookie("locale", locale)
        assert client.get(f"/reports/closed_list?period={period}").status_code == 200
    figure = sla.tables[0].rows[0][1]
    assert isinstance(figure, Figure)
    listed = client.get(drill).text
    assert all(case in listed for case in figure.cases[:500])
    assert client.get("/reports/none").status_code == 404
    for wrong in (
        "period=soon",
        "from=x&to=y",
        "from=2026-02-01&to=2026-01-01",
        "from=9999-01-01&to=9999-12-31",
    ):
        assert client.get(f"/reports/sla?{wrong}").status_code == 400, wrong
    client.set_cookie("locale", "zh-Hans")
    for wrong, says in WRONG_PERIODS.items():
        for ending in ("", ".csv", ".zip"):
            answer = client.get(f"/reports/closed_list{ending}?period={wrong}")
            assert answer.status_code == 400, wrong
            assert says in answer.text, wrong
            assert "browser" not in answer.text, "the library's English"
    for edge in ("0002", "9998", "9998-12", "0001-01-02"):
        assert client.get(f"/reports/closed_list?period={edge}").status_code == 200, edge
    assert (
        client.get(f"/reports/sla/cases?period={period}&table=by_parameter&row=999&column=1").status_code
        == 404
    )
    moved = client.get("/reports/sla?from=2026-01-01&to=2026-01-31").headers["Location"]
    assert moved.endswith("/reports/sla?period=2026-01-01..2026-02-01")
    head = gongdan.db.rows(sa.select(cases.c.head).where(cases.c.id == case))[0][0]
    assert bytes(head).hex() in client.get(f"/cases/{case}/dossier").text
    whole = orjson.loads(client.get(f"/cases/{case}/dossier.json").data)
    assert whole["head"]["hash"] == whole["history"][-1]["hash"] == bytes(head).hex()
    assert "dossier" in client.get(f"/cases/{case}").text


def the_command_line_says_the_same(folder: Path, sla: Report, period: str) -> None:
    runner, env = CliRunner(), {"GONGDAN_VAR": str(folder), "DATABASE_URL": None}
    target = folder / "sla.csv"
    done = runner.invoke(
        run.cli, ["report", "sla", "--period", period, "--json", "--csv", str(target)], env=env
    )
    assert done.exit_code == 0, done.output
    assert orjson.loads(done.stdout)["tables"] == orjson.loads(orjson.dumps(as_json(sla)))["tables"]
    assert target.read_bytes()[:3] == b"\xef\xbb\xbf"
    done = runner.invoke(run.cli, ["export", "csv", "-o", str(folder / "again.csv")], env=env)
    assert done.exit_code == 0, done.output
    assert (folder / "again.csv").read_bytes() == (folder / "log.csv").read_bytes()
    assert not (folder / "again.csv.part").exists()
    assert runner.invoke(run.cli, ["report", "sla", "--period", "soon"], env=env).exit_code == 2


def test_a_report_does_not_name_cases_about_its_reader(tmp_path: Path) -> None:
    settings = Settings.from_env({}, var=tmp_path, demo=True, secret_key="s" * 32)
    gongdan = open_gongdan(settings, synchronous="OFF")
    gongdan.publish_folder()
    gongdan.people.ensure_demo()
    at = gongdan.now()
    asked = StartCase(process="general_complaint", data={}, actor="agent2", at=at, respondent="supervisor1")
    case = gongdan.dispatch(asked).case_id
    with gongdan.db.begin() as connection:  # as if it had been closed: only the reading is under test
        closed = sa.update(cases).where(cases.c.id == case).values(state="closed", closed_at=at, outcome="x")
        connection.execute(closed)
    app = create_app(gongdan, settings)
    path = f"/reports/closed_list?period={at[:4]}"
    csv_path = path.replace("closed_list?", "closed_list.csv?")
    drill = path.replace("closed_list?", "closed_list/cases?") + "&table=by_branch&row=0&column=1"
    for page in (path, csv_path, drill):
        assert case not in signed_in(app, "supervisor1").get(page).text, page
        assert case in signed_in(app, "manager1").get(page).text, page
    assert signed_in(app, "supervisor1").get(f"/cases/{case}/dossier").status_code == 404
    gongdan.close()
