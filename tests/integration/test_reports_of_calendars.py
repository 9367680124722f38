"""Closed in time is decided by the calendar of a case's release: holidays, make-up Saturdays, new versions."""

from __future__ import annotations

import json
from pathlib import Path

from engine.reports import Asked, make
from engine.reports.model import Figure
from engine.reports.period import parse
from tests.bpmn_text import bpmn, end, service, timer_on, user
from tests.casework import FILES, Desk, opened
from tests.clock import Clock

CALENDAR = "bpmn/calendars/cn.json"
CLOSING = bpmn(
    "work",
    "start > call > done; t_limit > alert > end_late",
    user("call", form="call", name="处理投诉"),
    end("done", outcome="settled"),
    timer_on("call", "t_limit", 'sla_due("COU_CLOSE_GENERAL", case_opened_at)', "timeDate"),
    service("alert", service="notice", template='"notice_late"', to='"supervisor"', level="breach"),
    startable="true",
)
THURSDAY = (
    "2026-02-12T10:00:00+08:00"  #: three working days later it is 24 February, 10:00 (seed 004:518-519)
)
MAKE_UP_SATURDAY = "2026-02-14 17:30"
IN_THE_HOLIDAY = "2026-02-20 15:00"
LAST_MINUTE = "2026-02-24 09:59"
TOO_LATE = "2026-02-24 10:01"


def in_time(desk: Desk) -> dict[str, str]:
    """Case → yes or no, as the list of closed cases says."""
    table = make(desk.g.db, "closed_list", Asked(parse("2026-02"), desk.at)).table("list")
    assert table is not None
    column = [term.code for term in table.columns].index("in_time_q")
    told = [(row[0], row[column]) for row in table.rows]
    return {
        case.code: yes.code
        for case, yes in told
        if not isinstance(case, Figure) and not isinstance(yes, Figure)
    }


def close(desk: Desk, clock: Clock, case: str, at: str) -> None:
    clock.set(at)
    desk.wake()
    desk.complete(case, result="reached")


def test_a_close_on_a_make_up_saturday_or_in_the_holiday_is_in_time(tmp_path: Path, clock: Clock) -> None:
    clock.set(THURSDAY)
    with opened(tmp_path, clock, files={**FILES, "bpmn/tests/work.bpmn": CLOSING}) as desk:
        four = [desk.start() for _ in range(4)]
        for case, at in zip(four, (MAKE_UP_SATURDAY, IN_THE_HOLIDAY, LAST_MINUTE, TOO_LATE), strict=True):
            close(desk, clock, case, at)
        assert list(in_time(desk).values()) == ["yes", "yes", "yes", "no"]


def test_a_later_calendar_changes_nothing_for_cases_of_the_earlier_one(tmp_path: Path, clock: Clock) -> None:
    """Without the holiday and its make-up Saturday, three working days from Thursday end on Tuesday the 17th."""
    files = {**FILES, "bpmn/tests/work.bpmn": CLOSING}
    plain = json.loads(files[CALENDAR] or b"")
    plain["years"]["2026"] = {"holidays": {}, "make_up_days": {}}
    clock.set(THURSDAY)
    with opened(tmp_path, clock, files=files) as desk:
        before = desk.start()
        desk.g.releases.publish(
            {**files, CALENDAR: json.dumps(plain).encode()}, "tests", "a year without holidays", clock.now
        )
        after, early = desk.start(), desk.start()
        close(desk, clock, early, "2026-02-17 09:59")
        close(desk, clock, after, IN_THE_HOLIDAY)
        close(desk, clock, before, IN_THE_HOLIDAY)
        assert in_time(desk) == {early: "yes", after: "no", before: "yes"}
