"""Who may give which command: one table, written by hand, for all commands and all roles."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.base.errors import NotAllowed, NotFound, Rejected
from engine.case.commands import (
    KINDS,
    AmendData,
    AssignTask,
    BreachClock,
    ClaimTask,
    Command,
    CompleteTask,
    EraseCase,
    FireTimer,
    MoveClock,
    NoteIncident,
    PauseClocks,
    RecordServiceResult,
    ReleaseTask,
    RescheduleTask,
    ResumeClocks,
    StartCase,
    WarnClock,
)
from engine.people.directory import Person
from engine.storage.tables import person
from tests.casework import CUSTOMER, Desk

LIMIT = "c:REG_TEL_REPLY"
#: ``complained``: a shift leader whom the case is about; ``off``: one who was switched off
ROLES = (
    "agent", "senior_agent", "dispatcher", "specialist", "complaint_centre", "supervisor", "manager", "quality",
    "auditor", "designer", "admin", "complained", "off",
)  # fmt: skip
#: what is asked → who may; the open task of the case is one for agents, and somebody else holds it for the last four
MAY: dict[str, set[str]] = {
    "start": {"agent", "senior_agent", "complaint_centre", "supervisor", "complained"},
    "claim": {"agent"},
    "complete": {"agent"},
    "assign": {"supervisor", "admin"},
    "reschedule": {"supervisor", "admin"},
    "amend": {"supervisor", "admin"},
    "move_clock": {"supervisor", "admin"},
    "pause": {"agent", "supervisor", "admin"},
    "resume": {"agent", "supervisor", "admin"},
    "release": {"supervisor", "admin"},
    "skip": {"supervisor", "admin"},
    "timer": set(),
    "warn": set(),
    "breach": set(),
    "service_result": set(),
    "incident": set(),
    "erase": set(),
}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The small company with one person of each role, and no more."""
    people = [Person(f"the_{role}", f"某{role}", frozenset({role})) for role in ROLES[:-2]]
    leads = frozenset({"supervisor", "agent"})
    people += [Person("the_complained", "被投诉的班长", leads), Person("the_off", "离职的班长", leads)]
    desk.g.people.add_many([*people, Person("holder", "在办的人", frozenset({"agent"}))], "no password")
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(person).where(person.c.name == "the_off").values(active=0))
    return desk


def asked(desk: Desk, what: str, actor: str, case: str) -> Command:
    """The command ``what`` on a case that is open for it."""
    common: dict[str, Any] = {"case_id": case, "actor": actor, "at": desk.at}
    task = desk.open(case)["call"]
    later = (desk.clock.instant + timedelta(days=40)).isoformat()
    made: dict[str, Callable[[], Command]] = {
        "start": lambda: StartCase(process="work", data=CUSTOMER, actor=actor, at=desk.at),
        "claim": lambda: ClaimTask(task=task, **common),
        "complete": lambda: CompleteTask(task=task, data={"result": "reached"}, **common),
        "assign": lambda: AssignTask(task=task, to="agent2", reason="请假", **common),
        "reschedule": lambda: RescheduleTask(task=task, not_before=later, reason="客户出差", **common),
        "amend": lambda: AmendData(data={"note": "x"}, reason="更正", **common),
        "move_clock": lambda: MoveClock(clock=LIMIT, due=later, reason="客户同意", **common),
        "pause": lambda: PauseClocks(reason="等资料", **common),
        "resume": lambda: ResumeClocks(**common),
        "release": lambda: ReleaseTask(task=task, **common),
        "skip": lambda: CompleteTask(
            task=task, data={"result": "reached"}, skip=("tell",), skipped_by=actor,
            **{**common, "actor": "holder"},
        ),
        "timer": lambda: FireTimer(timer=1, **common),
        "warn": lambda: WarnClock(clock=LIMIT, **common),
        "breach": lambda: BreachClock(clock=LIMIT, **common),
        "service_result": lambda: RecordServiceResult(event="e", state="sent", **common),
        "incident": lambda: NoteIncident(incident="i", action="closed", detail="x", **common),
        "erase": lambda: EraseCase(requested_by="x", reason="y", **common),
    }  # fmt: skip
    return made[what]()


@pytest.mark.parametrize("what", MAY)
def test_each_role_may_give_these_commands_and_no_others(desk: Desk, what: str) -> None:
    allowed = set()
    for role in ROLES:
        start = StartCase(
            process="work", data=CUSTOMER, actor="agent1", at=desk.at, respondent="the_complained"
        )
        case = desk.g.dispatch(start).case_id
        if what in ("release", "skip"):
            desk.claim(case, actor="holder")
        if what == "resume":
            desk.g.dispatch(PauseClocks(case_id=case, reason="等", actor="supervisor1", at=desk.at))
        with suppress(NotAllowed, NotFound):
            desk.g.dispatch(asked(desk, what, f"the_{role}", case))
            allowed.add(role)
    assert allowed == MAY[what]


def test_the_table_names_every_command() -> None:
    assert {*MAY, "skip"} == {*KINDS, "skip"}


def test_who_has_a_task_of_the_case_may_pause_it_whatever_their_role(desk: Desk) -> None:
    case = desk.start()
    with pytest.raises(NotAllowed, match="supervisor, or somebody with a task"):
        desk.g.dispatch(PauseClocks(case_id=case, reason="等资料", actor="auditor1", at=desk.at))
    desk.g.dispatch(PauseClocks(case_id=case, reason="等资料", actor="agent2", at=desk.at))


@pytest.mark.parametrize(
    "written", ["the_complained", "THE_COMPLAINED", "被投诉的班长", "被投诉的班长(白班)"]
)
@pytest.mark.parametrize("how", ["opening", "answer", "correction"])
def test_the_person_complained_about_gives_no_command_however_they_are_written(
    desk: Desk, written: str, how: str
) -> None:
    if "白班" in written:
        desk.g.people.add_many([Person("the_bracketed", written, frozenset({"supervisor", "agent"}))], "x")
    actor = "the_bracketed" if "白班" in written else "the_complained"
    written = written.partition("(")[0] if "白班" in written else written
    start = StartCase(
        process="work",
        data={**CUSTOMER, **({"complained_staff": written} if how == "answer" else {})},
        actor="agent1",
        at=desk.at,
        respondent=written if how == "opening" else None,
    )
    case = desk.g.dispatch(start).case_id
    if how == "correction":
        corrected = AmendData(
            case_id=case, data={"complained_staff": written}, reason="更正", actor="admin1", at=desk.at
        )
        desk.g.dispatch(corrected)
    for what in ("claim", "complete", "assign", "amend", "move_clock", "pause", "skip"):
        with pytest.raises((NotAllowed, NotFound)):
            desk.g.dispatch(asked(desk, what, actor, case))
    given = AssignTask(
        case_id=case, task=desk.open(case)["call"], to=actor, reason="x", actor="admin1", at=desk.at
    )
    with pytest.raises(NotAllowed, match="not involved"):
        desk.g.dispatch(given)


def test_who_held_the_task_before_they_were_named_may_give_it_back(desk: Desk) -> None:
    case = desk.start()
    desk.claim(case, actor="the_complained")
    amended = AmendData(
        case_id=case, data={"complained_staff": "the_complained"}, reason="更正", actor="admin1", at=desk.at
    )
    desk.g.dispatch(amended)
    task = desk.open(case)["call"]
    with pytest.raises(NotAllowed):
        desk.complete(case, actor="the_complained", result="reached")
    desk.g.dispatch(ReleaseTask(case_id=case, task=task, actor="the_complained", at=desk.at))
    with pytest.raises(Rejected):
        desk.g.dispatch(ReleaseTask(case_id=case, task=task, actor="admin1", at=desk.at))
