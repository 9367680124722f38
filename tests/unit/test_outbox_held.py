"""Which differences of an outbox from its history are faults: by column, and by state, written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from engine.case.outbox_held import faults

ENTRY: dict[str, Any] = {
    "case_id": "1", "seq": 2, "kind": "sms", "key": "e", "template": "t", "recipient": "138", "body": "text",
    "created_at": "01", "not_before": "02", "sent_at": None, "state": "pending", "attempts": 0, "next_at": "02",
    "result": None, "lease": None, "received": None,
}  # fmt: skip
#: the state that history gives → the states in which the entry may be found meanwhile
MAY_BE = {
    "pending": {"pending", "sending"},
    "sent": {"sent"},
    "failed": {"failed", "pending", "sending"},
    "unknown": {"unknown", "pending", "sending"},
    "withdrawn": {"withdrawn", "sending"},
}
STATES = ("pending", "sending", "sent", "failed", "unknown", "withdrawn", "cancelled")


def said(there: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    return list(faults({"1/e": {**ENTRY, **there}}, {"1/e": {**ENTRY, **asked}}))


def test_the_same_is_no_fault() -> None:
    assert said({}, {}) == []
    assert list(faults({}, {})) == []


@pytest.mark.parametrize(
    "column",
    ["case_id", "seq", "kind", "key", "template", "recipient", "body", "created_at", "not_before", "sent_at"],
)
def test_each_column_that_history_says_is_compared(column: str) -> None:
    assert said({column: "other"}, {}) == [f"outbox: 1/e: {column} is not what the history says"]


@pytest.mark.parametrize("asked", MAY_BE)
def test_each_state_may_be_beside_these_and_no_others(asked: str) -> None:
    found = {state for state in STATES if not said({"state": state, "attempts": 1}, {"state": asked})}
    assert found == MAY_BE[asked]
    assert said({"state": "cancelled"}, {"state": asked}) == [
        f"outbox: 1/e: it is cancelled, and by the history {asked}"
    ]


def test_what_waits_untried_waits_for_the_instant_of_the_history() -> None:
    waits = ["outbox: 1/e: it waits for another instant than the history says"]
    assert said({"next_at": "03"}, {}) == waits
    assert said({"next_at": "03", "attempts": 1}, {}) == [], "a gateway wanted it later"
    assert said({"next_at": "03", "state": "sending"}, {}) == []


def test_an_answer_is_that_of_the_history_unless_it_is_tried_again() -> None:
    wrong = ["outbox: 1/e: result is not what the history says"]
    for state in ("sent", "failed", "unknown"):
        assert said({"state": state, "result": "x", "attempts": 2}, {"state": state, "result": "y"}) == wrong
    assert said({"result": "x"}, {}) == wrong, "nobody tried it"
    assert said({"result": "x", "attempts": 1}, {}) == [], "why it was put off"
    assert said({"state": "sending", "result": "x", "attempts": 1}, {"state": "failed", "result": "y"}) == []


def test_entries_that_are_gone_or_that_nobody_asked_for_are_named_in_order() -> None:
    found = list(faults({"b": ENTRY, "c": ENTRY}, {"c": ENTRY, "a": ENTRY}))
    assert found == ["outbox: a is gone", "outbox: b was never asked for"]
