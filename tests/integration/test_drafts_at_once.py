"""Two windows of one person keep their first draft at the same moment: neither fails, on both databases."""

from __future__ import annotations

from functools import partial

import pytest

from engine.base.errors import Conflict
from engine.queries import drafts
from engine.queries.drafts import DiagramDraft
from tests.casework import Desk
from tests.threads import together

WINDOWS, ROUNDS = 6, 15


def test_first_drafts_of_a_form_at_once_leave_one(any_desk: Desk) -> None:
    case = any_desk.start()
    for task in range(ROUNDS):
        saves = [
            partial(drafts.save_form, any_desk.g.db, case, task, "agent1", [("note", str(n))], any_desk.at)
            for n in range(WINDOWS)
        ]
        assert together(*saves) == [None] * WINDOWS
        kept = drafts.form(any_desk.g.db, case, task, "agent1")
        assert kept is not None
        assert kept.pairs[0][0] == "note"
    assert any_desk.values("SELECT count(*) FROM draft") == [ROUNDS]


def test_of_first_drafts_of_a_form_at_once_one_stays_and_the_others_are_told(any_desk: Desk) -> None:
    case, db = any_desk.start(), any_desk.g.db
    for task in range(ROUNDS):
        typed = [[("note", str(n))] for n in range(WINDOWS)]
        done = together(
            *(partial(drafts.save_form, db, case, task, "agent1", one, any_desk.at, "") for one in typed)
        )
        assert [type(one) for one in done].count(Conflict) == WINDOWS - 1
        kept = drafts.form(db, case, task, "agent1")
        assert kept is not None
        assert kept.pairs == typed[done.index(None)]


def test_a_draft_that_the_window_knows_is_replaced_and_another_is_not(any_desk: Desk) -> None:
    case, db = any_desk.start(), any_desk.g.db
    first, second = [("note", "a")], [("note", "b")]
    drafts.save_form(db, case, 1, "agent1", first, any_desk.at, "")
    drafts.save_form(db, case, 1, "agent1", first, any_desk.at, "")  # the same text is no conflict
    drafts.save_form(db, case, 1, "agent1", second, any_desk.at, drafts.version(first))
    with pytest.raises(Conflict, match="another window"):
        drafts.save_form(db, case, 1, "agent1", [("note", "c")], any_desk.at, drafts.version(first))
    assert any_desk.values("SELECT body FROM draft") == ['[["note","b"]]']


def test_an_empty_form_forgets_the_draft(any_desk: Desk) -> None:
    case = any_desk.start()
    for pairs in ([("note", "a")], [("note", "b")]):
        drafts.save_form(any_desk.g.db, case, 1, "agent1", pairs, any_desk.at)
    assert any_desk.values("SELECT body FROM draft") == ['[["note","b"]]']
    drafts.save_form(any_desk.g.db, case, 1, "agent1", [], any_desk.at)
    assert any_desk.values("SELECT count(*) FROM draft") == [0]


@pytest.mark.parametrize("seen", [None, ""])
def test_first_drafts_of_a_diagram_at_once_leave_one(any_desk: Desk, seen: str | None) -> None:
    """Who had seen that there was none is told of the other one, and replaces nothing."""
    for number in range(ROUNDS):
        path = f"bpmn/{number}.bpmn"
        made = [DiagramDraft(path, "designer1", b"%d" % n, 1, any_desk.at) for n in range(WINDOWS)]
        done = together(*(partial(drafts.save_diagram, any_desk.g.db, one, seen) for one in made))
        kept = drafts.diagram(any_desk.g.db, path, "designer1")
        if seen is None:
            assert done == [None] * WINDOWS
            assert kept in made
        else:
            assert [type(one) for one in done].count(Conflict) == WINDOWS - 1
            assert kept == made[done.index(None)]
