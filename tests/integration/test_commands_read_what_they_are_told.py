"""``deadline``, ``handbook`` and ``calendar-data``: the project, the live release, or the one that is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import run as command_line
from engine.app import open_gongdan
from engine.base.settings import CHECKOUT, Settings
from engine.cli.calendar_data import CHINA
from tests.casework import FILES

AT = "2026-03-02T01:00:00+00:00"
ASKED = ("deadline", "--from", "2026-03-03T16:00", "--work", "3h", "--json")
Given = Callable[..., Result]


def calendar(closes: str) -> bytes:
    """The Chinese calendar, closing every working day at ``closes`` without a break."""
    hours = [["09:00", closes]]
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), hours) | {"sat": [], "sun": []}
    return json.dumps(json.loads(FILES[CHINA] or b"") | {"week": week, "make_up": hours}).encode()


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    """The command line on a project that closes at 18:00, and a database of its own."""
    for path, body in {**FILES, CHINA: calendar("18:00")}.items():
        file = tmp_path / "project" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body or b"")
    monkeypatch.setenv("GONGDAN_PROJECT", str(tmp_path / "project"))
    monkeypatch.setenv("GONGDAN_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return lambda *words: CliRunner().invoke(command_line.cli, words)


@pytest.fixture
def published(given: Given) -> Given:
    """The same, with release 1 that closes at 17:00 and the live release 2 that closes at 20:00."""
    gongdan = open_gongdan(Settings.from_env())
    gongdan.releases.publish({**FILES, CHINA: calendar("17:00")}, "folder", "first", AT)
    gongdan.releases.publish({CHINA: calendar("20:00")}, "folder", "later hours", AT)
    gongdan.close()
    return given


def answer(result: Result) -> tuple[str, str]:
    found: dict[str, Any] = json.loads(result.output)
    return found["due"][:16], found["source"].split(" ")[0] + " " + Path(found["source"].split(" ")[1]).name


def test_without_a_database_a_deadline_is_that_of_the_project(given: Given, tmp_path: Path) -> None:
    assert answer(given(*ASKED)) == ("2026-03-04T10:00", "folder project")
    assert not (tmp_path / "var").exists(), "a command that reads makes nothing"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((), ("2026-03-03T19:00", "release 2")),
        (("--release", "live"), ("2026-03-03T19:00", "release 2")),
        (("--release", "1"), ("2026-03-04T11:00", "release 1")),
        (("--release", "folder"), ("2026-03-04T10:00", "folder project")),
    ],
)
def test_a_deadline_is_that_of_the_release_it_is_told(
    published: Given, told: tuple[str, ...], expected: tuple[str, str]
) -> None:
    assert answer(published(*ASKED, *told)) == expected


def test_a_calendar_of_the_project_is_found_by_its_name(given: Given, tmp_path: Path) -> None:
    (tmp_path / "project/bpmn/calendars/night.json").write_bytes(
        (CHECKOUT / "bpmn/calendars/24x7.json").read_bytes()
    )
    assert answer(given(*ASKED, "--calendar", "night"))[0] == "2026-03-03T19:00"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (("deadline", "--from", "2026-03-03", "--work", "1h", "--release", "3"), "there is no release 3"),
        (("deadline", "--from", "2026-03-03", "--work", "1h", "--release", "new"), "'new' is neither"),
        (
            ("deadline", "--from", "2026-03-03", "--work", "1h", "--calendar", "24x7"),
            "cn, the calendars of release 2",
        ),
        (("handbook", "--release", "7"), "there is no release 7"),
        (("calendar-data", "--release", "1"), "never written"),
    ],
)
def test_what_is_not_there_is_told(published: Given, told: tuple[str, ...], said: str) -> None:
    result = published(*told)
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_a_release_that_is_named_needs_a_database(given: Given) -> None:
    for which in ("1", "live"):
        result = given(*ASKED, "--release", which)
        assert (result.exit_code, "there is no database" in result.output) == (2, True), result.output


def test_a_project_that_is_empty_or_away_is_told(
    given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGDAN_PROJECT", str(tmp_path / "away"))
    for line in (ASKED, ("handbook",), ("calendar-data",), ("calendar-data", "--check")):
        result = given(*line)
        assert (result.exit_code, "GONGDAN_PROJECT" in result.output) == (2, True), (line, result.output)
    assert not (tmp_path / "away").exists()


def test_the_handbook_is_that_of_the_project_and_stands_in_it(given: Given, tmp_path: Path) -> None:
    pages = tmp_path / "project/docs/processes"
    assert given("handbook", "--check").exit_code == 1
    assert not pages.exists()
    assert given("handbook").exit_code == 0
    assert {path.name for path in pages.iterdir()} == {"work.md", "README.md"}
    assert given("handbook", "--check").exit_code == 0


def test_the_handbook_of_a_release_goes_where_it_is_told(published: Given, tmp_path: Path) -> None:
    (tmp_path / "project/bpmn/tests/work.bpmn").unlink()
    assert published("handbook", "--release", "live", "--into", str(tmp_path / "pages")).exit_code == 0
    assert (tmp_path / "pages/work.md").is_file()
    assert not (tmp_path / "project/docs").exists()


def test_calendar_data_holds_and_writes_the_calendar_of_the_project(published: Given, tmp_path: Path) -> None:
    for told in ((), ("--release", "live")):
        stale = published("calendar-data", "--check", *told)
        assert (stale.exit_code, "is not what the generator writes" in stale.output) == (1, True)
    before = (CHECKOUT / CHINA).read_bytes()
    assert published("calendar-data").exit_code == 0
    assert (tmp_path / "project" / CHINA).read_bytes() == before == (CHECKOUT / CHINA).read_bytes()
    assert published("calendar-data", "--check").exit_code == 0
    assert published("calendar-data", "--check", "--release", "1").exit_code == 1
