"""Import: real complaints become cases, twice the same, and spoiled rows harm nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.errors import InvalidFile, NotFound
from engine.base.settings import CHECKOUT, Settings
from engine.intake import mapping
from engine.intake.importing import ImportReport, import_file
from engine.storage.tables import cases, sla_clock, task
from tests.real_data import SAMPLE, complaints

NOW = "2026-04-01T02:00:00+00:00"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Gongdan]:
    """Gongdan on SQLite with everything published, on 1 April 2026."""
    settings = Settings.from_env({}, var=tmp_path, lru=500)
    gongdan = open_gongdan(settings, wall=lambda: datetime.fromisoformat(NOW), synchronous="OFF")
    gongdan.publish_folder()
    yield gongdan
    gongdan.close()


RunCli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run_cli(tmp_path: Path) -> RunCli:
    """Runs ``run.py`` on a database of its own; returns exit code, standard output, standard error."""
    env = {**os.environ, "GONGDAN_VAR": str(tmp_path / "var")}
    env.pop("DATABASE_URL", None)

    def run(*arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "run.py", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=250)
        return done.returncode, done.stdout, done.stderr

    return run


def sample(gongdan: Gongdan, *, historic: bool = False) -> ImportReport:
    return import_file(gongdan, SAMPLE, mapping.load("sample"), historic=historic)


def test_every_complaint_becomes_one_case_and_none_the_second_time(desk: Gongdan) -> None:
    path, source = complaints()
    number = 851 if source.name == "comcast" else 40
    first = import_file(desk, path, source)
    assert first.as_json() == {"read": number, "created": number, "existing": 0, "rejected": []}
    again = import_file(desk, path, source)
    assert again.as_json() == {"read": number, "created": 0, "existing": number, "rejected": []}
    rows = desk.db.rows(sa.select(cases.c.external_id, cases.c.title, cases.c.state))
    assert len({row.external_id for row in rows}) == number
    assert all(row.title and row.state == "open" for row in rows)


def test_a_live_import_starts_now_and_a_historic_one_when_the_complaint_came(desk: Gongdan) -> None:
    sample(desk)
    assert {row.opened_at for row in desk.db.rows(sa.select(cases.c.opened_at))} == {NOW}


def test_the_limits_of_a_whole_case_count_from_its_receipt_even_when_it_is_imported_now(
    desk: Gongdan,
) -> None:
    sample(desk)
    query = sa.select(sla_clock.c.started, cases.c.opened_at).join(cases, cases.c.id == sla_clock.c.case_id)
    of_cases = desk.db.rows(query.where(sla_clock.c.parameter.in_(("CASE_REPLY", "REG_TEL_REPLY"))))
    assert of_cases
    assert {row.opened_at for row in of_cases} == {NOW}
    assert min(row.started for row in of_cases) == "2026-03-02T01:12:00+00:00"
    assert all(row.started < NOW for row in of_cases)
    assert "count from the instant the source gives as received" in (CHECKOUT / "docs/intake.md").read_text(
        "utf-8"
    )


def test_a_historic_import_starts_each_case_at_its_complaint(desk: Gongdan) -> None:
    sample(desk, historic=True)
    opened = [row[0] for row in desk.db.rows(sa.select(cases.c.opened_at).order_by(cases.c.external_id))]
    assert opened[0] == "2026-03-02T01:12:00+00:00"
    assert opened[-1] == "2026-03-09T02:30:00+00:00"


def test_in_a_simulated_database_every_import_is_historic(desk: Gongdan) -> None:
    desk.keys.mark_simulated("7")
    sample(desk)
    assert NOW not in {row.opened_at for row in desk.db.rows(sa.select(cases.c.opened_at))}


def test_what_the_source_has_is_in_the_first_tasks_data(desk: Gongdan) -> None:
    sample(desk)
    (row,) = desk.db.rows(sa.select(cases.c.id, cases.c.process).where(cases.c.external_id == "sample-S0033"))
    assert row.process == "general_complaint"  # a text of one character says nothing
    instance = desk.dispatcher.instance(row.id)
    data = instance.machine.any_data()
    assert data["content"] == "卡"
    assert data["source_ticket"] == "S0033"
    assert data["triage_rule"] == "other"
    (open_task,) = desk.db.rows(sa.select(task.c.form, task.c.state).where(task.c.case_id == row.id))
    assert open_task.state == "open"


def test_a_release_without_a_process_that_triage_names_is_refused(desk: Gongdan) -> None:
    path = "bpmn/telecom/number_request_consultation.bpmn"
    desk.releases.publish({path: None}, "designer", "test", NOW)
    with pytest.raises(NotFound, match="number_request_consultation"):
        sample(desk)
    assert desk.db.rows(sa.select(cases.c.id)) == []


def test_a_file_that_does_not_fit_the_mapping_is_refused_as_a_whole(desk: Gongdan) -> None:
    with pytest.raises(InvalidFile, match="lacks the columns"):
        import_file(desk, SAMPLE, mapping.load("comcast"))


# ---------------------------------------------------------------- a spoiled copy
Spoil = Callable[[list[bytes]], list[bytes]]


def _cell(index: int, value: bytes) -> Spoil:
    return lambda cells: [*cells[:index], value, *cells[index + 1 :]]


def spoils(source: mapping.Mapping, header: list[str]) -> list[tuple[Spoil, str]]:
    """Ten ways to spoil a row, and how the reason begins."""
    date, text = header.index(source.time_columns[0]), header.index(source.text_column)
    channel, ticket = header.index(source.channel_column or ""), header.index(source.id_column)
    day = b"31-02-2015" if source.name == "comcast" else b"2026-02-31 10:00"
    return [
        (_cell(date, b""), "nothing in"),
        (_cell(date, day), "there is no such date"),
        (_cell(date, b"yesterday"), "date 'yesterday"),
        (_cell(channel, b"Pigeon"), "unknown channel 'Pigeon'"),
        (_cell(text, b"  "), "the complaint has no text"),
        (_cell(text, "宽带".encode("gb18030")), "not utf-8"),
        (_cell(ticket, b"%FIRST%"), "ticket "),
        (_cell(text, b"x" * 1_048_576), "row longer than"),
        (lambda cells: cells[:3], "too few columns: 3"),
        (_cell(text, b"null\0byte"), "a NUL byte"),
    ]


def test_ten_spoiled_rows_are_named_by_line_and_the_others_come_in(desk: Gongdan, tmp_path: Path) -> None:
    path, source = complaints()
    lines = path.read_bytes().splitlines()
    header = lines[0].decode().split(",")
    first = lines[1].split(b",")[header.index(source.id_column)]
    expected = {}
    # Rows with quoted cells stay as they are: splitting at commas would spoil them in an eleventh way.
    plain = [number for number, line in enumerate(lines) if number > 1 and b'"' not in line]
    for place, (spoil, reason) in zip(plain[3 :: len(plain) // 11], spoils(source, header), strict=False):
        lines[place] = b",".join(spoil(lines[place].split(b","))).replace(b"%FIRST%", first)
        expected[place + 1] = reason
    copy = tmp_path / "spoiled.csv"
    copy.write_bytes(b"\r\n".join(lines) + b"\r\n")

    report = import_file(desk, copy, source)

    assert len(expected) == 10
    assert {row.line for row in report.rejected} == set(expected)
    for row in report.rejected:
        assert row.reason.startswith(expected[row.line]), row
    assert report.created == len(lines) - 1 - 10
    assert report.read == len(lines) - 1


# ---------------------------------------------------------------- the command
def test_the_command_prints_json_and_exits_1_on_rejected_rows(run_cli: RunCli, tmp_path: Path) -> None:
    content = SAMPLE.read_text(encoding="utf-8") + "S0041,2026-03-09 10:00,信鸽,东湖区,断网,新建\n"
    file = tmp_path / "more.csv"
    file.write_text(content, encoding="utf-8")
    code, out, err = run_cli("import", str(file), "--mapping", "sample", "--json")
    assert code == 1
    answer = json.loads(out)
    assert (answer["read"], answer["created"], answer["existing"]) == (41, 40, 0)
    assert answer["rejected"] == [
        {"line": 42, "reason": "unknown channel '信鸽'; sample knows 电话, 网页, 营业厅, 短信, 邮件"}
    ]
    assert "more.csv" not in err, "a progress bar is for terminals"
    code, out, _ = run_cli("import", str(SAMPLE), "--mapping", "sample")
    assert code == 0
    assert out.startswith("40 read, 0 new, 40 known already")


def test_the_command_refuses_an_unknown_mapping(run_cli: RunCli) -> None:
    code, _, err = run_cli("import", str(SAMPLE), "--mapping", "nobody")
    assert code == 2
    assert "telecom_zh" in err
