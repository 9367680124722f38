"""Duties as history writes them, lanes as roles.json gives them, and names as people write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.base.errors import InvalidFile
from engine.people.directory import Person, folded, spellings
from engine.people.respondents import digest, named
from engine.people.roles import Assignment, Roles, load_roles


@pytest.mark.parametrize(
    ("duty", "word"),
    [
        (Assignment("agent"), "agent"),
        (Assignment("agent", "yue"), "agent/yue"),
        (Assignment("specialist", department="om"), "specialist//om"),
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
    for data in ({"place": "billing"}, {"place": 7}, {}, {"department": "om"}):
        assert lane.in_case(data, departments) == Assignment("specialist", "yue", None)
    fixed = Assignment("specialist", department="om")
    assert fixed.in_case({"place": "vas"}, departments) is fixed


def roles(lanes: Any, names: Any = None) -> Roles:
    file = {"roles": names or {"agent": {"name": {"en": "Agent"}}, "system": {}}, "lanes": lanes}
    return load_roles(json.dumps(file).encode())


def test_a_file_of_roles_gives_names_lanes_and_departments() -> None:
    found = roles(
        {
            "坐席": {"role": "agent", "name_en": "Desk", "name_zh_Hant_HK": "客服"},
            "运维": {"role": "agent", "skill": "yue", "department": "om", "department_of": "place"},
            "谁打来": {"role": "caller"},
        }
    )
    assert found.names == {"agent": {"en": "Agent"}, "system": {}}
    assert found.held == {"agent"}, "nobody holds that of the software"
    assert found.departments == {"om"}
    assert found.lanes == {
        "坐席": Assignment("agent"),
        "运维": Assignment("agent", "yue", "om", "place"),
        "谁打来": Assignment("caller"),
    }
    assert found.lane_names["坐席"] == {"zh-Hans": "坐席", "en": "Desk", "zh-Hant-HK": "客服"}
    assert found.lane_names["谁打来"] == {"zh-Hans": "谁打来"}
    assert found.assignment("运维") == Assignment("agent", "yue", "om", "place")
    assert found.assignment(None) == found.assignment("nowhere") == Assignment("agent")


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ([], "must have the objects"),
        ({"lanes": {}}, "must have the objects"),
        ({"roles": {}}, "must have the objects"),
        ({"roles": [], "lanes": {}}, "must have the objects"),
        ({"roles": {"agent": 1}, "lanes": {}}, "role 'agent' must be an object"),
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
    assert written == {"zhang1", "张三 (白班)", "张三"}
    assert folded("  Ｚhang1 ") == "zhang1"


def test_several_names_in_one_answer_are_each_named_and_the_whole_of_it() -> None:
    assert named("张三、李四", None, ["王五", "Bob; bob"]) == {
        "张三、李四",
        "张三",
        "李四",
        "王五",
        "bob; bob",
        "bob",
    }
    assert named("张三和李四") == {"张三和李四", "张三", "李四"}
    assert named(None, 7, "", " ") == set()


def test_what_is_kept_of_a_name_depends_on_the_key_and_the_name() -> None:
    kept = {digest(key, name) for key in (b"a", b"b") for name in ("zhang1", "zhang2")}
    assert len(kept) == 4
    assert all(one.startswith("k:") and "zhang" not in one for one in kept)
