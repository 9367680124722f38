"""What a task is due by, and who hears of limits: those of the whole case count like those drawn on a step."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from engine.app import Gongdan, open_gongdan
from engine.base.settings import Settings
from engine.case.commands import ClaimTask, PauseClocks, ResumeClocks, StartCase
from engine.case.rebuild import differences, rebuild
from engine.intake.importing import import_file
from engine.intake.triage import TABLE, TriageTable
from engine.people.directory import DEMO_PEOPLE, Person
from engine.queries import board, inbox, notices, work
from engine.queries.inbox import Filters, Tab, WorkItem
from engine.storage import upgrade
from engine.storage.tables import task
from tests import reading
from tests.bpmn_text import call, definitions, many, process_xml, sub, timer_on, user
from tests.casework import FILES, Desk, opened
from tests.clock import Clock
from tests.real_data import all_complaints

PEOPLE = {person.name: person for person in DEMO_PEOPLE}
LEAD, AGENT, CHIEF = PEOPLE["supervisor1"], PEOPLE["agent1"], PEOPLE["manager1"]
DAY_0 = "2026-03-02T01:00:00+00:00"  #: where the clock of these tests starts
TWO_HOURS = "2026-03-02T03:00:00+00:00"

#: on the whole case a limit that may pause (3 working days); two ways at once, one of them under a limit of its own;
#: in it a call, and a step that several people do at once under theirs
BRANCHED = definitions(
    process_xml(
        "branched",
        "start > p_a > inside > p_b > end; p_a > beside > p_b; t_inside > end_inside",
        sub(
            "inside",
            "start_i > ask > each > end_i; t_each > end_each",
            call("ask", "asking"),
            user("each", form="call", many=many("2")),
            timer_on("each", "t_each", 'sla_due("COU_DISPATCH")', "timeDate"),
        ),
        timer_on("inside", "t_inside", 'sla_due("CAN_CALLBACK_1", case_opened_at)', "timeDate"),
        user("beside", form="call", meets="COU_CLOSE_GENERAL"),
        startable="true",
        case_clocks="COU_CLOSE_GENERAL",
    )
    + process_xml("asking", "start_q > answer > end_q", user("answer", form="call"))
)


@pytest.fixture
def branched(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A desk with the process above."""
    with opened(tmp_path, clock, files=FILES | {"bpmn/tests/branched.bpmn": BRANCHED}) as desk:
        yield desk


def due(desk: Desk, case: str) -> dict[str, str | None]:
    """Element → due time of each open task, as the read model has it; it is what history gives."""
    assert differences(desk.g, case) == []
    query = sa.select(task.c.element, task.c.due_at).where(task.c.case_id == case, task.c.state == "open")
    return {row.element.partition(" [")[0]: row.due_at for row in desk.g.db.rows(query)}


def listed(db: Any, person: Person, tab: Tab, now: str, filters: Filters | None = None) -> list[WorkItem]:
    """All rows of a tab, page after page."""
    rows: list[WorkItem] = []
    after = None
    while True:
        page = inbox.work(db, person, tab, now, filters or Filters(), after, 40)
        rows += page.rows
        if (after := page.next) is None:
            return rows


# ---------------------------------------------------------------- due
def test_the_earliest_counts_whether_of_the_task_or_of_its_case(any_desk: Desk) -> None:
    fresh = any_desk.start()
    old = any_desk.start(received_at="2026-02-15T02:00:00+00:00")
    assert due(any_desk, fresh) == {"call": TWO_HOURS}
    assert due(any_desk, old) == {"call": "2026-03-02T02:00:00+00:00"}, "of the case: an hour left of 15 days"
    rows = listed(any_desk.g.db, AGENT, "queues", any_desk.at)
    assert [(row.case_id, row.limit, row.whole) for row in rows] == [
        (old, "REG_TEL_REPLY", True),
        (fresh, "CAN_CALLBACK_1", False),
    ]


def test_a_passed_limit_of_the_case_is_overdue_until_the_work_is_done(any_desk: Desk) -> None:
    case = any_desk.start(received_at="2018-01-01T00:00:00+00:00")
    any_desk.wake()
    passed = {"call": "2018-01-16T00:00:00+00:00"}
    assert due(any_desk, case) == passed
    for person, tabs in ((AGENT, ("queues", "overdue")), (LEAD, ("all", "overdue"))):
        for tab in tabs:
            assert [row.case_id for row in listed(any_desk.g.db, person, tab, any_desk.at)] == [case]  # type: ignore[arg-type]
    any_desk.complete(case, result="busy")
    assert due(any_desk, case) == passed, "the next call of the case is as late"
    any_desk.complete(case, result="reached")
    assert listed(any_desk.g.db, LEAD, "overdue", any_desk.at) == []


def test_a_limit_counts_for_what_is_inside_and_not_for_what_is_beside(branched: Desk) -> None:
    case = branched.start("branched")
    closing = "2026-03-04T10:00:00+00:00"  # three working days
    assert due(branched, case) == {"answer": TWO_HOURS, "beside": closing}
    branched.complete(case, "answer", result="ok")
    each = "2026-03-02T01:30:00+00:00"  # half an hour for both who do it
    assert due(branched, case) == {"each": each, "beside": closing}
    assert branched.g.verify(case).state == "identical"


def test_what_is_paused_does_not_count_and_counts_again(branched: Desk) -> None:
    case = branched.start("branched")
    branched.g.dispatch(PauseClocks(case_id=case, reason="等客户提供凭证", actor="agent1", at=branched.at))
    assert due(branched, case) == {"answer": TWO_HOURS, "beside": None}
    branched.clock.advance(days=1)
    branched.g.dispatch(ResumeClocks(case_id=case, actor="agent1", at=branched.at))
    assert due(branched, case) == {"answer": TWO_HOURS, "beside": "2026-03-05T10:00:00+00:00"}


def test_a_limit_that_was_met_counts_no_more(branched: Desk) -> None:
    case = branched.start("branched", received_at="2026-02-01T00:00:00+00:00")
    branched.wake()
    assert set(due(branched, case).values()) == {"2026-02-04T10:00:00+00:00"}
    branched.complete(case, "beside", result="ok")
    assert due(branched, case) == {"answer": TWO_HOURS}


def test_an_older_database_learns_what_is_due_and_whom_nobody_told(any_desk: Desk) -> None:
    late, fresh = any_desk.start(received_at="2018-01-01T00:00:00+00:00"), any_desk.start()
    any_desk.wake()
    db = any_desk.g.db
    with db.begin() as connection:
        command.downgrade(upgrade.config(connection), "0008")
    assert {row.due_at for row in db.rows(sa.select(task.c.due_at))} == {TWO_HOURS}, (
        "the limit of the step alone"
    )
    assert upgrade.revision(db) == "0008"
    upgrade.upgrade(db)
    assert due(any_desk, late) == {"call": "2018-01-16T00:00:00+00:00"}
    assert due(any_desk, fresh) == {"call": TWO_HOURS}
    for person in (LEAD, CHIEF):
        assert [(line.parameter, line.level, line.cases) for line in notices.latest(db, person)] == [
            ("REG_TEL_REPLY", "breach", (late,))
        ]


# ---------------------------------------------------------------- notices
def told(desk: Desk, name: str) -> list[tuple[str | None, str, int]]:
    """What a person reads: limit, level and how many cases, the newest first."""
    return [(line.parameter, line.level, line.count) for line in notices.latest(desk.g.db, PEOPLE[name])]


def test_warnings_and_breaches_of_a_case_reach_who_leads_and_who_holds_its_work_once(any_desk: Desk) -> None:
    case = any_desk.start()
    any_desk.claim(case)
    any_desk.clock.advance(hours=2)
    any_desk.wake()
    own = [("CAN_CALLBACK_1", "breach", 1), ("CAN_CALLBACK_1", "warn", 1)]
    assert told(any_desk, "agent1") == own, "of the limit of the step, the diagram tells the supervisor"
    assert told(any_desk, "supervisor1") == [(None, "breach", 1)]
    any_desk.clock.set("2026-03-12 09:00")  # day 10 of 15
    any_desk.wake()
    warned = ("REG_TEL_REPLY", "warn", 1)
    assert told(any_desk, "agent1") == [warned, *own]
    assert told(any_desk, "supervisor1")[0] == warned
    assert told(any_desk, "manager1") == []
    any_desk.clock.set("2026-03-20 09:00")
    any_desk.wake()
    passed = ("REG_TEL_REPLY", "breach", 1)
    for name in ("agent1", "supervisor1", "manager1"):
        assert told(any_desk, name)[0] == passed
        any_desk.wake()
        assert told(any_desk, name).count(passed) == 1
    assert told(any_desk, "agent2") == []
    assert list(rebuild(any_desk.g)) == [(case, None)]
    assert told(any_desk, "manager1") == [passed], "a rebuild tells nobody anything"


def test_who_holds_work_in_a_step_under_a_limit_hears_of_it(branched: Desk) -> None:
    case = branched.start("branched")
    branched.claim(case, "answer")
    branched.claim(case, "beside", "agent2")
    branched.clock.advance(hours=2)
    branched.wake()
    assert told(branched, "agent1") == [("CAN_CALLBACK_1", "breach", 1), ("CAN_CALLBACK_1", "warn", 1)]
    assert told(branched, "agent2") == []


def test_many_at_once_are_one_line_and_new_ones_are_told_from_those_read(desk: Desk) -> None:
    late = [desk.start(received_at="2018-01-01T00:00:00+00:00") for _ in range(30)]
    desk.wake()
    (line,) = notices.latest(desk.g.db, LEAD)
    assert (line.parameter, line.level, line.count) == ("REG_TEL_REPLY", "breach", 30)
    assert line.cases == tuple(late[::-1][:20]), "the newest are named"
    assert notices.unread(desk.g.db, LEAD) == 1
    notices.mark_read(desk.g.db, LEAD, line.id)
    assert notices.unread(desk.g.db, LEAD) == 0
    one = desk.start(received_at="2018-01-01T00:00:00+00:00")
    desk.wake()
    new, read = notices.latest(desk.g.db, LEAD)
    assert (new.count, new.cases, read.count) == (1, (one,), 30)
    assert notices.unread(desk.g.db, LEAD) == 1


# ---------------------------------------------------------------- every complaint
def test_every_complaint_has_a_clock_from_its_first_minute(shipped: Gongdan) -> None:
    """Whatever people open or an import starts, unless its diagram says that it is no complaint."""
    release = shipped.releases.current()
    ways = {process.id for process in release.processes.values() if process.complaint}
    ways |= set(TriageTable(release.files[TABLE]).processes)
    assert {"general_complaint", "courier_complaint", "hospital_guide_complaint"} < ways
    assert "satisfaction_revisit" not in ways
    for process in sorted(ways):
        begun = StartCase(process=process, data={}, actor="system:import", at=shipped.now())
        case = shipped.dispatch(begun).case_id
        limits = [clock for clock in work.clocks(shipped.db, case) if clock.live]
        assert limits, f"{process} has no clock"
        opened = [one for one in work.tasks(shipped.db, case) if one.state == "open"]
        assert all(one.due_at for one in opened), f"{process}: a task that is never late"


def test_a_limit_without_a_source_is_shown_as_unconfirmed(shipped: Gongdan) -> None:
    parameter = shipped.releases.current().parameters["CASE_REPLY"]
    assert parameter.unconfirmed
    assert not parameter.pausable


def test_the_general_complaint_is_met_by_the_answer(shipped: Gongdan) -> None:
    elements = {
        element.id
        for process in shipped.releases.current().processes.values()
        for element in process.elements.values()
        if "CASE_REPLY" in element.listed("meets")
    }
    assert {"reply_customer", "prepare_result_sms", "archive", "explain_recourse"} <= elements
    for process in shipped.releases.current().processes.values():
        if "CASE_REPLY" in process.case_clocks:
            assert elements & set(process.elements), f"{process.id} never answers"


# ---------------------------------------------------------------- one truth
@pytest.fixture
def imported(tmp_path: Path) -> Iterator[tuple[Gongdan, str]]:
    """Everything published, the complaints imported live, and time done with what is due; and the instant of that."""
    now = datetime.fromisoformat("2026-04-01T02:00:00+00:00")
    gongdan = open_gongdan(Settings.from_env({}, var=tmp_path, lru=50), wall=lambda: now, synchronous="OFF")
    gongdan.publish_folder()
    for path, source in all_complaints():
        import_file(gongdan, path, source)
    while gongdan.timers.wake_due(now + timedelta(hours=3)):
        pass
    yield gongdan, (now + timedelta(hours=3)).isoformat()
    gongdan.close()


def test_tab_board_bell_and_a_recount_from_history_agree(imported: tuple[Gongdan, str]) -> None:
    gongdan, now = imported
    db = gongdan.db
    # what history says, read by nothing of the code that is tested: cases with a limit that has passed
    known = reading.read(gongdan)
    late = {case.id for case in known if any(one.late and one.end is None for one in case.limits.values())}
    whole = {
        case.id
        for case in known
        if any(one.late and one.parameter == "REG_TEL_REPLY" for one in case.limits.values())
    }
    assert late, "complaints of earlier years are late when they come"
    overdue = listed(db, LEAD, "overdue", now)
    assert {row.case_id for row in overdue} == late
    assert [row.due_at for row in overdue if not row.urgent] == sorted(
        r.due_at or "" for r in overdue if not r.urgent
    )
    figures = board.figures(db, LEAD, now)
    assert figures.overdue == len(overdue) == sum(queue.overdue for queue in figures.queues)
    assert inbox.counts(db, LEAD, now)["overdue"] == min(len(overdue), inbox.MOST + 1)
    for queue in figures.queues:
        of = Filters(role=queue.name, unit=queue.unit)
        for tab, number in (("all", queue.tasks), ("overdue", queue.overdue), ("soon", queue.soon)):
            assert len(listed(db, LEAD, tab, now, of)) == number  # type: ignore[arg-type]
        free = Filters(role=queue.name, unit=queue.unit, held=inbox.NOBODY)
        assert len(listed(db, LEAD, "all", now, free)) == queue.unclaimed
    for parameter, state, number in figures.parameters:
        rows, after = board.limits(db, LEAD, parameter, state, limit=1_000)
        assert (len(rows), after) == (number, None)
    told = {
        line.parameter: line.count
        for line in notices.latest(db, LEAD)
        if line.level == "breach" and line.topic
    }
    assert told.get("REG_TEL_REPLY") == len(whole) > 0
    assert notices.unread(db, LEAD) == len(notices.latest(db, LEAD)) < 10, "a bell that can be read"
    first = inbox.work(db, PEOPLE["agent1"], "queues", now, Filters(), None, 1).rows[0]
    rest = db.rows(
        sa.select(sa.func.min(task.c.due_at)).where(
            task.c.role == "agent",
            task.c.skill.is_(None),
            task.c.department.is_(None),
            task.c.rank == first.rank,
        )
    )
    assert first.due_at == rest[0][0], "who takes the next takes what is due first"


def test_the_board_s_people_and_free_tasks_lead_to_their_lists(desk: Desk) -> None:
    held, free = desk.start(received_at="2018-01-01T00:00:00+00:00"), desk.start()
    at = desk.at
    desk.g.dispatch(ClaimTask(case_id=held, task=desk.open(held)["call"], actor="agent1", at=at))
    figures = board.figures(desk.g.db, LEAD, at)
    (person,) = figures.people
    assert (person.name, person.tasks, person.overdue) == ("agent1", 1, 1)
    for tab, filters, found in (
        ("all", Filters(held="agent1"), [held]),
        ("overdue", Filters(held="agent1"), [held]),
        ("overdue", Filters(held="agent2"), []),
        ("all", Filters(held=inbox.NOBODY), [free]),
        ("overdue", Filters(held=inbox.NOBODY), []),
        ("all", Filters(role="agent", unit=""), [held, free]),
        ("all", Filters(role="agent", unit="yue"), []),
    ):
        assert [row.case_id for row in listed(desk.g.db, LEAD, tab, at, filters)] == found  # type: ignore[arg-type]
    assert figures.unclaimed == 1
