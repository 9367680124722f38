"""A mixed load of every process over a holiday and its make-up Saturdays: all closed, all proven, all counted right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.case.store import case_ids
from engine.proof.verify import IDENTICAL
from engine.reports import Asked, Report, make
from engine.reports.model import Figure, Table
from engine.reports.period import parse
from engine.simulate.arrivals import Load
from engine.simulate.report import SimulationReport
from engine.simulate.running import simulate
from engine.storage.tables import incident
from tests.reading import LATE, LEVELS, SCORES, SOLVED, Case, read

SPRING_FESTIVAL = {date(2026, 2, 15) + timedelta(days=n) for n in range(9)}  #: public holiday (State Council)
MAKE_UP = {date(2026, 2, 14), date(2026, 2, 28)}  #: Saturdays worked for it
OWN = {"weekly_closed_list", "monthly_upgrade_statistics", "cable_monthly_statistics", "quality_spot_check"}
MONTHS = ("2026-01", "2026-02", "2026-03")
WEEKS = ("2026-W07", "2026-W08", "2026-W09", "2026-W10")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

Row = tuple[Any, ...]


def test_a_mixed_load_ends_closed_proven_and_counted(tmp_path: Path, full: bool) -> None:
    """One run for all that follows; ``--full`` takes a quarter with 5,000 cases."""
    load = (
        Load(5_000, date(2026, 1, 1), date(2026, 3, 31))
        if full
        else Load(180, date(2026, 2, 9), date(2026, 3, 3))
    )
    gongdan = open_gongdan(Settings.from_env({}, var=tmp_path, lru=500), synchronous="OFF")
    gongdan.publish_folder(at=load.begins.isoformat())
    result = simulate(gongdan, seed="1", load=load)

    every_case_is_closed_and_nothing_failed(gongdan, result)
    every_process_that_people_may_open_was_opened(gongdan, result)
    everything_re_executes_identically(gongdan)
    told = read(gongdan)
    assert sum(not case.opened_by.startswith("system:") for case in told) == load.cases
    work_closed_on_holidays_and_make_up_days(told)
    for month in MONTHS:
        limits_are_what_history_tells(gongdan, told, month)
        upgrades_are_what_history_tells(gongdan, told, month)
        satisfaction_is_what_history_tells(gongdan, told, month)
        the_callback_desk_is_what_history_tells(gongdan, told, month)
    for week in WEEKS:
        the_weekly_list_is_what_history_tells(gongdan, told, week)
    branches_are_places_not_sentences(told)
    gongdan.close()


def every_case_is_closed_and_nothing_failed(gongdan: Gongdan, result: SimulationReport) -> None:
    assert result.left_aside == []
    assert result.open == 0
    assert result.incidents == 0
    assert gongdan.db.rows(sa.select(incident.c.message)) == []
    assert sum(sum(ends.values()) for ends in result.ends.values()) == result.cases
    assert all(clock["running"] == 0 for clock in result.sla.values())
    became = {state for states in result.messages.values() for state in states}
    assert became <= {"sent", "failed", "unknown", "withdrawn"}


def every_process_that_people_may_open_was_opened(gongdan: Gongdan, result: SimulationReport) -> None:
    startable = {p.id for p in gongdan.releases.current().processes.values() if p.startable}
    assert startable <= result.by_process.keys()
    assert {
        "weekly_closed_list",
        "monthly_upgrade_statistics",
        "cable_monthly_statistics",
    } <= result.by_process.keys()


def everything_re_executes_identically(gongdan: Gongdan) -> None:
    assert {gongdan.verify(case).state for case in case_ids(gongdan.db)} == {IDENTICAL}


def work_closed_on_holidays_and_make_up_days(told: list[Case]) -> None:
    closed = {case.closed_on for case in told}
    assert closed & SPRING_FESTIVAL
    assert closed >= MAKE_UP


# ---------------------------------------------------------------- reports against histories
def limits_are_what_history_tells(gongdan: Gongdan, told: list[Case], month: str) -> None:
    ended = Counter(
        (limit.parameter, limit.end) for case in inside(told, month) for limit in case.limits.values()
    )
    end = parse(month).ends
    ended.update(
        (limit.parameter, "passed_open")
        for case in told
        if case.opened < end and (case.closed is None or case.closed >= end)
        for limit in case.limits.values()
        if any(state in LATE and at <= end for state, at in limit.states)
    )
    columns = ("met", "missed", "stopped", "passed_open")
    expected = {
        parameter: tuple(ended[parameter, state] for state in columns)
        for parameter in {parameter for parameter, _ in ended}
    }
    shown = {row[0]: row[1:5] for row in rows(report(gongdan, "sla", month), "by_parameter")}
    assert shown == expected


def upgrades_are_what_history_tells(gongdan: Gongdan, told: list[Case], month: str) -> None:
    made, mine = report(gongdan, "upgrades", month), complaints(told, month)
    assert rows(made, "by_level") == [
        (level, len(of), share(case.in_time for case in of))
        for level in LEVELS
        for of in [[case for case in mine if case.severity == level]]
    ]
    rises = Counter(rise for case in mine for rise in case.rises)
    assert rows(made, "from_to") == [(low, *(rises[low, high] for high in LEVELS)) for low in LEVELS[:2]]
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in mine:
        groups.setdefault((case.branch, case.kind), []).append(case)
    assert {row[:2]: row[2:] for row in rows(made, "by_branch_type")} == {
        key: (
            *(sum(case.severity == level for case in of) for level in LEVELS),
            sum(bool(case.rises) for case in of),
            share(bool(case.rises) for case in of),
            share(case.in_time for case in of),
            share(case.satisfied for case in of if case.rated),
        )
        for key, of in groups.items()
    }


def satisfaction_is_what_history_tells(gongdan: Gongdan, told: list[Case], month: str) -> None:
    made, mine = report(gongdan, "satisfaction", month), complaints(told, month)
    asked = [case for case in mine if case.asked]
    assert rows(made, "response") == [(len(mine), *who(asked))]
    processes = {case.process for case in asked}
    assert {row[0]: row[1:] for row in rows(made, "by_process")} == {
        process: who([case for case in asked if case.process == process]) for process in processes
    }
    for question in ("attitude", "speed", "handling_result"):
        given = [case.answers(question)[-1][1] for case in asked if case.answers(question)]
        (shown,) = [row for row in rows(made, "scores") if row[0] == question]
        assert shown[1:6] == tuple(given.count(score) for score in range(1, 6))
        assert shown[6:] == (pytest.approx(sum(given) / len(given)) if given else None, len(given))
    people: dict[str, list[Case]] = {}
    for case in asked:
        answered = [at for at, _ in case.answers(*SCORES, *SOLVED)]
        people.setdefault(case.handled_before(max(answered, default=None)), []).append(case)
    assert {row[0]: row[1:] for row in rows(made, "by_person")} == {
        person or "nobody": who(of) for person, of in people.items()
    }


def the_callback_desk_is_what_history_tells(gongdan: Gongdan, told: list[Case], month: str) -> None:
    made = report(gongdan, "callbacks", month)
    mine = [case for case in inside(told, month) if case.process == "cantonese_callback"]
    first = {
        case.id: limit
        for case in mine
        for limit in case.limits.values()
        if limit.parameter == "CAN_CALLBACK_1"
    }
    tickets = [case for case in mine if case.id in first]
    assert rows(made, "total") == [
        (
            len(mine),
            len(tickets),
            share(first[case.id].end == "met" for case in tickets),
            share(
                any(result == "reached" and at <= first[case.id].due for at, result in case.answers("result"))
                for case in tickets
            ),
            sum(len(case.answers("result")) > 1 for case in tickets),
            sum(case.outcome == "unreachable_archived" for case in mine),
            sum(case.outcome == "advised_mandarin" for case in mine),
        )
    ]
    calls = Counter(f"result/{result}" for case in mine for _, result in case.answers("result"))
    assert dict(rows(made, "results")) == calls
    sent = Counter(template for case in mine for template in case.sent)
    assert {row[0]: sum(row[1:]) for row in rows(made, "by_template")} == sent


def the_weekly_list_is_what_history_tells(gongdan: Gongdan, told: list[Case], week: str) -> None:
    made, mine = report(gongdan, "closed_list", week), complaints(told, week)
    branches = {case.branch for case in mine}
    assert {row[0]: row[1:] for row in rows(made, "by_branch")} == {
        branch: (
            len(of),
            sum(case.severity in ("severe", "major") for case in of),
            share(case.in_time for case in of),
            mean(case.score for case in of),
            sum(case.reopens is not None for case in of),
        )
        for branch in branches
        for of in [[case for case in mine if case.branch == branch]]
    }
    assert sorted((*row[:6], *row[7:]) for row in rows(made, "list")) == sorted(
        (
            case.id,
            case.branch,
            case.process,
            case.kind,
            case.severity,
            case.handled_before(None),
            f"{case.process}/{case.outcome}",
            case.closed,
            "yes" if case.in_time else "no",
            "" if case.score is None else str(case.score),
            case.reopens or "",
        )
        for case in mine
    )


def branches_are_places_not_sentences(told: list[Case]) -> None:
    assert not [case.branch for case in told if "：" in case.branch or len(case.branch) > 20]


# ---------------------------------------------------------------- plain arithmetic
def inside(told: list[Case], period: str) -> list[Case]:
    """Cases that closed in a month or an ISO week, by the day in Shanghai."""
    form = "%G-W%V" if "W" in period else "%Y-%m"
    return [case for case in told if case.closed_on is not None and case.closed_on.strftime(form) == period]


def complaints(told: list[Case], period: str) -> list[Case]:
    return [case for case in inside(told, period) if case.process not in OWN]


def who(asked: list[Case]) -> Row:
    rated = [case for case in asked if case.rated]
    return (
        len(asked),
        len(rated),
        share(case.rated for case in asked),
        mean(case.score for case in rated),
        share(case.satisfied for case in rated),
        share(case.solved is True for case in rated if case.solved is not None),
    )


def share(values: Iterable[bool]) -> Any:
    found = list(values)
    return pytest.approx(sum(found) / len(found)) if found else None


def mean(values: Iterable[int | None]) -> Any:
    found = [value for value in values if value is not None]
    return pytest.approx(sum(found) / len(found)) if found else None


def report(gongdan: Gongdan, name: str, period: str) -> Report:
    return make(gongdan.db, name, Asked(parse(period), gongdan.now()))


def rows(made: Report, key: str) -> list[Row]:
    """A table of a report as plain values: codes of its words, values of its figures."""
    table = made.table(key)
    assert table is not None
    return list(_plain(table))


def _plain(table: Table) -> Iterator[Row]:
    for row in table.rows:
        yield tuple(cell.value if isinstance(cell, Figure) else cell.code for cell in row)
