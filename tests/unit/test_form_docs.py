"""docs/forms.md describes the format completely, and its example works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.forms import Form
from engine.forms.loading import FIELD_KEYS, FORM_KEYS, OPTION_KEYS, RULE_KEYS, SCHEMA_KEYS, WIDGETS
from engine.forms.messages import CATALOGUE
from engine.forms.names import FORM_FUNCTIONS

GUIDE = (Path(__file__).parents[2] / "docs" / "forms.md").read_text("utf-8")
WORDS = set(re.findall(r"`([A-Za-z_]+)(?:\(.*?\))?`", GUIDE))


@pytest.mark.parametrize(
    "words",
    [
        FORM_KEYS,
        FIELD_KEYS,
        OPTION_KEYS,
        RULE_KEYS,
        SCHEMA_KEYS,
        set(WIDGETS),
        FORM_FUNCTIONS,
        set(CATALOGUE),
    ],
    ids=["form", "field", "option", "rule", "schema", "widgets", "functions", "codes"],
)
def test_every_key_is_described(words: set[str]) -> None:
    assert words - WORDS == set()


def test_the_example_is_a_form_that_works() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    form = Form.load(example.encode(), "forms/refund_check.json")
    now = "2026-02-13T08:00:00+00:00"
    context = {"disputed_amount": 1990}
    assert form.initial(context, now) == {"refund_amount": 1990}
    assert form.validate({"remedy": "none", "refund_amount": 5}, context=context, now=now) == {
        "remedy": "none"
    }
    _, errors = form.check({"remedy": "refund", "refund_amount": 2000}, context=context, now=now)
    assert [error.field for error in errors] == ["refund_amount"]
