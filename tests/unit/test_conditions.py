"""The plain condition language decides exactly as Python would, and nothing more than plain gets in."""

from __future__ import annotations

import ast
import contextlib
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bpmn.conditions import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_NODES,
    BadCondition,
    ConditionFailed,
    MissingName,
    NotPlain,
    compile_condition,
)

NAMES = ["a", "b", "c", "rows"]
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "size": len,
    "first": operator.itemgetter(0),
    "never": lambda: None,
}
constants = st.one_of(
    st.none(), st.booleans(), st.integers(-99, 99), st.floats(-9, 9), st.text("xyz", max_size=3)
).map(repr)
atoms = st.one_of(constants, st.sampled_from(NAMES))


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    compared = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
    return st.one_of(
        st.tuples(inner, compared, inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, compared, inner, compared, inner).map(lambda t: f"({' '.join(t)})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(atoms, st.sampled_from("+-"), atoms).map(lambda t: f"({' '.join(t)})"),
        st.tuples(inner, st.sampled_from(["is None", "is not None", "is True"])).map(
            lambda t: f"({' '.join(t)})"
        ),
        inner.map(lambda text: f"(not {text})"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: f"({', '.join(items)},)"),
        st.tuples(st.sampled_from(NAMES), st.sampled_from(["0", "-1", "'x'"])).map(
            lambda t: f"{t[0]}[{t[1]}]"
        ),
        st.tuples(st.sampled_from(["size", "first"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
    )


expressions = st.recursive(atoms, grow, max_leaves=12)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-99, 99), st.text("xyz", max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("xyz"), inner)),
    max_leaves=5,
)
environments = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, values))


def same(left: object, right: object) -> bool:
    return type(left) is type(right) and repr(left) == repr(right)


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@given(expressions, environments)
def test_decides_like_python(expression: str, env: dict[str, Any]) -> None:
    condition = compile_condition(expression)
    try:
        expected = eval(expression, {"__builtins__": {}, **FUNCTIONS}, dict(env))
    except (NameError, TypeError, LookupError):
        with pytest.raises(ConditionFailed):
            condition.evaluate(env, FUNCTIONS)
    else:
        assert same(condition.evaluate(env, FUNCTIONS), expected)


@given(expressions, environments)
def test_lenient_reading_never_fails_without_calls(expression: str, env: dict[str, Any]) -> None:
    condition = compile_condition(expression, missing="none")
    if not condition.calls:
        condition.evaluate(env, {})


@given(expressions)
def test_names_and_calls_are_those_of_the_text(expression: str) -> None:
    condition = compile_condition(expression)
    found = {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}
    assert condition.names | condition.calls == found
    assert condition.calls <= set(FUNCTIONS)


@given(st.text(max_size=40))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    with contextlib.suppress(BadCondition, NotPlain):
        compile_condition(text)


@pytest.mark.parametrize(
    "expression",
    [
        "a.b",
        "a.__class__",
        "a / b",
        "a * 9",
        "'x' * 9999999",
        "lambda: 1",
        "[x for x in a]",
        "f(x=1)",
        "f(*a)",
        "a.b()",
        "(f)()()",
        "f'{a}'",
        "a if b else c",
        "{1: 2}",
        "{1, 2}",
        "a[b]",
        "a[1:2]",
        "(a := 1)",
        "b'x'",
        "1j",
        "...",
        "-a",
        "a is 1",
        "a is b",
        "~1",
        r"'\x41'",
        "a or " * 300 + "a",
        "not " * 40 + "a",
        "'" + "x" * 2001 + "'",
    ],
)
def test_more_than_plain_is_refused(expression: str) -> None:
    with pytest.raises(NotPlain):
        compile_condition(expression)


@pytest.mark.parametrize("expression", ["", "a ==", "a = 1", "import os", "(" * 500, "a\x00b", "'"])
def test_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(BadCondition):
        compile_condition(expression)


def test_missing_name_is_an_error_that_says_how_to_mend_it() -> None:
    with pytest.raises(MissingName, match="data_get"):
        compile_condition("reached == True").evaluate({}, {})


def test_missing_name_is_none_in_forms() -> None:
    assert compile_condition("reached is None", missing="none").evaluate({}, {}) is True
    assert compile_condition("amount > 5", missing="none").evaluate({}, {}) is False
    assert compile_condition("rows[0]", missing="none").evaluate({}, {}) is None
    assert compile_condition("size(rows)", missing="none").evaluate({}, FUNCTIONS) is None


def test_a_function_that_cannot_use_its_values_is_an_error_that_names_it_and_none_in_forms() -> None:
    def whole(text: str) -> int:
        return int(text)

    strict = compile_condition("whole(name) > 3")
    with pytest.raises(ConditionFailed, match=r"whole cannot use what it was given \(invalid literal"):
        strict.evaluate({"name": "xxx"}, {"whole": whole})
    assert (
        compile_condition("whole(name)", missing="none").evaluate({"name": "xxx"}, {"whole": whole}) is None
    )
    assert (
        compile_condition("whole(name) > 3", missing="none").evaluate({"name": "x"}, {"whole": whole})
        is False
    )


def test_unknown_function_is_an_error() -> None:
    with pytest.raises(ConditionFailed, match="not available"):
        compile_condition("secret()").evaluate({}, {})


def test_line_breaks_are_spaces() -> None:
    assert compile_condition(" a\n and b ").evaluate({"a": 1, "b": 2}, {}) == 2


def test_sums_stay_within_bounds() -> None:
    assert compile_condition("a + 1 - b").evaluate({"a": 5, "b": 2}, {}) == 4
    assert compile_condition("a + b").evaluate({"a": [1], "b": [2]}, {}) == [1, 2]
    for env in ({"a": "x" * 15_000, "b": "x" * 15_000}, {"a": "x", "b": 1}, {"a": 10**400, "b": 0.5}):
        with pytest.raises(ConditionFailed):
            compile_condition("a + b").evaluate(env, {})
    assert compile_condition("a + b", missing="none").evaluate({"a": "x", "b": 1}, {}) is None


@pytest.mark.parametrize(
    ("fits", "larger"),
    [
        ("a" * MAX_LENGTH, "a" * (MAX_LENGTH + 1)),
        # one node for the list, one for each name
        (f"[{', '.join('a' * (MAX_NODES - 1))}]", f"[{', '.join('a' * MAX_NODES)}]"),
        ("not " * MAX_DEPTH + "a", "not " * (MAX_DEPTH + 1) + "a"),
    ],
    ids=["length", "nodes", "depth"],
)
def test_an_expression_may_be_just_so_large(fits: str, larger: str) -> None:
    compile_condition(fits)
    with pytest.raises(NotPlain):
        compile_condition(larger)
