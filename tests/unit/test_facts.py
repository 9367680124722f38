"""Facts are stored as lists and objects whose bytes never change, and come back as what they were."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import orjson
import pytest

from engine.base.facts import (
    KINDS,
    CaseLinked,
    ClockChanged,
    ClockStarted,
    ClockState,
    DataSet,
    Effects,
    IncidentNoted,
    MessageRequested,
    Moved,
    Recounted,
    Redated,
    ServiceAnswered,
    State,
    TaskClaimed,
    TaskOpened,
    TaskRescheduled,
    TimerArmed,
    parse,
    plain,
)
from engine.case.history import canonical
from engine.queries import sound

T0, T1, T2, T3 = (f"2026-03-02T0{hour}:00:00+00:00" for hour in range(4))

EVERYTHING = Effects(
    moves=[Moved(1, "call", State.READY), Moved(2, "shared/ask", State.CANCELLED)],
    data=[DataSet(1, {"phone": {"~": "c2VhbGVk"}, "tries": 2}, ["old"])],
    opened=[TaskOpened(1, "call", "agent", T1), TaskOpened(2, "ask", "agent/cantonese", None)],
    closed=[7],
    armed=[TimerArmed(3, "late", T2, 1), TimerArmed(4, "week", T3, None)],
    ended=[5],
    claimed=[TaskClaimed(1, "agent1"), TaskClaimed(2, None)],
    clocks=[ClockStarted("c:reply", "reply", T0, T3, [T2], None, None, 1)],
    clock_changes=[
        ClockChanged.at("3", ClockState.WARNED, T1),
        ClockChanged.paused("3", 3600),
        ClockChanged.redated("3", ClockState.RESUMED, Redated(T3, [T2])),
        ClockChanged.redated("c:reply", ClockState.RECOUNTED, Recounted(T2, [], T0, 0)),
    ],
    requests=[
        MessageRequested(
            event="e1", service="sms", to={"~": "dG8="}, template="sorry", text={"~": "dHh0"}, not_before=T1
        )
    ],
    linked=[
        CaseLinked(event="e2", process="revisit", data={}),
        CaseLinked(event="e3", process="revisit", data={"a": 1}, respondent="agent2"),
    ],
    suppressed=["e1"],
    withdrawn=["e0"],
    service=ServiceAnswered("e1", "sent", None),
    rescheduled=[TaskRescheduled(1, T1), TaskRescheduled(2, None)],
    paused={"~": "d2h5"},
    resumed=True,
    amended=[],
    incident=IncidentNoted("i1", "opened"),
    release="ab12",
    erased=True,
    stuck=["wait"],
    done="solved",
)

#: written down by hand: these bytes are in databases
STORED: dict[str, Any] = {
    "moves": [[1, "call", "R"], [2, "shared/ask", "X"]],
    "data": [[1, {"phone": {"~": "c2VhbGVk"}, "tries": 2}, ["old"]]],
    "opened": [[1, "call", "agent", T1], [2, "ask", "agent/cantonese", None]],
    "closed": [7],
    "armed": [[3, "late", T2, 1], [4, "week", T3, None]],
    "ended": [5],
    "claimed": [[1, "agent1"], [2, None]],
    "clocks": [["c:reply", "reply", T0, T3, [T2], None, None, 1]],
    "clock_changes": [
        ["3", "warned", T1],
        ["3", "paused", 3600],
        ["3", "resumed", [T3, [T2]]],
        ["c:reply", "recounted", [T2, [], T0, 0]],
    ],
    "requests": [
        {
            "event": "e1",
            "service": "sms",
            "to": {"~": "dG8="},
            "template": "sorry",
            "text": {"~": "dHh0"},
            "not_before": T1,
            "level": None,
        }
    ],
    "linked": [
        {"event": "e2", "process": "revisit", "data": {}},
        {"event": "e3", "process": "revisit", "data": {"a": 1}, "respondent": "agent2"},
    ],
    "suppressed": ["e1"],
    "withdrawn": ["e0"],
    "service": ["e1", "sent", None],
    "rescheduled": [[1, T1], [2, None]],
    "paused": {"~": "d2h5"},
    "resumed": True,
    "amended": [],
    "incident": ["i1", "opened"],
    "release": "ab12",
    "erased": True,
    "stuck": ["wait"],
    "done": "solved",
}


def test_every_kind_of_fact_is_stored_as_it_always_was() -> None:
    assert plain(EVERYTHING) == STORED
    assert canonical(plain(EVERYTHING)) == canonical(STORED)


def test_every_kind_of_fact_is_shown_here() -> None:
    assert list(STORED) == list(KINDS)


def test_the_words_of_what_became_of_tasks_and_clocks_are_those_of_history() -> None:
    assert {state.name: state.value for state in State} == {
        "WAITING": "W",
        "READY": "R",
        "STARTED": "S",
        "COMPLETED": "C",
        "FAILED": "E",
        "CANCELLED": "X",
    }
    words = ["warned", "breached", "met", "missed", "stopped", "paused", "resumed", "moved", "recounted"]
    assert [(state.name, state.value) for state in ClockState] == [(word.upper(), word) for word in words]
    assert [state.value for state in ClockState if state.redated] == ["resumed", "moved", "recounted"]


@pytest.mark.parametrize(
    "fact",
    [
        ClockChanged.at("3", ClockState.MET, T1),
        ClockChanged.paused("3", 5),
        EVERYTHING.clocks[0],
        EVERYTHING.opened[0],
        EVERYTHING.armed[0],
        EVERYTHING.moves[0],
        EVERYTHING.data[0],
        EVERYTHING.claimed[0],
        EVERYTHING.rescheduled[0],
        EVERYTHING.requests[0],
        EVERYTHING.linked[0],
        EVERYTHING.service,
        EVERYTHING.incident,
        Redated(T1, []),
        Recounted(T1, [], T0, 0),
    ],
    ids=lambda fact: type(fact).__name__,
)
def test_a_fact_does_not_change(fact: msgspec.Struct) -> None:
    with pytest.raises(AttributeError):
        setattr(fact, fact.__struct_fields__[0], "other")


def test_what_was_stored_comes_back_as_it_was() -> None:
    assert parse(orjson.loads(canonical(STORED))) == EVERYTHING


def test_what_did_not_happen_is_left_out() -> None:
    assert plain(Effects()) == {}
    assert parse({}) == Effects()


def test_what_happened_to_a_clock_is_read_by_name() -> None:
    warned, paused, resumed, recounted = EVERYTHING.clock_changes
    assert (warned.instant, paused.remaining) == (T1, 3600)
    assert resumed.now == Redated(T3, [T2])
    assert recounted.now == Recounted(T2, [], T0, 0)
    assert [change.state.redated for change in EVERYTHING.clock_changes] == [False, False, True, True]


def test_a_value_that_json_has_no_form_for_is_not_turned_into_a_text() -> None:
    odd = Effects(data=[DataSet(1, {"amount": Decimal("1.10")}, [])])
    assert plain(odd)["data"][0][1] == {"amount": Decimal("1.10")}
    with pytest.raises(TypeError):
        canonical(plain(odd))


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        ("moves", [1, "call", "Z"]),
        ("moves", [1, "call"]),
        ("moves", [1, "call", "R", 0]),
        ("opened", [1, "call", "agent", "2026-02-30T00:00:00+00:00"]),
        ("armed", [3, "late", "soon", 1]),
        ("clocks", ["3", "reply", T0, "2026-03-02", [], None, None, 0]),
        ("clock_changes", ["3", "resumed", ["later", []]]),
        ("clock_changes", ["3", "recounted", [T2, []]]),
        ("clock_changes", ["3", "paused", T1]),
        ("clock_changes", ["3", "warned", 5]),
        ("requests", {**STORED["requests"][0], "text": 5}),
        ("linked", {"event": "e2", "process": 5, "data": {}}),
        ("claimed", [True, "agent1"]),
    ],
)
def test_of_a_damaged_row_only_what_is_a_fact_is_read(name: str, spoilt: object) -> None:
    good = {"requests": [{**STORED["requests"][0], "text": "您好"}]}.get(name, STORED[name])
    read = sound.effects({name: [spoilt, *good, spoilt]})
    assert plain(read) == {name: good}


@pytest.mark.parametrize(
    ("name", "spoilt"), [("service", ["e1"]), ("done", 5), ("paused", {"~": "x"}), ("moves", 1)]
)
def test_a_damaged_single_fact_is_left_out(name: str, spoilt: object) -> None:
    assert sound.effects({name: spoilt, "stuck": ["wait"]}) == Effects(stuck=["wait"])
