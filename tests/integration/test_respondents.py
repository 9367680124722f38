"""Whom a case complains about is kept beside it: every list leaves the case out, on both databases."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
import sqlalchemy as sa
from alembic import command

from engine.base.errors import NotFound
from engine.case.commands import AmendData, PauseClocks, StartCase
from engine.case.rebuild import differences, rebuild
from engine.case.refresh import refresh
from engine.operations.erasure import erase
from engine.people import respondents
from engine.people.directory import DEMO_PEOPLE, Person, spellings
from engine.queries import board, inbox, notices
from engine.storage.tables import cases, notice, respondent, setting
from engine.storage.upgrade import config, upgrade
from tests.casework import Desk
from tests.erasing import REQUEST

LEAD = next(person for person in DEMO_PEOPLE if person.name == "supervisor1")
ADMIN = next(person for person in DEMO_PEOPLE if person.name == "admin1")


def lists(desk: Desk, person: Person) -> set[str]:
    """Cases that the lists of the work show to ``person``."""
    db = desk.g.db
    found = {row.case_id for row in inbox.work(db, person, "all", desk.at, inbox.Filters()).rows}
    figures = board.figures(db, person, desk.at)
    assert figures.open_cases == len(found) == inbox.counts(db, person, desk.at)["all"]
    return found


def test_a_case_about_me_is_in_no_list_and_in_no_count(any_desk: Desk) -> None:
    mine, free = any_desk.start(complained_staff="王班长"), any_desk.start()
    assert lists(any_desk, LEAD) == {free}
    assert lists(any_desk, ADMIN) == {mine, free}


def test_cases_that_come_of_it_are_hidden_too(any_desk: Desk) -> None:
    parent = any_desk.start()
    child = StartCase(process="work", data={}, actor="system:link", at=any_desk.at, parent=parent)
    number = any_desk.g.dispatch(child).case_id
    assert lists(any_desk, LEAD) == {parent, number}
    named = AmendData(
        case_id=parent,
        data={"complained_staff": "supervisor1"},
        reason="x",
        actor="admin1",
        at=any_desk.at,
    )
    any_desk.g.dispatch(named)
    assert lists(any_desk, LEAD) == set()
    assert respondents.is_about(any_desk.g.db, LEAD, number)


def test_who_is_named_later_where_a_case_comes_from_gives_no_command_on_it_any_more(any_desk: Desk) -> None:
    """What a case was found to be about is kept with it, unless it comes from another."""
    parent = any_desk.start()
    start = StartCase(process="work", data={}, actor="system:link", at=any_desk.at, parent=parent)
    child = any_desk.g.dispatch(start).case_id
    common = {"reason": "x", "at": any_desk.at}
    any_desk.g.dispatch(PauseClocks(case_id=child, actor="supervisor1", **common))
    said = {"complained_staff": "supervisor1"}
    any_desk.g.dispatch(AmendData(case_id=parent, data=said, actor="admin1", **common))
    for case in (parent, child):
        with pytest.raises(NotFound):
            any_desk.g.dispatch(AmendData(case_id=case, data={"note": "x"}, actor="supervisor1", **common))


def test_a_case_is_about_somebody_by_each_of_their_spellings_also_when_its_row_is_lost(desk: Desk) -> None:
    zhang, case = Person("Zhang 1", "Zhang Sаn（白 班）", frozenset({"agent"})), desk.start()
    assert len(spellings(zhang)) == 6, "as many as there can be"
    for written in spellings(zhang):
        who = respondents.digest(desk.g.settings.lookup_key, written)
        with desk.g.db.begin() as c:
            c.execute(sa.delete(respondent))
            c.execute(sa.insert(respondent).values(case_id=case, who=who))
        assert respondents.about(desk.g.db, zhang) == {case}, written
    with desk.g.db.begin() as c:
        c.execute(sa.delete(cases))
    assert respondents.is_about(desk.g.db, zhang, case)


def test_the_rows_come_from_history_and_survive_erasure_without_a_name(any_desk: Desk) -> None:
    case = any_desk.start(complained_staff="王班长、李志强")
    before = any_desk.g.db.rows(sa.select(respondent).order_by(respondent.c.who))
    assert len(before) == 3, "what was written, and each of the two"
    assert not any("王" in row.who for row in before)
    assert differences(any_desk.g, case) == []
    with any_desk.g.db.begin() as c:
        c.execute(sa.delete(respondent))
    assert differences(any_desk.g, case) == ["respondent: 3 rows differ"]
    assert dict(rebuild(any_desk.g)) == {case: None}
    assert any_desk.g.db.rows(sa.select(respondent).order_by(respondent.c.who)) == before


def test_a_notice_of_it_rings_no_bell(any_desk: Desk) -> None:
    case, free = any_desk.start(complained_staff="supervisor1"), any_desk.start()
    row = {"case_id": case, "role": "supervisor", "text": "x", "at": any_desk.at, "level": "info"}
    with any_desk.g.db.begin() as c:
        c.execute(sa.insert(notice).values(row))
        c.execute(sa.insert(notice).values({**row, "case_id": None}))
        c.execute(sa.insert(notice).values({**row, "case_id": free}))
    assert notices.unread(any_desk.g.db, LEAD) == 2
    assert {one.cases for one in notices.latest(any_desk.g.db, LEAD)} == {(), (free,)}


def test_an_older_database_learns_from_its_history_who_is_named(any_desk: Desk) -> None:
    start = StartCase(process="work", data={}, actor="agent1", at=any_desk.at, respondent="agent2")
    case = any_desk.g.dispatch(start).case_id
    later = (any_desk.clock.instant + timedelta(seconds=1)).isoformat()
    amended = AmendData(
        case_id=case, data={"complained_staff": "王班长"}, reason="x", actor="admin1", at=later
    )
    any_desk.g.dispatch(amended)
    before = any_desk.g.db.rows(sa.select(respondent).order_by(respondent.c.who))
    assert len(before) == 2
    with any_desk.g.db.begin() as connection:
        command.downgrade(config(connection), "0009")
    upgrade(any_desk.g.db)
    as_of_the_first_version(any_desk)
    refresh(any_desk.g)
    assert any_desk.g.db.rows(sa.select(respondent).order_by(respondent.c.who)) == before


def as_of_the_first_version(desk: Desk) -> None:
    """Let the database hold the read models of the version before names were kept under a key."""
    with desk.g.db.begin() as c:
        c.execute(sa.update(setting).where(setting.c.key == "read-models").values(value="1"))


def kept(desk: Desk, case: str) -> set[str]:
    """Whom a case is remembered to name."""
    return {row[0] for row in desk.g.db.rows(sa.select(respondent.c.who).where(respondent.c.case_id == case))}


def closed_case(desk: Desk, **data: str) -> str:
    case = desk.start(**data)
    desk.complete(case, result="reached")
    desk.send()
    return case


def test_nobody_can_try_names_without_the_key_of_the_installation(any_desk: Desk) -> None:
    case = any_desk.start(complained_staff="王班长")
    (who,) = kept(any_desk, case)
    assert hashlib.sha256("respondent:王班长".encode()).hexdigest() not in who
    assert who == respondents.digest(any_desk.g.settings.lookup_key, "王班长")
    assert who != respondents.digest(b"k" * 32, "王班长")


def test_erasure_forgets_whom_no_account_fits_and_keeps_accounts_off(any_desk: Desk) -> None:
    case, other = (closed_case(any_desk, complained_staff=f"王班长、{name}") for name in ("老马", "小李"))
    assert len(kept(any_desk, case)) == 3
    erase(any_desk.g, [case], REQUEST)
    assert kept(any_desk, case) == {respondents.digest(any_desk.g.settings.lookup_key, "王班长")}
    assert respondents.about(any_desk.g.db, LEAD) == {case, other}
    assert len(kept(any_desk, other)) == 3


def test_what_was_kept_without_a_key_is_kept_with_it_after_an_upgrade(any_desk: Desk) -> None:
    erased, living = (closed_case(any_desk, complained_staff="王班长、快递员老马") for _ in range(2))
    before = kept(any_desk, living)
    erase(any_desk.g, [erased], REQUEST)
    old = ["王班长", "快递员老马", "王班长、快递员老马"]
    rows = [
        {"case_id": case, "who": hashlib.sha256(f"respondent:{name}".encode()).hexdigest()}
        for case in (erased, living)
        for name in old
    ]
    with any_desk.g.db.begin() as c:
        c.execute(sa.delete(respondent))
        c.execute(sa.insert(respondent), rows)
    as_of_the_first_version(any_desk)
    refresh(any_desk.g)
    assert kept(any_desk, living) == before
    assert kept(any_desk, erased) == {respondents.digest(any_desk.g.settings.lookup_key, "王班长")}
    assert respondents.about(any_desk.g.db, LEAD) == {erased, living}


def test_an_upgrade_that_was_broken_off_goes_on_where_names_have_their_key_already(any_desk: Desk) -> None:
    case = any_desk.start()
    of_old = respondents.unkeyed("王班长")
    with any_desk.g.db.begin() as c:
        c.execute(sa.insert(respondent).values(case_id=case, who=of_old))
    keyed = respondents.digest(any_desk.g.settings.lookup_key, "王班长")
    for _ in range(2):
        respondents.bring_over(any_desk.g.db, [LEAD])
        assert kept(any_desk, case) == {of_old, keyed}
    respondents.drop_unkeyed(any_desk.g.db)
    assert kept(any_desk, case) == {keyed}


def test_those_of_some_people_whom_a_case_complains_about_are_named(desk: Desk) -> None:
    case, other = desk.start(complained_staff="王班长"), desk.start()
    assert respondents.among(desk.g.db, case, lambda: [LEAD, ADMIN]) == {"supervisor1"}
    assert respondents.among(desk.g.db, case, lambda: [ADMIN]) == set()
    assert respondents.among(desk.g.db, other, lambda: [LEAD, ADMIN]) == set()
