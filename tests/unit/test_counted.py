"""What reports count is marked in the forms; releases from before the marks count as they always did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.base.errors import InvalidFile
from engine.base.settings import CHECKOUT
from engine.forms import Form
from engine.forms.model import Counts, Mark
from engine.release.counted import UNMARKED
from engine.release.release import Release

TEXT = {"zh-Hans": "文", "zh-Hant-HK": "文", "en": "text"}


def form(**field: object) -> bytes:
    asked = {"name": "closing", "label": TEXT, "widget": "text", **field}
    return json.dumps({"key": "one", "title": TEXT, "source": "seed 000:7", "fields": [asked]}).encode()


def shipped() -> Release:
    paths = [path for folder in ("bpmn", "forms") for path in Path(CHECKOUT / folder).rglob("*.*")]
    return Release(1, {path.relative_to(CHECKOUT).as_posix(): path.read_bytes() for path in paths})


def test_the_marks_of_the_shipped_forms_count_what_was_counted_before_there_were_marks() -> None:
    """So that the facts of a case are the same whichever of the two its release has."""
    found = shipped().counted
    assert found is not UNMARKED
    assert found == UNMARKED


def test_a_release_without_marks_counts_by_the_old_list() -> None:
    assert Release(1, {"forms/one.json": form()}).counted is UNMARKED


def test_a_release_with_marks_counts_only_by_them() -> None:
    found = Release(1, {"forms/one.json": form(report=True)}).counted
    assert found.asked == {"closing"}
    assert found.decided == {"triage_category"}
    assert (found.given, found.rows) == (frozenset(), {})


@pytest.mark.parametrize(
    ("field", "mark"),
    [
        ({"report": True}, Mark(Counts.ASKED)),
        ({"report": "decided"}, Mark(Counts.DECIDED)),
        ({"report": "given", "personal": True}, Mark(Counts.GIVEN)),
        (
            {
                "report": {"count": "defect", "as": "defects"},
                "widget": "rows",
                "fields": [{"name": "defect", "label": TEXT, "widget": "text"}],
            },
            Mark(Counts.ROWS, "defect", "defects"),
        ),
        ({}, None),
    ],
)
def test_marks_are_read(field: dict[str, object], mark: Mark | None) -> None:
    assert Form.load(form(**field), "forms/one.json").fields[0].report == mark


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ({"report": "often"}, "is 'often'"),
        ({"report": True, "personal": True}, "counts a personal answer"),
        ({"report": "given"}, "keeps only that something was given"),
        ({"report": True, "widget": "file"}, "means nothing for file"),
        ({"report": True, "widget": "readonly"}, "means nothing for readonly"),
        (
            {
                "report": {"count": "none", "as": "defects"},
                "widget": "rows",
                "fields": [{"name": "defect", "label": TEXT, "widget": "text"}],
            },
            "a column of it",
        ),
    ],
)
def test_a_mark_that_would_count_nothing_or_what_is_personal_is_refused(
    field: dict[str, object], problem: str
) -> None:
    with pytest.raises(InvalidFile, match=problem):
        Form.load(form(**field), "forms/one.json")
