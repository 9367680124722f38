"""Reports of what the simulation does not play: rises of severity, spot checks, staff, cable. On both databases."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from engine.app import Gongdan
from engine.reports import Asked, make
from engine.reports.model import Figure, Report
from engine.reports.period import parse
from engine.storage.tables import cases, sla_clock
from tests.report_rows import NOW, put


def limit(
    gongdan: Gongdan, id: str, parameter: str, state: str, breached: str | None = None, **more: str
) -> None:
    row = dict.fromkeys(sla_clock.c.keys()) | {
        "case_id": id, "clock": f"c:{parameter}", "parameter": parameter, "state": state, "provisional": 0,
        "started": "2026-03-01T00:00:00+00:00", "due": "2026-03-05T00:00:00+00:00", "breached_at": breached,
        **more,
    }  # fmt: skip
    with gongdan.db.begin() as connection:
        connection.execute(sa.insert(sla_clock).values(**row))


def told(report: Report, key: str) -> list[list[object]]:
    """A table as codes and numbers."""
    table = report.table(key)
    assert table is not None
    return [[cell.value if isinstance(cell, Figure) else cell.code for cell in row] for row in table.rows]


def march(gongdan: Gongdan, name: str, branch: str | None = None) -> Report:
    return make(gongdan.db, name, Asked(parse("2026-03"), NOW, branch))


def test_one_case_that_rises_twice_is_two_rises(gongdan: Gongdan) -> None:
    """Acceptance example 10: general, severe, major in one case are two rows of the monthly table."""
    common: dict[str, Any] = {"responsible_branch": ["东区"], "complaint_type": ["operation_service"]}
    put(gongdan, "c1", "courier_complaint", severity=["general", "severe", "major"], **common)
    put(gongdan, "c2", "courier_complaint", severity=["general"], overall=[4], solved=[True], **common)
    put(gongdan, "c3", "courier_complaint", severity=["severe"], overall=[1], **common)
    put(gongdan, "c4", "courier_complaint", "2026-03-31T16:00:00+00:00", severity=["general"], **common)
    limit(gongdan, "c1", "COU_CLOSE_GENERAL", "stopped", "2026-03-05T00:00:00+00:00")
    report = march(gongdan, "upgrades")
    assert told(report, "from_to") == [["general", 0, 1, 0], ["severe", 0, 0, 1]]
    (row,) = told(report, "by_branch_type")
    assert row == ["东区", "complaint_type/operation_service", 1, 1, 1, 1, 1 / 3, 2 / 3, 1 / 2]
    assert march(gongdan, "upgrades", "西区").cases == ()
    table = report.table("from_to")
    assert table is not None
    assert [c.cases for c in table.rows[0] if isinstance(c, Figure)] == [(), ("c1",), ()]


def test_a_reopened_matter_is_marked_with_the_earlier_case(gongdan: Gongdan) -> None:
    put(gongdan, "c1", "general_complaint", branch=["东区"])
    put(
        gongdan,
        "c2",
        "general_complaint",
        branch=["西区"],
        duplicate_of=["c1"],
        duplicate_relation=["reopened"],
    )
    report = march(gongdan, "closed_list")
    assert [row[-1] for row in told(report, "list")] == ["", "c1"]
    assert report.branches == ("东区", "西区")
    assert march(gongdan, "closed_list", "西区").cases == ("c2",)
    assert told(march(gongdan, "archive"), "repeats")[1] == ["duplicate_relation/reopened", 1]


def test_spot_checks_are_no_complaints(gongdan: Gongdan) -> None:
    facts: dict[str, Any] = {
        "checked_centre": ["南区"],
        "check_object": ["call"],
        "sample_size": [5],
        "average_score": [90, 80],
    }
    put(gongdan, "c1", "quality_spot_check", defects=[2], objection_raised=[True], **facts)
    put(gongdan, "c2", "quality_spot_check", defects=[0], **{**facts, "average_score": [100]})
    report = march(gongdan, "spot_checks")
    assert told(report, "by_branch") == [["南区", 2, 90.0, 1]]
    assert told(report, "list")[0][:-1] == ["c1", "南区", "check_object/call", "", "5", "80", "2", "yes"]
    assert march(gongdan, "closed_list").cases == ()


def test_the_register_counts_behaviour_and_measure(gongdan: Gongdan) -> None:
    put(
        gongdan, "c1", "staff_service_complaint", behaviour=["late"], measure=["training"], finding=["upheld"]
    )
    put(gongdan, "c2", "staff_service_complaint", behaviour=["late"], site=["营业厅"])
    report = march(gongdan, "accountability")
    assert told(report, "by_behaviour") == [["behaviour/late", 2]]
    assert told(report, "by_measure") == [["measure/training", 1]]
    assert [row[1] for row in told(report, "list")] == ["unassigned", "营业厅"]


def test_cable_counts_faults_and_complaints(gongdan: Gongdan) -> None:
    put(gongdan, "c1", "cable_fault_report")
    put(gongdan, "c2", "cable_user_complaint", kind=["complaint"])
    put(gongdan, "c3", "cable_user_complaint", kind=["complaint"])
    report = march(gongdan, "cable")
    assert told(report, "total") == [["cable_fault_report", 1, 1.0], ["cable_user_complaint", 2, 1.0]]


LATE = "2026-03-05T00:00:00+00:00"
AFTER = "2026-05-01T00:00:00+00:00"  #: the period is March, and its report is made on 1 April


def test_limits_of_authorities_of_open_cases_come_first(gongdan: Gongdan) -> None:
    put(gongdan, "c1", "general_complaint")
    limit(gongdan, "c1", "REG_TEL_REPLY", "missed", LATE)
    put(gongdan, "c2", "general_complaint", AFTER)
    limit(gongdan, "c2", "INS_12378_ACCEPT", "breached", LATE)
    put(gongdan, "c3", "general_complaint", AFTER)
    limit(gongdan, "c3", "REG_TEL_REPLY", "running", due="2026-04-05T00:00:00+00:00")
    limit(gongdan, "c3", "COU_REVISIT", "running")
    put(gongdan, "c4", "general_complaint")
    limit(gongdan, "c4", "REG_TEL_REPLY", "stopped")
    report = march(gongdan, "regulator")
    assert told(report, "by_parameter") == [
        ["INS_12378_ACCEPT", 0, 1, 0, 0, 0, 0.0],
        ["REG_TEL_REPLY", 1, 0, 0, 1, 1, 0.0],
    ]
    assert [row[0] for row in told(report, "open")] == ["c2", "c3"]
    assert [row[0] for row in told(report, "passed")] == ["c1"]
    counted = {case for row in report.tables[0].rows for cell in row[1:6] for case in _behind(cell)}
    assert counted == set(report.cases), "every case of the heading stands in a column"


def _behind(cell: object) -> tuple[str, ...]:
    return cell.cases if isinstance(cell, Figure) else ()


@pytest.mark.parametrize("name", ["regulator", "sla"])
def test_what_is_open_and_late_is_not_met(gongdan: Gongdan, name: str) -> None:
    put(gongdan, "c1", "billing_dispute")
    limit(gongdan, "c1", "REG_TEL_REPLY", "met", ended_at=LATE)
    for case, state, more in (
        ("c2", "breached", {}),  # seen by the worker
        ("c3", "running", {}),  # not yet
        ("c4", "missed", {"ended_at": "2026-03-20T00:00:00+00:00"}),  # done late, the case goes on
    ):
        put(gongdan, case, "billing_dispute", AFTER)
        limit(gongdan, case, "REG_TEL_REPLY", state, None if state == "running" else LATE, **more)
    put(gongdan, "c5", "billing_dispute", AFTER)
    limit(gongdan, "c5", "REG_TEL_REPLY", "paused")
    put(gongdan, "c6", "billing_dispute", AFTER)
    limit(gongdan, "c6", "REG_TEL_REPLY", "met", ended_at=LATE)
    (row,) = told(march(gongdan, name), "by_parameter")
    assert row == (
        ["REG_TEL_REPLY", 1, 3, 1, 0, 0, 0.25] if name == "regulator" else ["REG_TEL_REPLY", 1, 0, 0, 3, 0.25]
    )


@pytest.mark.parametrize("name", ["regulator", "sla"])
def test_a_period_tells_of_what_was_open_at_its_end(gongdan: Gongdan, name: str) -> None:
    """A case that was opened after it is none of its cases; what passes or is closed later changes nothing."""
    put(gongdan, "c1", "billing_dispute", "2026-03-20T00:00:00+00:00")
    limit(gongdan, "c1", "REG_TEL_REPLY", "missed", LATE, ended_at="2026-03-20T00:00:00+00:00")
    put(gongdan, "c2", "billing_dispute", AFTER)
    limit(
        gongdan,
        "c2",
        "REG_TEL_REPLY",
        "breached",
        "2026-03-28T00:00:00+00:00",
        due="2026-03-28T00:00:00+00:00",
    )
    first_week = make(gongdan.db, name, Asked(parse("2026-03-01..2026-03-15"), NOW))
    assert first_week.table("by_parameter") is not None
    (row,) = told(first_week, "by_parameter")
    assert row == (
        ["REG_TEL_REPLY", 1, 1, 0, 0, 0, 0.0] if name == "regulator" else ["REG_TEL_REPLY", 0, 0, 0, 1, 0.0]
    )
    february = make(gongdan.db, name, Asked(parse("2026-02"), NOW))
    assert (february.cases, told(february, "by_parameter")) == ((), [])


@pytest.mark.parametrize(("earlier", "again"), [("2026-02-10", 1), ("2026-01-10", 0)])
def test_the_same_number_again_within_thirty_days(gongdan: Gongdan, earlier: str, again: int) -> None:
    put(gongdan, "c0", "general_complaint", "2026-02-20T00:00:00+00:00")
    put(gongdan, "c1", "general_complaint")
    with gongdan.db.begin() as connection:
        connection.execute(sa.update(cases).values(phone_key="k"))
        moved = sa.update(cases).where(cases.c.id == "c0").values(opened_at=f"{earlier}T00:00:00+00:00")
        connection.execute(moved)
    assert told(march(gongdan, "archive"), "repeats")[-1] == ["same_number", again]
