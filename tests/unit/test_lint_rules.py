"""Every rule finds its own fault, says how to mend it in both languages, and says nothing about a clean release."""

from __future__ import annotations

import json
import re

import pytest

from engine.base.errors import GongdanError
from engine.base.settings import CHECKOUT
from engine.design.lint import RULES, LintContext, lint_file, lint_release
from engine.release.release import Release
from engine.release.releases import check, read_folder
from tests.bpmn_text import bpmn, script, sub, timer_on
from tests.unit import lint_samples as samples
from tests.unit.diagrams import properties


def test_a_clean_release_has_no_finding() -> None:
    assert lint_release(samples.release()) == []


def test_what_lint_passes_the_engine_takes() -> None:
    check(Release(1, samples.release()))


def test_every_rule_has_a_sample() -> None:
    assert set(samples.SAMPLES) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_rule_finds_its_fault(rule: str) -> None:
    found = [finding for finding in lint_release(samples.SAMPLES[rule]()) if finding.rule == rule]
    assert found
    for locale in ("zh-Hans", "en"):
        for words in (found[0].message_in(locale), found[0].fix_in(locale)):
            assert words
            assert "{" not in words.replace("{}", ""), "a value was not filled in"


@pytest.mark.parametrize("cell", ["1,250", "> 1,250", ">= 3,14", "? > 1,250", "? != 12,50"])
def test_a_number_with_a_comma_is_no_cell(cell: str) -> None:
    """``> 1,250`` would be read as a pair that is never false, so the rule would match whatever comes."""
    assert [f.rule for f in lint_release(samples.cell(cell)) if f.severity == "error"] == ["cell_list"]


def test_a_number_with_a_comma_is_no_output() -> None:
    found = lint_release(samples.release(table=samples.table(("-", "12,50"))))
    assert [f.rule for f in found if f.severity == "error"] == ["output_cell"]


@pytest.mark.parametrize(
    ("rule", "element"),
    [
        ("timer_unquoted", "late"),
        ("flow_end", "alert__alerted"),
        ("no_default", "reached_gate"),
        ("unknown_form", "call"),
        ("automatic_loop", "prepare"),
        ("cell_list", "r0"),
        ("not_drawn", "archive"),
        ("syntax", "prepare"),
    ],
)
def test_findings_name_the_element_and_its_line(rule: str, element: str) -> None:
    files = samples.SAMPLES[rule]()
    found = next(finding for finding in lint_release(files) if finding.rule == rule)
    assert found.element == element
    assert found.line is not None
    lines = files[found.file].decode().split("\n")
    assert 1 <= found.line <= len(lines)


def test_a_script_fault_has_the_line_of_the_file() -> None:
    files = samples.SAMPLES["syntax"]()
    found = next(finding for finding in lint_release(files) if finding.rule == "syntax")
    assert "if attempts" in files[samples.BPMN].decode().split("\n")[(found.line or 0) - 1]


def test_literal_limits_are_errors_only_beside_a_table_of_limits() -> None:
    files = samples.timed('"PT2H"', "timeDuration")
    alone = lint_file(samples.BPMN, files[samples.BPMN])
    assert [f.severity for f in alone if f.rule == "timer_literal"] == ["warning"]
    beside = lint_file(samples.BPMN, files[samples.BPMN], LintContext.of(files))
    assert [f.severity for f in beside if f.rule == "timer_literal"] == ["error"]


def test_without_surroundings_references_are_not_doubted() -> None:
    alone = {f.rule for f in lint_file(samples.BPMN, samples.release()[samples.BPMN])}
    assert not {rule for rule in alone if rule.startswith("unknown_")}


@pytest.mark.parametrize(
    ("cell", "clean"),
    [
        ('"yue"', True),
        ("> 3", True),
        ("3 < ? < 6", True),
        ("? in (1, 2)", True),
        ("? != None", True),
        ("1,5,9", False),
        ("not(3)", False),
        ("[1..5]", False),
        ("true", False),
        ('"a" or', False),
    ],
)
def test_cells(cell: str, clean: bool) -> None:
    found = {f.rule for f in lint_release(samples.cell(cell)) if f.rule.startswith("cell_")}
    assert (not found) == clean


@pytest.mark.parametrize(
    ("rows", "gap"),
    [
        ([('"a"', "1"), ('? != "a"', "2")], False),
        ([("> 3", "1"), ("<= 3", "2")], False),
        ([("> 3", "1"), ("< 3", "2")], True),
        ([("True", "1"), ("False", "2")], False),
        ([("True", "1")], True),
        ([('? in ("a", "b")', "1"), ('? not in ("a", "b")', "2")], False),
    ],
)
def test_gaps_in_tables(rows: list[tuple[str, str]], gap: bool) -> None:
    found = {f.rule for f in lint_release(samples.release(table=samples.table(*rows)))}
    assert ("table_gap" in found) == gap
    assert "table_overlap" not in found


@pytest.mark.parametrize(
    ("text", "tag", "rules"),
    [
        ('param("COU_WEEKLY_LIST")', "timeCycle", []),
        ("param('CABLE_MONTHLY_STATS')", "timeCycle", []),
        ('param("COU_MONTHLY_UPGRADES")', "timeCycle", []),
        ('param("COU_WEEKLY_LIST")', "timeDate", ["timer_start"]),
        ('param("CAN_CALLBACK_1")', "timeCycle", ["timer_start"]),
        ('param("QUIET_HOURS")', "timeCycle", ["timer_start"]),
        ('param("COU_YEARLY_LIST")', "timeCycle", ["unknown_parameter"]),
        ('sla_due("COU_WEEKLY_LIST")', "timeDate", ["timer_start"]),
        ('param("COU_WEEKLY_LIST") or now()', "timeCycle", ["timer_start"]),
        ("", "timeCycle", ["timer_empty"]),
    ],
)
def test_a_timer_on_the_start_is_a_weekly_or_monthly_rhythm(text: str, tag: str, rules: list[str]) -> None:
    found = lint_release(samples.started(text, tag))
    assert [finding.rule for finding in found if finding.element == "start"] == rules


def test_only_a_case_that_a_rhythm_opens_knows_its_period() -> None:
    """Whoever else reads it has an incident at the first case; a field that only shows it gives nothing."""
    diagram = samples.release()[samples.BPMN].replace(b"attempts = 0", b"attempts = 0\ntold = report_period")
    shows = json.loads(samples.release()[samples.FORM])
    label = shows["fields"][0]["label"]
    shows["fields"].append({"name": "report_period", "label": label, "widget": "readonly"})
    for form in ({}, {samples.FORM: json.dumps(shows).encode()}):
        found = [f for f in lint_release(samples.release() | {samples.BPMN: diagram} | form) if f.grave]
        assert [(f.rule, f.element) for f in found] == [("unknown_name", "prepare")]
    begun = samples.started('param("COU_WEEKLY_LIST")', "timeCycle")
    begun[samples.BPMN] = begun[samples.BPMN].replace(b"attempts = 0", b"attempts = 0\ntold = report_period")
    assert "unknown_name" not in {f.rule for f in lint_release(begun)}


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        ({"process": "archive_it", "carries": "language, began_at"}, []),
        ({"process": "archive_it"}, ["service_property"]),
        ({"carries": "language"}, ["service_property"]),
        ({"process": "archive_them", "carries": "language"}, ["unknown_process"]),
        ({"process": "archive_it", "carries": "language, langauge"}, ["unknown_name"]),
    ],
)
def test_a_case_that_a_case_opens_is_of_a_known_process_and_begins_with_known_data(
    given: dict[str, str], rules: list[str]
) -> None:
    found = lint_release(samples.linking(**given))
    assert [finding.rule for finding in found if finding.element == "alert"] == rules


@pytest.mark.parametrize(
    ("service", "to", "good"),
    [
        ("sms", "13812345678", True), ("sms", "manager", False), ("sms", "1381234567", False), ("sms", "", False),
        ("mail", "head@example.com", True), ("mail", "supervisor", True), ("mail", "nobody", False),
        ("mail", "a@example.com, b@example.com", False),
        ("mail", "specialist@om", True), ("mail", "nobody@om", False),
        ("notice", "supervisor", True), ("notice", "specialist@om", True), ("notice", "head@example.com", False),
    ],
)  # fmt: skip
def test_a_recipient_that_a_diagram_names_can_be_reached(service: str, to: str, good: bool) -> None:
    given = samples.DOC + properties(service=service, template='"notice_late"', to=f'"{to}"', event='"late"')
    found = lint_release({**samples.release(), samples.BPMN: samples.diagram(inner={"alert": given})})
    assert ("recipient" in {finding.rule for finding in found}) is not good


def test_processes_that_open_each_other_are_a_circle() -> None:
    found = lint_release(samples.linking(process="callback", carries="language"))
    assert "call_cycle" in {finding.rule for finding in found}


def test_a_chinese_finding_quotes_what_is_not_chinese() -> None:
    [finding] = [f for f in lint_file("a.bpmn", b"<x") if f.rule == "xml_syntax"]
    assert "（原文）" in finding.message_in("zh-Hans")
    assert "原文" not in finding.message_in("en")


def test_cases_that_people_pass_back_and_forth_are_no_circle() -> None:
    """Each waits for somebody before it opens the other, so nothing runs by itself."""
    files = read_folder(CHECKOUT)
    context = LintContext.of(files)
    assert "insurance_hq_complaint" in context.opens["insurance_branch_complaint"]
    assert "insurance_branch_complaint" in context.opens["insurance_hq_complaint"]
    assert "call_cycle" not in {finding.rule for finding in lint_release(files)}


@pytest.mark.parametrize(
    ("text", "unset"),
    [
        ("seen = reached", ["reached"]),
        ("seen = data_get('reached', None)", []),
        ("if data_get('reached', None):\n    seen = reached", []),
        ("if data_get('reached', None) is not None:\n    seen = reached", []),
        ("if data_get('reached', 'x') is not None:\n    seen = reached", ["reached"]),
        ("if not data_get('reached', None):\n    seen = reached", ["reached"]),
        ("if data_get('reached', None) is None:\n    seen = 1\nelse:\n    seen = reached", []),
        ("seen = data_get('reached', None) and reached", []),
        ("seen = data_get('reached', None) or reached", ["reached"]),
        ("seen = reached if data_get('reached', None) else 1", []),
        ("seen = reached if attempts else 1", ["reached"]),
        ("if attempts:\n    reached = 1\nseen = reached", ["reached"]),
        ("if attempts:\n    reached = 1\nelse:\n    reached = 2\nseen = reached", []),
        ("reached += 1", ["reached"]),
        ("for reached in [1, 2]:\n    seen = reached", []),
        ("for n in [1, 2]:\n    reached = n\nseen = reached", ["reached"]),
        ("seen = [reached for reached in [1, 2]]", []),
        ("seen = [n for n in [1, 2] if reached]", ["reached"]),
        ("seen = max(attempts, reached)", ["reached"]),
    ],
)
def test_a_script_reads_only_what_every_way_has_set(text: str, unset: list[str]) -> None:
    found = lint_release(samples.script(text))
    assert [f.values["name"] for f in found if f.rule == "unset_name"] == unset


def test_an_answer_that_may_be_left_out_may_be_unset_in_the_next_round() -> None:
    form = json.loads(samples.release()[samples.FORM])
    label = form["fields"][0]["label"]
    for required, unset in ((True, []), (False, ["note"])):
        form["fields"] = [
            {"name": "reached", "label": label, "widget": "checkbox"},
            {"name": "note", "label": label, "widget": "text", "required": required},
        ]
        files = samples.changed("reached and attempts", 'note == "x" and attempts')
        files[samples.FORM] = json.dumps(form).encode()
        found = [f for f in lint_release(files) if f.rule == "unset_name"]
        assert [f.values["name"] for f in found] == unset


def test_no_shipped_process_reads_what_some_way_leaves_unset() -> None:
    found = lint_release(read_folder(CHECKOUT))
    assert [(f.file, f.element, f.values["name"]) for f in found if f.rule == "unset_name"] == []
    spoilt = read_folder(CHECKOUT)
    path = "bpmn/telecom/fixed_line_repair_overdue.bpmn"
    spoilt[path] = spoilt[path].replace(b'monthly_rent = data_get("monthly_rent", None)\n', b"")
    (finding,) = [f for f in lint_release(spoilt) if f.rule == "unset_name"]
    assert (finding.file, finding.element, finding.values["name"]) == (path, "settle_relief", "monthly_rent")


NOTE = script("note", "n = 1")
LIMIT = timer_on("call", "late", 'sla_due("CAN_CALLBACK_1")', "timeDate")


@pytest.mark.parametrize(
    ("content", "warned"),
    [
        (bpmn("p", "start > call > end", startable="true"), True),
        (bpmn("p", "start > call > end"), False),
        (bpmn("p", "start > call > end", startable="true", complaint="false"), False),
        (bpmn("p", "start > call > end", startable="true", case_clocks="CASE_REPLY"), False),
        (bpmn("p", "start > call > end; late > end_late", LIMIT, startable="true"), False),
        (bpmn("p", "start > note > call > end; late > end_late", NOTE, LIMIT, startable="true"), False),
        (bpmn("p", "start > ask > call > end; late > end_late", LIMIT, startable="true"), True),
        (bpmn("p", "start > x_way > call > end; x_way > ask > end: n; late > end_late", LIMIT, startable="true"), True),
        (bpmn("p", "start > i > end", sub("i", "start_i > call > end_i; late > e", LIMIT), startable="true"), False),
        (bpmn("p", "start > in > end", sub("in", "start_i > call > end_i"), startable="true"), True),
        (bpmn("p", "start > call > end; w > e", timer_on("call", "w", '"PT2H"'), startable="true"), True),
    ],
)  # fmt: skip
def test_whatever_people_open_has_a_clock_from_its_first_minute(content: bytes, warned: bool) -> None:
    found = lint_file("bpmn/tests/p.bpmn", content)
    assert ("no_clock" in {finding.rule for finding in found}) is warned


#: a form of the release, where it stands, and what of it an approval covers
REPLY = ("forms/resolution.json", "reply_customer", "recovery_amount")
GRANT = ("forms/number_policy.json", "explain_policy", "granted_prepayment")


@pytest.mark.parametrize(("path", "element", "name"), [REPLY, GRANT])
def test_no_later_form_asks_anew_what_was_approved(path: str, element: str, name: str) -> None:
    files = read_folder(CHECKOUT)
    form = json.loads(files[path])
    form["fields"] = [field for field in form["fields"] if field["name"] != name]
    asked = {"name": name, "label": form["title"], "widget": "money", "schema": {"maximum": 1}}
    files[path] = json.dumps({**form, "fields": [*form["fields"], asked]}).encode()
    found = [f for f in lint_release(files) if f.rule == "approved_changed"]
    assert [(f.element, f.values["name"], f.severity) for f in found] == [(element, name, "error")]


def test_what_is_approved_again_may_be_asked_again() -> None:
    """Every round proposes anew, and the table that decides who must approve comes after."""
    files = read_folder(CHECKOUT)
    assert "approved_changed" not in {f.rule for f in lint_release(files)}
    path = "bpmn/shared/service_recovery.bpmn"
    approval = b'<spiffworkflow:property name="approves" value="recovery_kind, recovery_amount"/>'
    head, table, tail = files[path].partition(b"</bpmn:businessRuleTask>")
    assert approval in head
    files[path] = head.replace(approval, b"") + table + tail
    found = {f.element for f in lint_release(files) if f.rule == "approved_changed"}
    assert "request_recovery" in found, "an amount within authority is approved by nobody else"


#: what SpiffWorkflow's parser says no to, each in its own words: none of them may be the first that designers hear
LOOPS = {
    "no cardinality": "<bpmn:multiInstanceLoopCharacteristics/>",
    "an empty cardinality": samples.many("<bpmn:loopCardinality/>"),
    "a blank list": samples.many("<bpmn:loopDataInputRef> </bpmn:loopDataInputRef>"),
    "both": samples.many(samples.CARDINALITY + "<bpmn:loopDataInputRef>reached</bpmn:loopDataInputRef>"),
    "only an end": samples.many("<bpmn:completionCondition>reached</bpmn:completionCondition>"),
    "a cardinality that is no expression": samples.many(
        "<bpmn:loopCardinality>three people</bpmn:loopCardinality>"
    ),
    "a bare loop": "<bpmn:standardLoopCharacteristics/>",
    "a loop that only asks first": '<bpmn:standardLoopCharacteristics testBefore="true"/>',
    "a loop with a blank condition": (
        "<bpmn:standardLoopCharacteristics><bpmn:loopCondition/></bpmn:standardLoopCharacteristics>"
    ),
    "a loop of no rounds": '<bpmn:standardLoopCharacteristics loopMaximum="0"/>',
    "a loop of words": '<bpmn:standardLoopCharacteristics loopMaximum="three"/>',
    "a condition that is no expression": (
        "<bpmn:standardLoopCharacteristics><bpmn:loopCondition>until done</bpmn:loopCondition>"
        "</bpmn:standardLoopCharacteristics>"
    ),
}


@pytest.mark.parametrize("what", LOOPS)
def test_a_loop_without_what_it_needs_is_found_at_its_step(what: str) -> None:
    found = [f for f in lint_release(samples.looped(LOOPS[what])) if f.grave and f.rule != "xml_schema"]
    assert found or "words" in what
    assert {(f.file, f.element) for f in found} <= {(samples.BPMN, "call")}
    for finding in found:
        for locale in ("zh-Hans", "zh-Hant-HK", "en"):
            assert finding.message_in(locale)
            assert finding.fix_in(locale)


@pytest.mark.parametrize(
    "marker",
    [
        samples.many(samples.CARDINALITY),
        samples.many("<bpmn:loopDataInputRef>reached</bpmn:loopDataInputRef>"),
        '<bpmn:standardLoopCharacteristics loopMaximum="3"/>',
        (
            "<bpmn:standardLoopCharacteristics><bpmn:loopCondition>reached</bpmn:loopCondition>"
            "</bpmn:standardLoopCharacteristics>"
        ),
    ],
)
def test_a_loop_with_what_it_needs_is_fine(marker: str) -> None:
    files = samples.looped(marker)
    assert [f.rule for f in lint_release(files) if f.severity == "error"] == []
    check(Release(1, files))


def test_findings_have_words_in_all_three_languages() -> None:
    """Those of Hong Kong are in its own signs; what a file says is left as it is."""
    simplified = re.compile("[这对后时为应该发复杂东连单删关门开条样经过进还]")
    for rule in RULES.values():
        finding = rule.at("a.bpmn", "x", 1, name="单选", what="condition")
        told = finding.message_in("zh-Hant-HK") + finding.fix_in("zh-Hant-HK")
        assert not simplified.search(told.replace("单选", "")), rule.id
    (found,) = (f for f in lint_release(samples.SAMPLES["unknown_form"]()) if f.rule == "unknown_form")
    assert found.message_in("zh-Hant-HK") == "沒有表單 atempt"


def test_lint_finds_whatever_publishing_refuses() -> None:
    """Every sample that the engine does not take has an error of lint, and each has its words in Chinese."""
    for rule, make in samples.SAMPLES.items():
        files = make()
        try:
            check(Release(1, files))
        except GongdanError:
            assert any(f.grave for f in lint_release(files)), rule
