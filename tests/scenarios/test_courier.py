"""Courier complaints: revisits with their exemptions, severity that only rises, limits from the right start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.app import Gongdan
from engine.queries import work

from .playing import data_of, play, stage


@pytest.fixture(scope="module")
def engine() -> Iterator[Gongdan]:
    """One throw-away engine for the module."""
    with stage() as gongdan:
        yield gongdan


def test_dissatisfied_with_the_amount_is_recorded_and_not_handled_again(engine: Gongdan) -> None:
    run = play(engine, "courier_satisfaction_revisit", "对理赔金额不满意")
    data = data_of(engine, run)
    assert data["revisit_outcome"] == "exempt"
    assert data["dissatisfied_rounds"] == 0
    done = {task.element.rpartition("/")[2] for task in work.tasks(engine.db, run.case_id)}
    assert "respond_operations" not in done


def test_attitude_is_handled_again_first_in_queue_and_round_three_goes_to_the_supervisor(
    engine: Gongdan,
) -> None:
    run = play(engine, "courier_satisfaction_revisit", "处理态度")
    data = data_of(engine, run)
    assert data["priority"] == "P1"
    tasks = work.tasks(engine.db, run.case_id)
    first_revisit = sorted(tasks, key=lambda task: task.task)[:2]
    assert [(t.element, t.urgent) for t in first_revisit] == [("ask_satisfaction", False), ("call", False)]
    assert {t.urgent for t in tasks if t.process == "courier_assist_investigation"} == {True}
    done = [task.element.rpartition("/")[2] for task in work.tasks(engine.db, run.case_id)]
    assert done.index("supervisor_decision") > [i for i, e in enumerate(done) if e == "ask_satisfaction"][2]
    assert done.count("ask_satisfaction") == 4, "three rounds, and the one the supervisor granted"


def test_a_case_that_rises_twice_leaves_two_rows_and_three_limits(engine: Gongdan) -> None:
    run = play(engine, "courier_complaint", "一般 → 严重 → 重大")
    rows = data_of(engine, run)["upgrades"]
    assert [(row["from"], row["to"]) for row in rows] == [("general", "severe"), ("severe", "major")]
    clocks = {
        c.parameter: c for c in work.clocks(engine.db, run.case_id) if c.parameter.startswith("COU_CLOSE")
    }
    # Accepted Monday 10:00: three and five working days; the external body's notice came on Wednesday at 9:30.
    assert {name: clock.due for name, clock in clocks.items()} == {
        "COU_CLOSE_GENERAL": "2026-03-05T02:00:00+00:00",
        "COU_CLOSE_SEVERE": "2026-03-09T02:00:00+00:00",
        "COU_CLOSE_MAJOR": "2026-03-09T01:30:00+00:00",
    }
    states = {name: clock.state for name, clock in clocks.items()}
    assert states == {
        "COU_CLOSE_GENERAL": "stopped",
        "COU_CLOSE_SEVERE": "stopped",
        "COU_CLOSE_MAJOR": "met",
    }
