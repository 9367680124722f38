"""Duties as history writes them, lanes as roles.json gives them, and names as people write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from engine.base.errors import InvalidFile, NotAllowed
from engine.base.settings import CHECKOUT
from engine.people.directory import Person, spellings
from engine.people.respondents import digest, named, unkeyed
from engine.people.roles import Assignment, Roles, load_roles
from engine.people.rules import check_lead, check_open, check_work, fits, in_quiet_hours
from engine.people.spelling import folded
from engine.queries import inbox
from engine.sla.parameters import load_parameters
from engine.sla.time_rules import TimeRules

ROLES = (
    "agent", "senior_agent", "dispatcher", "specialist", "complaint_centre", "supervisor", "manager", "quality",
    "auditor", "designer", "admin",
)  # fmt: skip


def holder(role: str) -> Person:
    """Somebody with this role and no other."""
    return Person(role, role, frozenset({role}))


@pytest.mark.parametrize(
    ("duty", "word"),
    [
        (Assignment("agent"), "agent"),
        (Assignment("agent", "yue"), "agent/yue"),
        (Assignment("specialist", department="box"), "specialist//box"),
        (Assignment("agent", "yue", "om"), "agent/yue/om"),
    ],
)
def test_a_duty_is_one_word_of_history(duty: Assignment, word: str) -> None:
    assert duty.word == word
    assert Assignment.parse(word) == duty


def test_a_lane_of_whichever_department_is_that_of_the_case() -> None:
    lane = Assignment("specialist", "yue", None, "place")
    departments = {"om", "vas"}
    assert lane.in_case({"place": "om"}, departments) == Assignment("specialist", "yue", "om")
    for data in ({"place": "billing"}, {"place": 7}, {"place": ["om"]}, {}, {"department": "om"}):
        assert lane.in_case(data, departments) == Assignment("specialist", "yue", None)
    fixed = Assignment("specialist", department="om")
    assert fixed.in_case({"place": "vas"}, departments) is fixed


AGENT, YUE = frozenset({"agent"}), frozenset({"yue"})


@pytest.mark.parametrize(
    ("duty", "person", "fit"),
    [
        (Assignment("agent"), Person("p", "p", AGENT), True),
        (Assignment("agent"), Person("p", "p", AGENT, YUE, frozenset({"om"})), True),
        (Assignment("agent"), Person("p", "p", frozenset({"specialist"}), YUE), False),
        (Assignment("agent", skill="yue"), Person("p", "p", AGENT, YUE), True),
        (Assignment("agent", skill="yue"), Person("p", "p", AGENT), False),
        (Assignment("agent", skill="yue"), Person("p", "p", AGENT, departments=YUE), False),
        (Assignment("agent", department="om"), Person("p", "p", AGENT, departments=frozenset({"om"})), True),
        (
            Assignment("agent", department="om"),
            Person("p", "p", AGENT, departments=frozenset({"vas"})),
            False,
        ),
        (Assignment("agent", department="om"), Person("p", "p", AGENT, frozenset({"om"})), False),
        (Assignment("agent", "yue", "om"), Person("p", "p", AGENT, YUE, frozenset({"om"})), True),
        (Assignment("agent", "yue", "om"), Person("p", "p", AGENT, YUE), False),
        (Assignment("agent", "yue", "om"), Person("p", "p", AGENT, departments=frozenset({"om"})), False),
    ],
)
def test_a_duty_fits_who_has_all_that_it_asks_for(duty: Assignment, person: Person, fit: bool) -> None:
    assert fits(person, duty) is fit
    assert Assignment.parse(duty.word) == duty


def test_all_open_work_is_listed_for_those_who_steer_it() -> None:
    steers = {"supervisor", "manager", "admin", "complaint_centre", "quality"}
    assert {role for role in ROLES if inbox.steers(holder(role))} == steers
    assert {role for role in ROLES if inbox.tabs_of(holder(role))[-1] == "all"} == steers
    assert inbox.tabs_of(holder("agent")) == ("mine", "queues", "soon", "overdue")


def roles(lanes: Any, names: Any = None) -> Roles:
    file = {"roles": names or {"agent": {"name": {"en": "Agent"}}, "system": {}}, "lanes": lanes}
    return load_roles(json.dumps(file).encode())


def test_a_file_of_roles_gives_names_lanes_and_departments() -> None:
    found = roles(
        {
            "坐席": {"role": "agent", "name_en": "Desk", "name_zh_Hant_HK": "客服"},
            "运维": {"role": "agent", "skill": "yue", "department": "om", "department_of": "place"},
            "谁打来": {"role": "caller", "skill": None},
            "x": {"role": "caller"},
        }
    )
    assert found.names == {"agent": {"en": "Agent"}, "system": {}}
    assert found.held == {"agent"}, "nobody holds that of the software"
    assert found.departments == {"om"}
    assert found.lanes == {
        "坐席": Assignment("agent"),
        "运维": Assignment("agent", "yue", "om", "place"),
        "谁打来": Assignment("caller"),
        "x": Assignment("caller"),
    }
    assert found.lane_names["坐席"] == {"zh-Hans": "坐席", "en": "Desk", "zh-Hant-HK": "客服"}
    assert found.lane_names["谁打来"] == {"zh-Hans": "谁打来"}
    assert found.assignment("运维") == Assignment("agent", "yue", "om", "place")
    assert found.assignment(None) == found.assignment("nowhere") == Assignment("agent")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ([], "bpmn/roles.json: must have the objects"),
        ({"lanes": {}}, "must have the objects"),
        ({"roles": {}}, "must have the objects"),
        ({"roles": [], "lanes": {}}, "must have the objects"),
        ({"roles": {"agent": 1}, "lanes": {}}, "role 'agent' must be an object"),
        ({"roles": {"agent": {}, "boss": 1}, "lanes": {}}, "role 'boss' must be an object"),
        ({"roles": {"agent": {"name": "Agent"}}, "lanes": {}}, "role 'agent' must be an object"),
        ({"roles": {"agent": {}}, "lanes": {"a": 1}}, "lane 'a' must be an object of texts"),
        (
            {"roles": {"agent": {}}, "lanes": {"a": {"role": "agent", "skill": 1}}},
            "lane 'a' must be an object",
        ),
        ({"roles": {"agent": {}}, "lanes": {"a": {"role": "boss"}}}, "unknown role 'boss'"),
        ({"roles": {"agent": {}}, "lanes": {"a": {}}}, "unknown role ''"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(file: Any, said: str) -> None:
    with pytest.raises(InvalidFile, match=said):
        load_roles(json.dumps(file).encode())


# ---------------------------------------------------------------- names
def test_a_person_may_be_written_in_these_ways() -> None:
    written = spellings(Person("ZHANG1", "张三 （白班）", frozenset()))
    assert written == {"zhang1", "张三 (白班)", "张三(白班)", "张三"}
    assert folded("  Ｚhang1 ") == "zhang1"


def test_several_names_in_one_answer_are_each_named_and_the_whole_of_it() -> None:
    assert named("张三、李四", None, ["王五", "Bob; bob"]) == {
        "张三、李四",
        "张三",
        "李四",
        "王五",
        "bob; bob",
        "bob;bob",
        "bob",
    }
    assert named("张三和李四") == {"张三和李四", "张三", "李四"}
    assert named(None, 7, "", " ") == set()


@pytest.mark.parametrize("between", [" ", "、", "，", ",", "; ", "；", "/", "&", "和", "及", "与", "與"])
def test_names_are_told_apart_whatever_stands_between_them(between: str) -> None:
    assert named(f"张三{between}李四") >= {folded(f"张三{between}李四"), "张三", "李四"}


def test_names_are_kept_in_the_form_that_databases_hold() -> None:
    """HMAC-SHA-256 under the look-up key of the installation, and what the first version kept."""
    kept = "12ec1183dd59ea4186e7393565d8798ab91a89d71c330d6d6bc24f635c4cb1f1"
    assert digest(b"key", "王班长") == f"k:{kept}"
    assert unkeyed("王班长") == "3a95846a140bb57425d5ee3d2873ef8f40dd0685eda16dedac9194f280d235ed"


def test_what_is_kept_of_a_name_depends_on_the_key_and_the_name() -> None:
    kept = {digest(key, name) for key in (b"a", b"b") for name in ("zhang1", "zhang2")}
    assert len(kept) == 4
    assert all(one.startswith("k:") and "zhang" not in one for one in kept)


# ---------------------------------------------------------------- what each role may, beside their own work
def may(check: Callable[[Person], None]) -> set[str]:
    found = set()
    for role in ROLES:
        with suppress(NotAllowed):
            check(holder(role))
            found.add(role)
    return found


def test_these_roles_lead_and_these_open_cases() -> None:
    assert may(check_lead) == {"supervisor", "admin"}
    assert may(check_open) == {"agent", "senior_agent", "supervisor", "complaint_centre"}


def test_work_is_for_who_is_active_fit_and_not_involved() -> None:
    duty = Assignment("agent", "yue", "om")
    fit = Person("p", "p", AGENT, YUE, frozenset({"om"}))
    check_work(fit, duty, {"q"})
    with pytest.raises(NotAllowed, match="not involved in the case, but p is"):
        check_work(fit, duty, {"p", "q"})
    with pytest.raises(NotAllowed, match="duty agent om yue, but p does not"):
        check_work(replace(fit, skills=frozenset()), duty, ())
    with pytest.raises(NotAllowed, match="p is switched off"):
        check_work(replace(fit, active=False), duty, ())


# ---------------------------------------------------------------- calls at night
@pytest.mark.parametrize(
    ("started", "planned", "agreed", "quiet"),
    [
        ("2026-03-02T14:00:00+00:00", None, None, True),  # ten in the evening
        ("2026-03-02T12:59:59+00:00", None, None, False),
        ("2026-03-02T13:00:00+00:00", None, None, True),
        ("2026-03-02T01:00:00+00:00", None, None, False),
        ("2026-03-02T00:59:59+00:00", None, None, True),
        ("2026-03-02T14:00:00+00:00", None, True, False),
        ("2026-03-02T14:00:00+00:00", "2026-03-02T13:50:00+00:00", None, False),
        ("2026-03-02T14:00:00+00:00", "2026-03-02T10:00:00+00:00", None, True),
    ],
)
def test_a_customer_is_called_at_night_only_as_agreed(
    started: str, planned: str | None, agreed: object, *, quiet: bool
) -> None:
    parameters = load_parameters((CHECKOUT / "bpmn" / "decisions" / "sla.dmn").read_bytes())
    time = TimeRules(parameters, TimeRules.empty().calendar)
    assert in_quiet_hours(started, planned, agreed, time) is quiet
