"""Commands as plain data and back: every field by its name, and nothing that a command leaves open."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from engine.case import commands as c
from engine.case.commands import Command, parse, to_plain
from engine.case.history import canonical

AT = "2026-03-02T01:00:00+00:00"
OF: dict[str, Any] = {"case_id": "260302-00001-8", "actor": "agent1", "at": AT, "key": "k"}
#: a command with everything that it can have → what history keeps of it beside its kind, instant and actor
EVERY: list[tuple[Command, dict[str, Any]]] = [
    (
        c.StartCase(
            process="work", data={"b": 1, "a": 2}, external_id="x7", respondent="bob", parent="9", **OF
        ),
        {
            "data": {"b": 1, "a": 2},
            "process": "work",
            "external_id": "x7",
            "respondent": "bob",
            "parent": "9",
        },
    ),
    (c.ClaimTask(task=3, **OF), {"task": 3}),
    (c.ReleaseTask(task=3, **OF), {"task": 3}),
    (c.AssignTask(task=3, to="bob", reason="why", **OF), {"task": 3, "to": "bob", "reason": "why"}),
    (
        c.RescheduleTask(task=3, not_before="later", reason="why", **OF),
        {"task": 3, "not_before": "later", "reason": "why"},
    ),
    (
        c.CompleteTask(task=3, data={"z": 1}, skip=("a", "b"), skipped_by="bob", cleared=("y",), **OF),
        {"skip": ("a", "b"), "skipped_by": "bob", "data": {"z": 1}, "task": 3, "cleared": ("y",)},
    ),
    (
        c.FireTimer(timer=4, skip=("a",), skipped_by="bob", **OF),
        {"skip": ("a",), "skipped_by": "bob", "timer": 4},
    ),
    (c.WarnClock(clock="7", **OF), {"clock": "7"}),
    (c.BreachClock(clock="7", **OF), {"clock": "7"}),
    (c.PauseClocks(reason="why", **OF), {"reason": "why"}),
    (c.ResumeClocks(**OF), {}),
    (
        c.MoveClock(clock="7", due="later", reason="why", **OF),
        {"clock": "7", "due": "later", "reason": "why"},
    ),
    (c.AmendData(data={"z": 1}, reason="why", **OF), {"data": {"z": 1}, "reason": "why"}),
    (
        c.RecordServiceResult(event="e", state="sent", detail="ok", **OF),
        {"event": "e", "state": "sent", "detail": "ok"},
    ),
    (
        c.NoteIncident(incident="i", action="closed", detail="ok", **OF),
        {"incident": "i", "action": "closed", "detail": "ok"},
    ),
    (c.EraseCase(requested_by="bob", reason="why", **OF), {"requested_by": "bob", "reason": "why"}),
]


@pytest.mark.parametrize(("command", "own"), EVERY, ids=[command.kind for command, _ in EVERY])
def test_history_keeps_what_a_command_says(command: Command, own: dict[str, Any]) -> None:
    plain = to_plain(command)
    expected = {"type": command.kind, "at": AT, "actor": "agent1", **own}
    assert canonical(plain) == canonical(expected)
    again = parse({**plain, "case_id": command.case_id, "key": command.key})
    assert again == command


def test_every_kind_of_command_is_shown_here() -> None:
    assert [command.kind for command, _ in EVERY] == list(c.KINDS)


def test_what_a_command_leaves_open_is_not_written() -> None:
    plain = to_plain(c.CompleteTask(task=3, data={}, actor="agent1", at=AT))
    assert plain == {"type": "complete", "at": AT, "actor": "agent1", "data": {}, "task": 3}
    assert to_plain(c.RescheduleTask(task=3, reason="", actor="a", at=AT)) == {
        "type": "reschedule",
        "at": AT,
        "actor": "a",
        "task": 3,
        "reason": "",
    }


@pytest.mark.parametrize(
    ("plain", "error"),
    [
        ({"type": "nonsense"}, LookupError),
        ({"type": "claim", "at": AT, "actor": "a", "task": "three"}, ValueError),
        ({"type": "claim", "at": AT, "actor": "a"}, ValueError),
    ],
)
def test_what_no_command_says_is_refused(plain: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        parse(plain)


def test_who_gives_what_time_and_gateways_issue() -> None:
    assert (c.CLOCK, c.OUTBOX) == ("system:clock", "system:outbox")
    since = {kind: command.since for kind, command in c.KINDS.items() if command.since > 1}
    assert since == {"reschedule": 2, "erase": 4}


def test_data_is_copied_into_what_history_keeps() -> None:
    given = MappingProxyType({"a": 1})
    kept = to_plain(c.AmendData(data=given, reason="x", actor="a", at=AT))["data"]
    assert type(kept) is dict
    assert kept == {"a": 1}
