"""Many people from a file: all lines or none, and a report that says of each what it does or why not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.app import Gongdan
from engine.base.errors import Rejected
from engine.base.settings import Settings
from engine.operations import people_file
from engine.operations.people_file import Report
from engine.people.attempts import Caller
from engine.people.directory import Person
from tests.clock import Clock
from tests.people import BOSS, later, process, staff, told

HEADER = "name,display,roles,skills,departments,teams,mail,external_id,active\n"
GOOD = (
    HEADER
    + "han,韩梅梅,agent;senior_agent,yue:5,,早班;粤语组,han@example.cn,E-7,yes\n"
    + "\n"
    + 'om,"郑工, 网络",specialist,,om;billing,,,,yes\n'
    + "wang,王芳芳,agent,,,早班,,,no\n"
    + "li,李雷,agent,,,,,,yes\n"
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def house(settings: Settings, clock: Clock) -> Iterator[Gongdan]:
    with process(settings, clock) as opened:
        staff(opened)
        yield opened


def run(house: Gongdan, text: str | bytes, *, dry: bool = False) -> Report:
    return people_file.run(house, text.encode() if isinstance(text, str) else text, BOSS, dry=dry)


def lines(report: Report) -> list[tuple[int, str, str, tuple[str, ...]]]:
    return [(line.number, line.name, line.done, line.changed) for line in report.lines]


DOES = [
    (2, "han", "added", ()),
    (4, "om", "added", ()),
    (5, "wang", "changed", ("display", "skills", "active")),
    (6, "li", "same", ()),
]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(house: Gongdan) -> None:
    before = house.people.all()
    report = run(house, GOOD, dry=True)
    assert lines(report) == DOES
    assert not report.written
    assert [line.one_time for line in report.lines] == [None] * 4
    assert house.people.all() == before
    assert told(house) == []


def test_people_are_added_and_changed(house: Gongdan, clock: Clock) -> None:
    report = run(house, GOOD)
    assert (lines(report), report.written) == (DOES, True)
    assert house.people.get("han") == Person(
        "han", "韩梅梅", frozenset({"agent", "senior_agent"}), frozenset({"yue"}), mail="han@example.cn",
        teams=frozenset({"早班", "粤语组"}), levels={"yue": 5}, external_id="E-7", must_change=True,
    )  # fmt: skip
    om, wang = house.people.get("om"), house.people.get("wang")
    assert (om.display_name, om.departments) == ("郑工, 网络", frozenset({"om", "billing"}))
    assert (wang.display_name, wang.skills, wang.teams, wang.active) == (
        "王芳芳", frozenset(), frozenset({"早班"}), False,
    )  # fmt: skip
    secret = report.lines[0].one_time
    assert secret is not None
    assert report.lines[2].one_time is None
    signed_in = house.door.password("han", secret, Caller("10.0.0.1"), clock.now)
    assert signed_in is not None
    assert signed_in.must_change
    with pytest.raises(Rejected, match="one-time password that still counts"):
        house.door.password("om", report.lines[1].one_time or "", Caller("10.0.0.1"), later(clock, hours=72))
    kinds = [(kind, about) for kind, by, about, _ in told(house) if by == "boss"]
    assert kinds == [
        ("account_added", "han"), ("account_added", "om"), ("account_changed", "wang"), ("account_switched", "wang"),
    ]  # fmt: skip
    assert secret not in repr(told(house))


def test_a_column_that_is_not_there_is_left_as_it_is(house: Gongdan) -> None:
    assert lines(run(house, "name,teams\nwang,晚班\n")) == [(2, "wang", "changed", ("teams",))]
    wang = house.people.get("wang")
    assert (wang.display_name, wang.skills, wang.teams) == ("王芳", frozenset({"yue"}), frozenset({"晚班"}))


def test_one_line_that_is_refused_keeps_all_out(house: Gongdan) -> None:
    before = house.people.all()
    report = run(house, GOOD + "xu,徐,agentt,,,,,,yes\nxu2,,agent,,,,,,yes\nxu3,徐,agent,yue:9,,,,,yes\n")
    assert [line.done for line in report.lines][-3:] == ["refused"] * 3
    assert "agentt" in str(report.lines[-3].refusal)
    assert "displayed name" in str(report.lines[-2].refusal)
    assert "level from 1 to 5" in str(report.lines[-1].refusal)
    assert not report.written
    assert house.people.all() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("li,李,agent,,,,,,yes\nli,李,agent,,,,,,yes", "line 2 is about the same"),
        ("a b,李,agent,,,,,,yes", "a name of 1 to 60"),
        ("xu,徐,agent,,,,no address,,yes", "mail address"),
        ("xu,徐,agent,,omm,,,,yes", "'omm' is none"),
        ("xu,徐,,,,,,,yes", "at least one role"),
        ("xu,徐,agent,,,,,,maybe", "yes or no"),
        ("xu,徐,agent,,,,,,no", "switched on"),
        ("xu,徐,agent,yue:best,,,,,yes", "as in yue:4"),
        ("xu,徐,agent,,,,,E-1,yes\nxu2,徐,agent,,,,,E-1,yes", "E-1 is that of xu"),
    ],
)
def test_what_is_refused_is_told_with_its_line(house: Gongdan, line: str, said: str) -> None:
    for dry in (True, False):
        report = run(house, HEADER + line + "\n", dry=dry)
        assert said in str(report.refused[-1].refusal)
        assert report.refused[-1].number == 1 + len(line.splitlines())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "first line that names the columns"),
        (b"display,roles\nx,agent\n", "name among them"),
        (b"name,salary\nli,1\n", "names the columns"),
        (b"name,name\nli,li\n", "each once"),
        (HEADER.encode() + b"li,x\n", "Expected 9 cells in line 2, but it has 2"),
        (b'name,display\nli,"open\n', "a quote in it is not closed"),
        (b"name,display\nli,a\x00b\n", "no text|character"),
        (b"\xff\xfe\xff", "UTF-8 or GB 18030"),
        (b"name\n" + b"x\n" * 2001, "at most 2000 lines"),
        (b"name\n" + b"x" * 1_000_001, "at most 1000000 bytes"),
    ],
)
def test_what_is_no_such_file_is_refused_whole(house: Gongdan, content: bytes, said: str) -> None:
    with pytest.raises(Rejected, match=said):
        run(house, content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_files_of_chinese_office_programs_are_read(house: Gongdan, encoding: str, end: str) -> None:
    lines = ['"name","display","roles"', " ,,", "han,\u202a韩梅梅\u202c,agent", ",,", ""]
    text = (
        end.join(lines).replace("\u202a", "").replace("\u202c", "")
        if encoding == "gb18030"
        else end.join(lines)
    )
    run(house, text.encode(encoding))
    assert house.people.get("han").display_name == "韩梅梅"


@pytest.mark.parametrize("word", ['"=""0013"""', "2.02603E+11", "#N/A"])
def test_an_id_elsewhere_that_a_spreadsheet_spoilt_is_refused(house: Gongdan, word: str) -> None:
    (line,) = run(house, f"name,external_id\nli,{word}\n").refused
    assert "a spreadsheet made" in str(line.refusal)


def test_a_file_cannot_take_the_last_administrator_away(house: Gongdan) -> None:
    for dry in (True, False):
        with pytest.raises(Rejected, match="active administrator to remain, but boss"):
            run(house, "name,roles\nboss,agent\nli,senior_agent\n", dry=dry)
    assert house.people.get("li").roles == {"agent"}
    assert run(house, "name,roles\nboss,agent\nli,admin\n").written
