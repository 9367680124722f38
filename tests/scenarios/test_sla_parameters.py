"""Each limit of the sources is used where and as its row says, and no number hides outside the table of limits."""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.base.safe_parsing import parse_xml
from engine.base.settings import CHECKOUT
from engine.bpmn.model import Node, Scope
from engine.design.lint.context import model_of
from engine.design.lint.expressions import read_expression
from engine.release.release import Release
from engine.release.releases import read_folder
from engine.reports.archive import REOPEN_WINDOW
from tests.scenarios.sla_uses import LIST, READS, Use, found, listed

RELEASE = Release(1, read_folder(CHECKOUT))
USES = listed()
with (LIST.parent / "sla.psv").open(encoding="utf-8", newline="") as source:
    ROWS = {row["id"]: row for row in csv.DictReader(source, delimiter="|", quoting=csv.QUOTE_NONE)}

#: rows that no timer counts: counts, criteria of quality inspection, a time of day, windows of decisions, a calendar
UNTIMED = {
    "CAN_MAX_ATTEMPTS", "PROP_ANSWER_RINGS", "PROP_RVA_PITCH", "PROP_RVB_PITCH", "ECOM_WAREHOUSE_CUTOFF",
    "ECOM_NO_REASON_DAYS", "ECOM_CLAIM_AFTER_SALES", "ECOM_CLAIM_NOT_RECEIVED", "ECOM_CLAIM_HARASSMENT",
    "ECOM_CLAIM_MALICIOUS_REVIEW", "ECOM_CLAIM_BREACH_PROMISE", "CAMPUS_PHONE_24H", "TEL_FIXED_FAULT_OVERDUE",
}  # fmt: skip
#: lower bounds: an event that waits before the work, where every other limit stands beside its work
LOWER_BOUNDS = {
    "PROP_COMPLAINT_SUPERVISE_MIN", "PROP_REPAIR_SUPERVISE_MIN", "PROP_RVA_FIRST", "PROP_RVA_SECOND",
    "PROP_RVB_FIRST", "PROP_RVB_SECOND", "PROP_RVB_THIRD", "ECOM_AUTO_CONFIRM_WARN",
}  # fmt: skip
DURATION = re.compile(r"\s*(R\d*/)?-?P(T?[\d.]+[A-Z]+)+\s*|\s*T?\d{1,2}:\d\d(:\d\d)?\s*")
#: numbers that stand in diagrams and are no limits
NUMBERS = {
    "reported_year % 4": "leap years",
    "reported_year % 100": "leap years",
    "reported_year % 400": "leap years",
    "hours_overdue // 24": "hours of a day: daily rent is relieved by days begun",
    "hours_overdue % 24": "hours of a day",
    "len(sms_to) == 11": "digits of a mobile number",
    "attempts == 2": "which attempt this is, for the record of it and its words",
    "overall_score <= 2": "seed 004:541: what counts as dissatisfied on the form's scale",
    "patient_satisfaction >= 3": "what counts as satisfied on the form's scale",
    "visit_no == 2": "which visit comes next",
    "visit_no == 3": "which visit comes next",
    "2 * days_in_month": "half a day's rent rounds up",
    "2 * relief_days": "half a fen rounds up",
    "item_paid * fee_per_mille // 1000": "per mille of an amount",
    "item_value // 100": "fen of a yuan",
    "int(alternatives[0].get('prepayment') or 0) // 100": "fen of a yuan",
    "int(alternatives[0].get('minimum_spend') or 0) // 100": "fen of a yuan",
}


def timers(limit: str) -> list[Use]:
    return [use for use in USES if use.limit == limit and use.how.startswith(("beside", "ends", "before"))]


def uses(limit: str) -> list[Use]:
    return [use for use in USES if use.limit == limit]


def test_the_list_says_exactly_what_the_files_say() -> None:
    drawn = found(RELEASE)
    assert sorted(set(drawn) - set(USES)) == [], "a use that is not in the list"
    assert sorted(set(USES) - set(drawn)) == [], "the list names a use that is not drawn"
    assert len(set(USES)) == len(USES)


def test_no_use_escapes_the_list() -> None:
    """Counted in the bytes of every file, so that a corner nobody thought of is seen."""
    calls = re.compile(rb"\b(?:%s)\(\s*\\?(?:\"|&quot;|')" % "|".join(READS).encode())
    counted = {
        path: len(calls.findall(body))
        for path, body in RELEASE.files.items()
        if not path.startswith("bpmn/scenarios/") and calls.search(body)
    }
    paths = {process.id: process.path for process in RELEASE.processes.values()}
    named: dict[str, int] = dict.fromkeys(counted, 0)
    for use in USES:
        named[paths.get(use.process, f"bpmn/templates/{use.process}.json")] += 1
    assert named == counted


@pytest.mark.parametrize("limit", ROWS)
def test_a_limit_is_used_by_the_processes_of_its_row_and_no_others(limit: str) -> None:
    assert {use.process for use in uses(limit) if use.how != "text"} == set(
        ROWS[limit]["process"].split("; ")
    )


@pytest.mark.parametrize("limit", ROWS)
def test_a_limit_stands_as_its_row_has_it(limit: str) -> None:
    """On its work without ending it, or before it; a target never interrupts (the two that do are proposals)."""
    placed = {use.how.partition(" ")[0] for use in timers(limit)}
    if limit in UNTIMED - {"TEL_FIXED_FAULT_OVERDUE"}:
        assert placed == set()
    else:
        assert placed == ({"before"} if limit in LOWER_BOUNDS else {"beside"})
    assert RELEASE.parameters[limit].interrupting is False


def test_fifty_two_limits_are_timers_and_thirteen_are_not() -> None:
    """``TEL_FIXED_FAULT_OVERDUE`` decides about relief and, while the repair is watched, also tells when it passes."""
    timed = [limit for limit in ROWS if limit not in UNTIMED]
    assert (len(ROWS), len(timed), len(UNTIMED)) == (65, 52, 13)
    assert sum(len({use.process for use in timers(limit)}) for limit in timed) == 53, (
        "ECOM_SHIP_WITHIN has two"
    )


@pytest.mark.parametrize("use", [use for use in USES if use.set_by], ids=lambda u: f"{u.process}-{u.element}")
def test_the_instant_a_timer_counts_from_is_an_instant(use: Use) -> None:
    """By the clock of the command, by a person's form, or by data that one of the two gave; never by a number."""
    for part in use.set_by.split("; "):
        _, _, value = part.partition(": ")
        assert value in ("form", "schedule") or re.search(r"now\(\)|_at\b|_anchor|confirm_at", value), part


@pytest.mark.parametrize("use", [use for use in USES if use.set_by], ids=lambda u: f"{u.process}-{u.element}")
def test_the_instant_a_timer_counts_from_is_set_on_every_way_to_it(use: Use) -> None:
    """In the diagram: without the steps that set it, nothing leads from the start to where the timer begins."""
    elements = RELEASE.process(use.process).elements
    setting = {part.partition(": ")[0] for part in use.set_by.split("; ")}
    calls = {part.partition("/")[0] for part in setting if "/" in part}
    closed = {id for id, e in elements.items() if id in setting or e.calls in calls}
    timer = elements[use.element]
    begins = timer.attached_to or timer.id
    assert leads(use.process, begins, set())
    assert not leads(use.process, begins, closed)


def leads(process: str, goal: str, closed: set[str]) -> bool:
    """Is there a way from the start of ``process`` to ``goal`` that completes no step of ``closed``?"""
    path = RELEASE.process(process).path
    model = model_of(path, RELEASE.files[path])
    assert model is not None
    (drawn,) = (found for found in model.processes if found.id == process)
    holds = {node.inner: node for node in model.nodes() if node.inner is not None}

    def starts(scope: Scope) -> list[Node]:
        return [node for node in scope.nodes.values() if node.kind == "startEvent"]

    def after(node: Node) -> list[Node]:
        return [following for flow in node.outgoing if (following := node.scope.nodes.get(flow.target))]

    met: set[Node] = set()
    ahead = starts(drawn.scope)
    while ahead:
        node = ahead.pop()
        if node in met:
            continue
        met.add(node)
        ahead += node.boundary
        if node.inner is not None:
            ahead += starts(node.inner)  # and out of it by its end events
        elif node.id not in closed:
            ends = node.kind == "endEvent" and node.scope in holds
            ahead += after(holds[node.scope]) if ends else after(node)
    return goal in {node.id for node in met}


@pytest.mark.parametrize(
    "use", [u for u in USES if u.how.startswith("beside")], ids=lambda u: f"{u.limit}-{u.element}"
)
def test_a_limit_that_passes_tells_somebody(use: Use) -> None:
    """All but one: fifteen minutes on the line offer the transfer to the branch (seed 004:125)."""
    assert use.then.startswith("notice ") or (use.limit, use.then) == (
        "INS_ONLINE_ENTANGLEMENT",
        "offer_transfer",
    )


def test_every_parameter_is_used_or_said_to_be_the_engines_own() -> None:
    of_cases = {clock for process in RELEASE.processes.values() for clock in process.case_clocks}
    assert set(RELEASE.parameters) - {use.limit for use in USES} - of_cases == {
        "SLA_WARN_RATIO",  # every warning (engine.sla.time_rules)
        "QUIET_HOURS",  # outside_quiet_hours() and the outbox
        "REOPEN_WINDOW",  # what the report on repeats calls the same issue again
    }
    assert timedelta(hours=RELEASE.time.number("REOPEN_WINDOW")) == REOPEN_WINDOW


# ------------------------------------------------------------------ no numbers of their own
def expressions() -> Iterator[tuple[str, ast.AST]]:
    """Every expression and script of all diagrams, tables and texts, with where it stands (of texts: their slots)."""
    for path, body in RELEASE.files.items():
        if path.endswith(".bpmn"):
            model = model_of(path, body)
            assert model is not None
            for node in model.nodes():
                texts = [node.script[0]] if node.script is not None else []
                texts += [timer.text for timer in node.timers]
                texts += [flow.condition for flow in node.outgoing if flow.condition]
                texts += [
                    node.properties[name]
                    for name in ("not_before", "template", "to", "event")
                    if name in node.properties
                ]
                yield from ((f"{path} {node.id}", ast.parse(text.strip())) for text in texts)
        elif path.endswith(".dmn") and not path.endswith("/sla.dmn"):
            for entry in parse_xml(body, path).iter("{*}text"):
                tree = read_expression((entry.text or "").replace("?", "it")).tree
                if tree is not None:
                    yield path, tree
        elif path.startswith("bpmn/templates/"):
            for slot, text in json.loads(body).get("slots", {}).items():
                yield f"{path} {slot}", ast.parse(text.strip())


def test_no_diagram_no_table_and_no_text_holds_a_duration_or_a_time_of_day() -> None:
    texts = [
        f"{where}: {node.value}"
        for where, tree in expressions()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and DURATION.fullmatch(node.value)
    ]
    assert texts == []


def test_no_diagram_counts_time_by_itself() -> None:
    calls = [
        f"{where}: {ast.unparse(node)}"
        for where, tree in expressions()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("after", "timedelta")
    ]
    assert calls == []


def test_every_timer_is_a_date_so_none_can_be_a_literal_span() -> None:
    """But for those that open cases: there it is the rhythm of a parameter (lint's ``timer_start``)."""
    kinds = {
        (timer.kind, node.kind == "startEvent")
        for path, body in RELEASE.files.items()
        if path.endswith(".bpmn") and (model := model_of(path, body)) is not None
        for node in model.nodes()
        for timer in node.timers
    }
    assert kinds == {("timeDate", False), ("timeCycle", True)}


def test_every_number_in_a_diagram_is_no_limit_and_says_what_it_is() -> None:
    counted = {
        ast.unparse(node)
        for where, tree in expressions()
        if ".bpmn " in where
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare | ast.BinOp)
        and any(_number(part) for part in ast.iter_child_nodes(node))
    }
    assert counted - NUMBERS.keys() == set()
    assert NUMBERS.keys() - counted == set()


def _number(node: ast.AST) -> bool:
    """A number that could be a limit: 0 and 1 are beginnings."""
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value not in (0, 1)
