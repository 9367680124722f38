"""The mutator: which faults it makes, that each is code, and that no list of equivalent ones goes stale unseen."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from engine.base.settings import CHECKOUT
from tests.mutation import equivalent
from tests.mutation.modules import tried
from tests.mutation.mutants import code_of, mutants_of, sample
from tests.mutation.operators import SWAPS
from tests.mutation.results import EQUIVALENT, SURVIVED, TESTS, TYPES, Result, report


def faults(tmp_path: Path, source: str) -> list[tuple[str, str]]:
    """(kind, the module as it becomes) of every fault of ``source``."""
    (tmp_path / "m.py").write_text(source)
    return [(mutant.kind, code_of(tmp_path, mutant)) for mutant in mutants_of(tmp_path, "m.py")]


@pytest.mark.parametrize(
    ("source", "kind", "becomes"),
    [
        ("f(a, b, c)", "swap arguments", ["f(b, a, c)", "f(a, c, b)"]),
        ("f(x=a, y=b)", "swap keyword values", ["f(x=b, y=a)"]),
        ("f({a: x, b: y})", "swap dict values", ["f({a: y, b: x})"]),
        ("f([a(), b()])", "swap elements", ["f([b(), a()])"]),
        ("a, b = f()", "swap unpacking", ["b, a = f()"]),
        ("class A:\n    x: int\n    y: str", "swap fields", ["class A:\n    y: str\n    x: int"]),
        ("f({'a', 'b'})", "remove from set", ["f({'b'})", "f({'a'})"]),
        ("f(a | b)", "remove from set", ["f(a)", "f(b)"]),
        ("f(a and b)", "and/or", ["f(a or b)"]),
        ("f(a or b)", "drop condition", ["f(b)", "f(a)"]),
        ("t.where(a, b)", "drop condition", ["t.where(b)", "t.where(a)"]),
        ("f(a in b)", "negate", ["f(a not in b)"]),
        ("f(not a)", "negate", ["f(a)"]),
        ("f(a) if b else c", "negate", ["f(a) if not b else c"]),
        ("f(a < b)", "off by one", ["f(a <= b)"]),
        ("f(min(a))", "min/max", ["f(max(a))"]),
        ("f(sorted(a))", "drop call", ["f(a)"]),
        ("f(a.strip())", "drop call", ["f(a)"]),
        ("f(7)", "constant", ["f(8)"]),
        ("f(True)", "constant", ["f(False)"]),
        ("a.b = c", "drop statement", ["pass"]),
        (
            "for a in b:\n    continue",
            "early end",
            ["for a in b:\n    continue\n    break", "for a in b:\n    break"],
        ),
    ],
)
def test_a_kind_of_fault_is_made_in_each_way(
    tmp_path: Path, source: str, kind: str, becomes: list[str]
) -> None:
    assert [code for found, code in faults(tmp_path, source) if found == kind] == becomes


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "import a, b",
        "from a import b, c",
        "a: int",
        "__all__ = ['a', 'b']",
    ],
)
def test_what_is_no_code_has_no_fault(tmp_path: Path, source: str) -> None:
    assert faults(tmp_path, source) == []


def test_texts_of_errors_and_of_the_log_are_left_alone(tmp_path: Path) -> None:
    assert faults(tmp_path, "raise Wrong('text', a)") == [("drop statement", "pass")]
    assert faults(tmp_path, "log.info('text', a)") == [("drop statement", "pass")]
    assert faults(tmp_path, "f(f'{a} b')") == [("drop statement", "pass")]


def test_a_fault_knows_its_lines_and_what_its_statement_defines(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "ROLES = {\n    'a',\n    'b',\n}\n\ndef f(x):\n    if x == 1:\n        g()\n"
    )
    of_set, *_ = mutants_of(tmp_path, "m.py")
    assert (of_set.number, sorted(of_set.lines), of_set.names) == (1, [1, 2, 3, 4], frozenset({"ROLES"}))
    negated = next(m for m in mutants_of(tmp_path, "m.py") if m.kind == "negate")
    assert (negated.line, sorted(negated.lines), negated.names) == ("if x == 1:", [7], frozenset())
    assert (negated.was, negated.becomes) == ("x == 1", "x != 1")


def test_every_fault_of_a_module_is_another_code_and_has_a_name_of_its_own() -> None:
    module = "engine/people/roles.py"
    plain = ast.unparse(ast.parse((CHECKOUT / module).read_text()))
    found = mutants_of(CHECKOUT, module)
    codes = [code_of(CHECKOUT, mutant) for mutant in found]
    assert plain not in codes
    assert len({mutant.key for mutant in found}) == len(found) > 50


def test_the_same_seed_gives_the_same_faults_in_turn_from_each_module() -> None:
    modules = ["engine/people/rules.py", "engine/people/roles.py"]
    chosen = sample(CHECKOUT, modules, 10, 7)
    assert chosen == sample(CHECKOUT, modules, 10, 7) != sample(CHECKOUT, modules, 10, 8)
    assert [mutant.module for mutant in chosen] == modules * 5
    assert {mutant.kind for mutant in sample(CHECKOUT, modules, None, 7, SWAPS)} <= SWAPS


def test_every_module_that_is_tried_exists_and_has_something_to_try() -> None:
    modules = tried(CHECKOUT)
    assert len(modules) == len(set(modules)) > 50
    assert "engine/case/checks.py" in modules


@pytest.mark.parametrize(
    "source",
    [
        "f(dict([a(), b()]))",
        "x in (a(), b())",
        "class A(B, frozen=True, kw_only=True):\n    x: int",
        "log.info('a', b)",
    ],
)
def test_where_nothing_can_matter_no_fault_is_made(tmp_path: Path, source: str) -> None:
    assert [
        found
        for found, _ in faults(tmp_path, source)
        if found in ("swap elements", "constant", "swap arguments")
    ] == []


def test_an_equivalent_fault_of_a_line_that_changed_is_stale(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("f(a, b)\n")
    entry = {
        "module": "m.py",
        "line": "f(a, b)",
        "kind": "swap arguments",
        "was": "f(a, b)",
        "becomes": "f(b, a)",
        "reason": "the order does not matter",
    }
    file = tmp_path / "equivalent.json"
    file.write_text(json.dumps([entry]))
    assert equivalent.stale(tmp_path, file) == []
    assert list(equivalent.known(file).values()) == ["the order does not matter"]
    (tmp_path / "m.py").write_text("f(a, c)\n")
    (told,) = equivalent.stale(tmp_path, file)
    assert "m.py | f(a, b) | swap arguments" in told


def test_the_report_counts_by_module_and_kind_and_names_what_survived() -> None:
    fates = (TYPES, TESTS, TESTS, SURVIVED, EQUIVALENT)
    found = [
        Result("engine/people/rules.py", number, "x", "negate", f"a{number}", "b", 0, fate, "", 3)
        for number, fate in enumerate(fates)
    ]
    lines = list(report(found))
    assert lines[1].split() == ["engine/people/rules.py", "1", "2", "1", "1"]
    assert (
        "who may do what: 3 of 4 noticed (75.0%), of those that the types accept 2 of 3 (66.7%); 1 equivalent"
        in lines
    )
    assert lines[-1] == "survived: engine/people/rules.py:3 [negate] a3 → b (3 tests)"
