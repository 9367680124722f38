"""The sandbox: scripts of diagrams reach nothing, take no more than their share, and fail with element and line.

Stock runs them with ``eval`` and ``exec``: a diagram reads /etc/passwd and starts programs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import TechnicalFailure
from engine.base.settings import CHECKOUT
from engine.bpmn.conditions import compile_condition
from engine.bpmn.spiff import sandbox
from engine.bpmn.spiff.sandbox import ScriptFailed
from engine.design.lint.expressions import read_script
from tests.bpmn_text import bpmn, dmn, rule, timer_on
from tests.playing import Play, program, run_script

ESCAPES = [
    "().__class__.__base__.__subclasses__()",
    "''.__class__.__mro__[1].__subclasses__()",
    "(lambda: 0).__globals__['__builtins__']",
    "(lambda: 0).__code__",
    "now.__globals__",
    "data_get.__self__",
    "__import__('os').system('true')",
    "open('/etc/passwd').read()",
    "eval('1')",
    "exec('x = 1')",
    "compile('1', 'x', 'eval')",
    "globals()",
    "vars()",
    "getattr(now, '__globals__')",
    "getattr('', '__class__')",
    "type('X', (), {})",
    "breakpoint()",
    "input()",
    "help()",
    "'{0.__class__.__mro__}'.format('')",
    "f'{now.__globals__}'",
    "(x for x in []).gi_frame.f_globals",
    "[].append.__self__.__class__",
    "BaseException().__traceback__",
    "__builtins__",
    "__loader__",
    "memoryview(b'')",
    "object.__new__(object)",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_no_expression_reaches_out(text: str) -> None:
    """Every way that ever led out of a Python sandbox fails, and fails as a script failure."""
    for attempt in (f"found = {text}", f"found = str({text})"):
        try:
            found = str(run_script(attempt).get("found"))
        except TechnicalFailure as failure:
            found = failure.element or "?"
        assert not any(word in found for word in ("root:", "builtins", "subclass", "object at", "module"))


@pytest.mark.parametrize(
    "text", ["import os", "from os import system", "x = 1\nimport sys", "def f():\n    import os\nf()"]
)
def test_imports_are_refused_with_their_line(text: str) -> None:
    with pytest.raises(
        TechnicalFailure, match=r"element 'compute', line .: scripts may not import"
    ) as failure:
        run_script(text)
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "import" in row)
    assert failure.value.line == line


@pytest.mark.parametrize(
    "text",
    [
        "exec('import random')",
        "call = exec\ncall('import datetime')",
        "found = [exec for exec in ()]\nexec('import time')",
        "def f(eval):\n    return eval\nx = eval('1')",
        "x = list(map(eval, ['1 + 1']))",
        "x = __import__('random')",
        "x = compile('1', 'x', 'eval')",
        "x = open('/etc/passwd')",
    ],
)
def test_the_sandbox_itself_has_no_way_to_run_text_or_open_files(text: str) -> None:
    """Whatever lint says: what is made of text would be seen by nobody, and reach clocks and chance."""
    with pytest.raises(TechnicalFailure, match=r"element 'compute', line \d: scripts may not use \w+"):
        run_script(text)
    assert read_script(text).forbidden, "and lint says so before"


def test_what_scripts_may_hash_and_print_is_the_same_in_every_process() -> None:
    once = (
        "import engine.bpmn.spiff.sandbox as s; found = {}; "
        "s.execute(\"x = str((hash('abc'), {'a', 'b', 'c'}))\", found, {}); print(found)"
    )
    command = [sys.executable, "-c", once]
    said = {subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout for _ in range(2)}
    assert len(said) == 1


def test_del_is_refused_with_element_and_line() -> None:
    with pytest.raises(TechnicalFailure, match="element 'compute'") as failure:
        run_script("kept = 1\ndel kept", kept=0)
    assert (failure.value.element, failure.value.line) == ("compute", 2)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = a / 0", 2),
        ("a = 1\n\nb = missing + 1", 3),
        ("a = (", 1),
        ("items = [1, 2]\nfor item in items:\n    last = item.nothing", 3),
    ],
)
def test_a_failing_script_names_its_element_and_line(text: str, line: int) -> None:
    with pytest.raises(TechnicalFailure, match=f"element 'compute', line {line}") as failure:
        run_script(text)
    assert (failure.value.element, failure.value.line) == ("compute", line)


# ---------------------------------------------------------------- what honest scripts need
def test_an_honest_script_has_ordinary_python() -> None:
    found = run_script(
        "counts = {}\n"
        "for call in calls:\n"
        "    counts[call['result']] = counts.get(call['result'], 0) + 1\n"
        "worst = max(counts, key=lambda k: counts[k])\n"
        "text = f'{worst}: {counts[worst]}次'\n"
        "many = len([c for c in calls if c['result'] == 'busy']) > 1",
        calls=[{"result": "busy"}, {"result": "reached"}, {"result": "busy"}],
    )
    assert found["counts"] == {"busy": 2, "reached": 1}
    assert (found["worst"], found["text"], found["many"]) == ("busy", "busy: 2次", True)


def test_only_the_names_a_script_uses_and_binds_change() -> None:
    found = run_script("second = first + 1", first=1, other={"a": [1]})
    assert found == {"first": 1, "other": {"a": [1]}, "second": 2}


def test_functions_the_plain_language_lacks_are_the_sandbox_s() -> None:
    play = Play(
        program(
            bpmn(
                "main", "start > call > x_many > few > end; x_many > several: len(items) > 2; several > end_s"
            )
        ),
        {"items": []},
    )
    play.complete("call", items=[1, 2, 3])
    assert play.open == ["several"]


@pytest.mark.parametrize("name", ["now", "sla_due", "data_get"])
def test_functions_of_the_engine_cannot_be_assigned(name: str) -> None:
    with pytest.raises(TechnicalFailure, match="function of the engine"):
        run_script(f"{name} = 1")
    found = run_script(f"x = 1\nfor {name} in [1]:\n    x = x + 1")
    assert found == {"x": 2}, "nor does a loop's name leak over them"


def test_a_condition_of_a_gateway_cannot_change_data() -> None:
    play = Play(program(bpmn("main", "start > call > x_in > end; x_in > call: items.append(1) or False")))
    play.complete("call", items=[1])
    assert play.is_done()
    assert play.data["items"] == [1]


def test_timers_and_decision_cells_are_sandboxed_too() -> None:
    bad_timer = bpmn(
        "main", "start > call > end; t_bad > end_t", timer_on("call", "t_bad", "open('/etc/passwd').read()")
    )
    with pytest.raises(TechnicalFailure):
        Play(program(bad_timer))
    table = dmn("route", ["language"], ["queue"], ["-", "().__class__.__name__"])
    made = program(bpmn("main", "start > decide > look > end", rule("decide", "route")), tables=(table,))
    with pytest.raises(TechnicalFailure):
        Play(made, {"language": "yue"})


def test_a_sandbox_worker_that_is_killed_costs_nobody_a_case() -> None:
    assert run_script("x = 2 + 2")["x"] == 4
    children = _children(os.getpid())
    assert children
    for child in children:
        os.kill(child, 9)
    assert run_script("x = 3 + 3")["x"] == 6


@pytest.mark.timeout(60)
@pytest.mark.parametrize("used", [False, True])
def test_a_fork_has_a_pool_of_its_own_or_says_that_it_cannot(*, used: bool) -> None:
    """The sandbox's runtime does not survive a fork: a child of a process that used it would wait for ever."""
    code = f"""
import os
from engine.base.errors import ConfigurationError
from engine.bpmn.spiff import sandbox
{"sandbox.evaluate('1 + 1', {}, {})" if used else ""}
child = os.fork()
if child == 0:
    try:
        print(sandbox.evaluate("2 + 2", {{}}, {{}}), flush=True)
    except ConfigurationError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=30, check=True)
    assert ("before this process was forked" in done.stdout) if used else (done.stdout.strip() == "4"), (
        done.stderr
    )


def test_the_plain_language_and_the_sandbox_agree() -> None:
    """What is decided by the fast path must be what the sandbox would say."""
    data = {"a": 1, "b": "x", "c": [1, 2, {"k": None}], "d": {"k": True}}
    for text in (
        "a == 1 and b != 'y'", "not a or c[2]['k']", "a in c", "b in ('x', 'y')", "d['k'] is True", "a < 2 <= 2",
        "c[-1]['k'] is None", "a or b", "b and a", "[a, b]", "-1", "'x' * 0 == ''",
    ):  # fmt: skip
        try:
            plain = compile_condition(text).evaluate(data, {})
        except ScriptFailed:
            raise
        except Exception:  # noqa: BLE001 - more than plain: nothing to compare
            continue
        assert plain == sandbox.evaluate(text, data, {}), text


def _children(parent: int) -> list[int]:
    """The sandbox's processes below ``parent`` (a browser's driver may be there too)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = path.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == "monty" and int(fields.split()[1]) == parent:
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize("text", ['x = {"~": "QUJD"}', 'x = [{"rows": [{"~": 1}]}]'])
def test_a_script_cannot_make_what_looks_like_a_sealed_value(text: str) -> None:
    with pytest.raises(ScriptFailed, match="kept for sealed values"):
        sandbox.execute(text, {}, {})


@pytest.mark.parametrize(
    "text",
    [
        "print('陈大文 13812345678')",
        "for n in [1, 2]:\n    print(n, 'x', sep='-')\nkept = 1",
        "print()\nkept = 1",
    ],
)
def test_what_a_script_prints_goes_nowhere(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    data: dict[str, Any] = {}
    sandbox.execute(text, data, {})
    assert data.get("kept", 1) == 1
    assert tuple(capfd.readouterr()) == ("", "")
