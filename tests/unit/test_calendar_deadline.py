"""The ``deadline`` command, as people type it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.cli.deadline import deadline


@pytest.fixture(autouse=True)
def _no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGDAN_VAR", str(tmp_path / "none"))
    monkeypatch.delenv("DATABASE_URL", raising=False)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(deadline, arguments)
    return result.exit_code, result.output


def test_eight_working_hours_from_friday_end_on_the_make_up_saturday() -> None:
    code, output = run("--from", "2026-02-13T16:00", "--work", "8h")
    assert code == 0
    assert output.startswith("2026-02-14 16:00:00 Asia/Shanghai\n")
    assert "make-up working day for Spring Festival" in output


@pytest.mark.parametrize(
    ("start", "option", "length", "due"),
    [
        ("2026-02-13 16:00", "--work", "1d", "2026-02-14T16:00:00+08:00"),
        ("2026-02-13T08:00:00+00:00", "--work", "8h", "2026-02-14T16:00:00+08:00"),
        ("2026-02-13T23:40", "--clock", "1h", "2026-02-14T00:40:00+08:00"),
        ("2026-12-31T20:00", "--clock", "48h", "2027-01-02T20:00:00+08:00"),
        ("2026-03-09", "--work", "90m", "2026-03-09T10:30:00+08:00"),
        # nights in which summer time began or ended: the hands of the clock move, time does not
        ("1986-05-03T12:00", "--clock", "24h", "1986-05-04T13:00:00+09:00"),
        ("1986-05-03T12:00+08:00", "--clock", "24h", "1986-05-04T13:00:00+09:00"),
        ("1986-09-13T12:00", "--clock", "1d", "1986-09-14T11:00:00+08:00"),
        ("1986-05-03T23:30", "--clock", "3h", "1986-05-04T03:30:00+09:00"),
    ],
)
def test_json(start: str, option: str, length: str, due: str) -> None:
    code, output = run("--from", start, option, length, "--json")
    result = json.loads(output)
    assert (code, result["due"], list(result)) == (0, due, ["due", "explanation", "source"])
    assert datetime.fromisoformat(result["due"]).tzinfo is not None
    assert result["explanation"]


def test_another_calendar_and_another_language() -> None:
    options = ("--from", "2027-05-01T10:00", "--work", "8h", "--calendar", "24x7", "--locale", "zh-Hans")
    code, output = run(*options)
    assert code == 0
    assert "到期：2027年5月1日 周六 18:00。" in output


def test_an_unknown_year_is_refused_in_one_line() -> None:
    code, output = run("--from", "2026-12-31T17:00", "--work", "2h")
    assert code == 2
    assert output.startswith("Error: calendar 'cn' does not cover 2027 (it covers 2004 to 2026)")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--from", "2026-02-13"),
        ("--from", "2026-02-13", "--work", "1h", "--clock", "1h"),
        ("--from", "2026-02-30", "--work", "1h"),
        ("--from", "2026-02-13", "--work", "8x"),
        ("--from", "2026-02-13", "--work", "0h"),
        ("--from", "2026-02-13", "--work", "8h", "--calendar", "../cn"),
        ("--from", "9999-12-31T23:00", "--clock", "48h"),
        ("--from", "0001-01-01T00:00+14:00", "--clock", "1h"),
        ("--from", "9999-12-31T10:00", "--work", "48h", "--calendar", "24x7"),
    ],
)
def test_wrong_use_is_told_without_a_traceback(arguments: tuple[str, ...]) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert "Error:" in output
    assert "Traceback" not in output
