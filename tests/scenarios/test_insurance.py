"""Insurance complaints: a complaint stays one, and a violation reaches group audit in three working days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from engine.app import Gongdan
from engine.case.commands import CompleteTask, StartCase
from engine.queries import cases, work

from .playing import FILES, data_of, play, stage


@pytest.fixture(scope="module")
def engine() -> Iterator[Gongdan]:
    """One throw-away engine for the module."""
    with stage() as gongdan:
        yield gongdan


@pytest.mark.parametrize("form", ["insurance_complaint", "insurance_level4"])
def test_a_complaint_cannot_become_a_consultation(engine: Gongdan, form: str) -> None:
    rules = engine.releases.current().forms[form].group.rules
    assert "is_complaint" in {rule.field for rule in rules}, FILES[f"forms/{form}.json"]


def test_doubts_make_a_complaint_that_stays_one(engine: Gongdan) -> None:
    run = play(engine, "insurance_hotline_complaint", "不可逆")  # the scenario has the refusals
    data = data_of(engine, run)
    assert data["complaint_locked"] is True
    assert data["is_complaint"] is True


def test_a_violation_received_on_thursday_is_due_on_tuesday(engine: Gongdan) -> None:
    run = play(engine, "insurance_hq_complaint", "周四接到")
    clocks = {c.parameter: c for c in work.clocks(engine.db, run.case_id)}
    report = clocks["INS_VIOLATION_REPORT"]
    assert (report.started, report.due) == ("2026-03-05T02:00:00+00:00", "2026-03-10T02:00:00+00:00")
    assert report.state == "missed", "reported after its limit: late, but done"


@pytest.mark.parametrize(
    ("process", "words", "goes_on_in", "first"),
    [
        ("insurance_branch_complaint", "涉及违规的须报总部", "insurance_hq_complaint", "register_hq"),
        ("insurance_hq_complaint", "归属机构的转机构受理", "insurance_branch_complaint", "register_branch"),
    ],
)
def test_a_case_handed_over_goes_on_as_a_case_with_its_limit(
    engine: Gongdan, process: str, words: str, goes_on_in: str, first: str
) -> None:
    run = play(engine, process, words)
    (child,) = cases.children(engine.db, run.case_id)
    before, after = (work.clocks(engine.db, number) for number in (run.case_id, child.id))
    (old,) = [clock for clock in before if clock.parameter == "REG_INS_SIMPLE"]
    (new,) = [clock for clock in after if clock.parameter == "REG_INS_SIMPLE"]
    assert (new.started, new.due, new.state) == (old.started, old.due, "running")
    assert [task.element for task in work.tasks(engine.db, child.id)] == [first]
    data, carried = data_of(engine, run), engine.dispatcher.current(child.id).machine.any_data()
    for name in ("customer_name", "contact_phone", "reason_l3", "involves_violation"):
        assert carried[name] == data[name]
    form = engine.releases.current().forms[goes_on_in]
    begins = form.initial(carried, child.opened_at)
    assert begins["reason_l3"] == data["reason_l3"], "nothing is asked twice"
    assert begins["source"] in {"branch_report", "headquarters"}


def test_who_is_complained_about_is_kept_off_the_case_that_goes_on(engine: Gongdan) -> None:
    start = StartCase(
        process="insurance_branch_complaint",
        data={"complaint_recorded": True, "contact_phone": "13800138000", "customer_name": "李四"},
        actor="centre1",
        at="2026-03-05T02:00:00+00:00",
    )
    number = engine.dispatch(start).case_id
    about = {
        "source": "visit",
        "involves_violation": True,
        "major": False,
        "matter_complex": False,
        "reason_l3": "03-02-05",
        "belongs_to_headquarters": True,
        "branch": "杭州分公司",
        "complained_staff": "centre1",
    }
    (task,) = work.tasks(engine.db, number)
    engine.dispatch(CompleteTask(case_id=number, task=task.task, data=about, actor="centre1", at=start.at))
    engine.outbox.work(datetime.fromisoformat(start.at))
    (child,) = cases.children(engine.db, number)
    live = engine.dispatcher.current(child.id)
    (open_task,) = live.open
    assert "centre1" in live.excluded(open_task)
