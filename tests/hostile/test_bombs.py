"""What is meant to eat a machine: long scripts by the hundred, uploads, complaint files, cases that run away."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from engine.base.safe_parsing import MAX_BYTES
from engine.base.settings import CHECKOUT
from engine.intake.lines import MAX_ROW_BYTES, BadRow, read_rows
from engine.people.directory import Person
from tests.bpmn_text import bpmn, many, script, timer_on, user
from tests.casework import FILES, form, opened
from tests.clock import Clock
from tests.integration.test_pages_security import token
from web import create_app

MEGABYTES = 200.0
PASSWORD = "a password of the tests"


def megabytes_of(code: str) -> float:
    """What ``code``, in a process of its own, needs above what it holds when it calls ``at_rest()``."""
    whole = (
        "from tests.hostile.child import high_water\nrest = []\n"
        f"def at_rest():\n    rest.append(high_water())\n{code}\nprint(high_water() - rest[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", whole], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])


def test_hundreds_of_long_scripts_leave_nothing_behind() -> None:
    code = """
from engine.design.lint import lint_file
from tests.bpmn_text import bpmn, script
def diagram(number):
    body = "\\n".join(f"x{number}_{n} = {n} + {number}" for n in range(600))
    return bpmn("main", "start > a > b > end", script("a", body), script("b", body + "\\ny = 1"))
lint_file("main.bpmn", diagram(0))
at_rest()
for number in range(1, 150):
    lint_file("main.bpmn", diagram(number))
"""
    assert megabytes_of(code) < MEGABYTES


# ---------------------------------------------------------------- complaint files
def rows(content: bytes) -> list[object]:
    return list(read_rows(io.BytesIO(content), "utf-8"))


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n" + b'1,"' + b"x" * 3_000_000,
        b"a,b\n" + b"," * 1_000_000 + b"\n1,2\n",
        b"a,b\n" + b'"' * 500_000 + b"\n1,2\n",
        b"a,b\n" + b"\x00" * 500_000 + b"\n",
        b"PK\x03\x04" + b"\x00\xff" * 200_000,
    ],
    ids=["a cell that never ends", "commas", "only quotes", "NUL bytes", "a zip"],
)
def test_a_complaint_file_that_is_a_bomb_is_refused_row_by_row(content: bytes) -> None:
    assert any(isinstance(row, BadRow) for row in rows(content))


def test_a_line_of_fifty_megabytes_needs_little_memory() -> None:
    code = f"""
import io
from engine.intake.lines import read_rows
content = b'a,b\\n1,"' + b"x" * 50_000_000
at_rest()
print(len(list(read_rows(io.BytesIO(content), "utf-8"))), {MAX_ROW_BYTES})
"""
    assert megabytes_of(code) < 20


# ---------------------------------------------------------------- the designer's room
@pytest.fixture
def designer(tmp_path: Path, clock: Clock) -> Iterator[FlaskClient]:
    with opened(tmp_path, clock, demo=True) as desk:
        desk.g.people.add(Person("drawer", "Drawer", frozenset({"designer"})), PASSWORD)
        app = create_app(desk.g, desk.g.settings)
        with app.test_client() as client:
            words = {"name": "drawer", "password": PASSWORD, "csrf_token": token(client)}
            assert client.post("/sign-in", data=words).status_code == 303
            yield client


@pytest.mark.parametrize(
    ("body", "status", "rule"),
    [
        ("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", 200, "xml_doctype"),
        ("<a>" * 100_000, 200, "xml_depth"),
        ("<a>" + "x" * (MAX_BYTES + 1), 200, "xml_size"),
        ("x" * 5_000_000, 413, ""),
        ("x" * 50_000_000, 413, ""),
    ],
    ids=["entity", "depth", "3 MB", "5 MB", "50 MB"],
)
def test_a_bomb_sent_to_the_designers_room_is_answered(
    designer: FlaskClient, body: str, status: int, rule: str
) -> None:
    path = next(path for path in FILES if path.endswith(".bpmn"))
    form = {"path": path, "body": body, "csrf_token": token(designer, "/designer/")}
    answer = designer.post("/designer/lint", data=form)
    assert answer.status_code == status
    if rule:
        assert [finding["rule"] for finding in answer.get_json()] == [rule]


# ---------------------------------------------------------------- cases that run away
def test_a_case_that_runs_away_becomes_an_incident_and_the_others_go_on(tmp_path: Path, clock: Clock) -> None:
    """After two hours one diagram asks for ten million tasks, one loops for ever, one fills the memory."""
    late = {
        "fork": (user("more", form="call", many=many("10000000")), "more > end_late"),
        "loop": (script("count", "n = n + 1"), "x_in > count > x_out > end_late; x_out > x_in: n >= 0"),
        "memory": (script("fill", "x = [0] * 10 ** 9"), "fill > end_late"),
    }
    files = FILES | {"forms/call.json": form("call", {"name": "result"})}
    for name, (node, path) in late.items():
        flows = f"start > begin > call > end; t_limit > {path}"
        timer = timer_on("call", "t_limit", '"PT2H"', "timeDuration")
        files[f"bpmn/tests/{name}.bpmn"] = bpmn(
            name, flows, script("begin", "n = 0"), user("call", form="call"), timer, node, startable="true"
        )
    with opened(tmp_path, clock, files=files) as desk:
        bad = [desk.start(name) for name in late]
        good = [desk.start() for _ in range(5)]
        clock.advance(hours=3)
        desk.wake()
        assert {found.case_id for found in desk.incidents()} == set(bad)
        assert all("call" in desk.open(case) for case in bad), "each stands where it stood"
        for case in good:
            assert desk.complete(case, result="reached").done == "reached"
        assert all(desk.g.verify(case).state == "identical" for case in [*bad, *good])
