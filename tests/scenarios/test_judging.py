"""A change is judged by the scenarios it concerns: which ones those are, what they say, what stops a release."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from engine.app import Gongdan
from engine.base.errors import InvalidFile
from engine.base.settings import CHECKOUT
from engine.cli import operations
from engine.design.lint import lint_file
from engine.release.release import Release
from engine.scenarios import Gate, Judgement, judge, judging, path_of, sketch
from engine.scenarios.affected import callers, touched
from tests.bpmn_text import bpmn, call, service, user
from tests.casework import FILES as COMPANY
from tests.casework import WORK
from tests.scenarios.playing import FILES as SHIPPED
from web import cli

AT = "2026-03-02T01:00:00+00:00"
WORK_PATH, SCENARIOS = "bpmn/tests/work.bpmn", "bpmn/scenarios/work.json"
CANTONESE = "bpmn/telecom/cantonese_callback.bpmn"
LIMITS = "bpmn/decisions/sla.dmn"
FILES = {path: body for path, body in COMPANY.items() if body is not None}


def scenario(name: str, *steps: Mapping[str, Any], process: str = "work") -> dict[str, Any]:
    start = {"contact_phone": "13812345678", "customer_name": "陈大文"}
    given = {"process": process, "name": name, "source": "tests", "start_at": "2026-03-02T10:00:00+08:00"}
    return {**given, "start": start, "steps": list(steps)}


def reached(result: str = "reached") -> dict[str, Any]:
    return {"complete": "call", "by": "agent1", "data": {"result": result}}


IN_TIME = scenario(
    "接通",
    {"expect": {"due": {"CAN_CALLBACK_1": "2026-03-02T12:00:00+08:00"}}},
    reached(),
    {"expect": {"outcome": "reached"}},
)
LATE = scenario(
    "逾期后占线再打", {"wait": "PT2H"}, {"expect": {"notices": ["notice_late"]}}, reached("busy"), reached()
)


def files(*scenarios: Mapping[str, Any], **others: bytes) -> dict[str, bytes]:
    return {**FILES, SCENARIOS: json.dumps(list(scenarios)).encode(), **others}


GREEN = files(IN_TIME, LATE)


def judged(**change: bytes) -> Judgement:
    return judge(GREEN, {**GREEN, **change}, change.keys())


def rules(judgement: Judgement) -> list[str]:
    return [finding.rule for finding in judgement.findings]


# ------------------------------------------------------------------ what a change concerns
def test_what_only_people_read_concerns_no_scenario() -> None:
    renamed = WORK.replace("回访客户".encode(), "回电".encode())
    assert renamed != WORK
    assert judged(**{WORK_PATH: renamed}) == Judgement()


@pytest.mark.parametrize(
    ("path", "old", "new", "concerned"),
    [
        (CANTONESE, "第一次粤语回访", "首访", set()),
        (CANTONESE, "attempts &gt;= param", "attempts &gt; param", {"cantonese_callback"}),
        ("bpmn/decisions/sla.dmn", '"2 attempts"', '"two"', {"cantonese_callback"}),
        ("bpmn/decisions/language_route.dmn", "advise_mandarin", "advise", {"cantonese_callback"}),
        (
            "bpmn/templates/courier_notice_close_severe.json",
            '"version": 1',
            '"version": 2',
            {"courier_complaint"},
        ),
        ("bpmn/scenarios/billing_dispute.json", "seed", "Seed", {"billing_dispute"}),
        ("forms/escalation.json", "seed", "Seed", {"escalate"}),
        ("bpmn/decisions/triage.dmn", "粤语", "粤話", set()),
    ],
)
def test_a_file_concerns_the_processes_that_use_it(
    path: str, old: str, new: str, concerned: set[str]
) -> None:
    before = Release(1, SHIPPED)
    after = {**SHIPPED, path: SHIPPED[path].replace(old.encode(), new.encode())}
    assert after[path] != SHIPPED[path]
    assert touched(before, Release(2, after), [path]) == concerned


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("bpmn/roles.json", '"zh', ' "zh'),
        ("bpmn/calendars/cn.json", '"name"', ' "name"'),
        ("bpmn/decisions/sla.dmn", '"0.8"', '"0.7"'),
    ],
)
def test_what_every_process_lives_by_concerns_every_process(path: str, old: str, new: str) -> None:
    before = Release(1, SHIPPED)
    after = Release(2, {**SHIPPED, path: SHIPPED[path].replace(old.encode(), new.encode())})
    assert touched(before, after, [path]) == set(after.processes)


def test_a_called_process_concerns_all_that_call_it() -> None:
    found = callers(Release(1, SHIPPED), {"notify_sms"})
    assert {"notify_sms", "cantonese_callback"} <= found
    assert "weekly_closed_list" not in found


def test_a_process_concerns_those_that_open_its_cases() -> None:
    """Their scenarios say with which task the new case begins."""
    found = callers(Release(1, SHIPPED), {"property_complaint_call"})
    assert {"property_consultation_call", "property_service_revisit", "property_owner_care_revisit"} <= found


@pytest.mark.parametrize("quoted", ["'sms_attempt'", "&apos;sms_attempt&apos;", "&#39;sms_attempt&#39;"])
def test_a_text_is_named_in_quotes_of_any_kind(quoted: str) -> None:
    """As is a limit that only a text reads."""
    text = "bpmn/templates/sms_attempt.json"
    ask = service("ask", service="sms", template="KEY", to="contact_phone")
    only = bpmn("only", "start > ask > end", ask, startable="true").replace(b"KEY", quoted.encode())
    body = json.loads(FILES[text]) | {"slots": {"left": 'param("UNREACHABLE_MAX")'}}
    one = {**FILES, "bpmn/tests/only.bpmn": only, text: json.dumps(body).encode()}
    other = FILES[text].replace(b'"version": 1', b'"version": 2')
    limits = one[LIMITS].replace(b'"UNREACHABLE_MAX_value"><text>"3', b'"UNREACHABLE_MAX_value"><text>"4')
    for path, changed in ((text, other), (LIMITS, limits)):
        assert changed != one[path]
        assert "only" in touched(Release(1, one), Release(2, {**one, path: changed}), [path])


def test_the_name_of_a_message_is_behaviour_and_the_name_of_a_participant_is_not() -> None:
    head = (
        b'<bpmn:message id="told" name="%s"/><bpmn:collaboration id="c"><bpmn:participant id="p" name="%s" '
    )
    head += b'processRef="work"/></bpmn:collaboration><bpmn:process '

    def drawn(message: bytes, participant: bytes) -> dict[str, bytes]:
        return {**FILES, WORK_PATH: WORK.replace(b"<bpmn:process ", head % (message, participant))}

    before = Release(1, drawn(b"one", b"desk"))
    assert touched(before, Release(2, drawn(b"one", b"front desk")), [WORK_PATH]) == set()
    assert touched(before, Release(2, drawn(b"two", b"desk")), [WORK_PATH]) == {"work"}


# ------------------------------------------------------------------ what scenarios say
def test_a_change_that_scenarios_agree_with_has_nothing_against_it() -> None:
    found = judged(**{WORK_PATH: WORK.replace(b"attempts = 0", b"attempts = 1 - 1")})
    assert (found.processes, found.run, found.findings) == (("work",), 2, [])


def test_a_failing_scenario_says_which_step_what_was_expected_and_found_and_how_to_mend_it() -> None:
    later = GREEN["bpmn/decisions/sla.dmn"].replace(
        b'"CAN_CALLBACK_1_iso"><text>"PT2H"', b'"CAN_CALLBACK_1_iso"><text>"PT3H"'
    )
    found = judged(**{"bpmn/decisions/sla.dmn": later})
    first = found.against()[0]
    assert (first.rule, first.file) == ("scenario_differs", SCENARIOS)
    assert first.message_in("zh-Hans") == (
        "情景「接通」第 1 步（2026-03-02 10:00）：CAN_CALLBACK_1 应为 3月2日 12:00，实为 3月2日 13:00"
    )
    assert first.message_in("en") == (
        "scenario '接通', step 1 at 2026-03-02 10:00: CAN_CALLBACK_1 is 2 Mar 13:00, not 2 Mar 12:00"
    )
    assert SCENARIOS in first.fix_in("zh-Hans")
    assert set(rules(found)) == {"scenario_differs"}, "steps unvisited behind a failure are its consequence"


def test_a_step_that_no_scenario_passes_any_more_is_named() -> None:
    found = judged(**{SCENARIOS: json.dumps([IN_TIME]).encode()})
    assert set(rules(found)) == {"scenario_unreached"}
    assert {"t_limit", "alert", "end_late"} <= {finding.element for finding in found.findings}


def test_a_new_way_must_be_played() -> None:
    new = (
        b'<bpmn:sequenceFlow id="new_way" sourceRef="x_again" targetRef="left">'
        b"<bpmn:conditionExpression>result == 'refused'</bpmn:conditionExpression></bpmn:sequenceFlow>"
        b'<bpmn:endEvent id="left"/></bpmn:process>'
    )
    found = judged(**{WORK_PATH: WORK.replace(b"</bpmn:process>", new)})
    assert [(f.rule, f.element) for f in found.findings] == [
        ("scenario_unreached", "left"),
        ("scenario_unreached", "new_way"),
    ]


def test_looking_ends_when_enough_scenarios_have_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "MAX_FAILED", 1)
    found = judged(**{WORK_PATH: WORK.replace(b"attempts = 0", b"attempts = 'none'")})
    assert rules(found) == ["scenario_stopped"]


NO_INSTANT = json.dumps([scenario("昨天") | {"start_at": "yesterday"}]).encode()
AGES_AGO = json.dumps([scenario("从前") | {"start_at": "0001-01-01T00:00:00+08:00"}]).encode()


OF_NO_KIND = json.dumps([IN_TIME | {"start": 5}]).encode()


@pytest.mark.parametrize(
    "body", [b"{}", b"[1]", b"[", b'[{"process": "work"}]', NO_INSTANT, AGES_AGO, OF_NO_KIND]
)
def test_scenarios_that_cannot_be_read_are_a_finding(body: bytes) -> None:
    found = judged(**{SCENARIOS: body})
    assert [(f.rule, f.file) for f in found.findings] == [("scenario_unreadable", SCENARIOS)]
    assert lint_file(SCENARIOS, body)[0].severity == "error"


def test_whatever_a_step_says_the_answer_is_a_finding() -> None:
    said: list[tuple[dict[str, Any], str]] = [
        ({"complete": "call"}, "scenario_unknown"),
        ({"wait": "soon"}, "scenario_unknown"),
        ({"until": "tomorrow"}, "scenario_unknown"),
        ({"until": "2026-03-03T10:00:00"}, "scenario_unknown"),
        ({"until": "9999-12-31T23:59:59+08:00"}, "scenario_unknown"),
        ({"wait": "P401D"}, "scenario_unknown"),
        ({"expect": {"due": "noon"}}, "scenario_unknown"),
        ({"expect": {"due": {"CAN_CALLBACK_1": 5}}}, "scenario_unknown"),
        ({"expect": {"text": {"sms_attempt": 5}}}, "scenario_unknown"),
        ({"expect": {"text": {"sms_attempt": [5]}}}, "scenario_unknown"),
        ({"complete": "call", "by": "agent1", "data": 5}, "scenario_unknown"),
        ({"complete": "call", "by": "agent1", "data": [["result", "reached"]]}, "scenario_unknown"),
        ({"complete": "second", "by": "agent1"}, "scenario_not_open"),
        ({"complete": "call", "by": "nobody", "data": {"result": "reached"}}, "scenario_stopped"),
        ({"complete": "call", "by": "agent1", "data": {}}, "scenario_stopped"),
        ({"complete": "call", "by": "agent1", "data": {}, "refused": ["note"]}, "scenario_refused"),
    ]
    wrong = [scenario(f"错{number}", step) for number, (step, _) in enumerate(said)]
    strange = scenario("没有的流程", process="nowhere")
    found = judged(**{SCENARIOS: json.dumps([IN_TIME, LATE, *wrong, strange]).encode()})
    assert rules(found) == [*(rule for _, rule in said), "scenario_stopped"]


# ------------------------------------------------------------------ processes without scenarios
def _new(process: str, startable: str) -> dict[str, bytes]:
    body = bpmn(process, "start > ask > end", user("ask", form="call"), startable=startable)
    return {f"bpmn/tests/{process}.bpmn": body}


def test_a_process_people_may_open_needs_scenarios_or_a_reason() -> None:
    found = judged(**_new("fresh", "true"))
    assert rules(found) == ["scenario_missing"]
    assert path_of("fresh") in found.against()[0].fix
    assert found.against("  ") == found.findings
    assert found.against("试点，下周补") == []
    assert found.unproved == found.findings


def test_a_process_that_others_call_is_only_a_warning() -> None:
    found = judged(**_new("helper", "false"))
    assert [(f.rule, f.severity) for f in found.findings] == [("scenario_missing", "warning")]
    assert (found.against(), found.unproved) == ([], [])


@pytest.mark.parametrize("left", [b"[]", None])
def test_a_process_that_had_scenarios_is_not_excused_for_losing_them(left: bytes | None) -> None:
    broken = WORK.replace(b"attempts = 0", b"attempts = 'none'")
    change = {SCENARIOS: left, WORK_PATH: broken}
    after = {path: body for path, body in (GREEN | change).items() if body is not None}
    found = judge(GREEN, after, change.keys())
    assert rules(found) == ["scenario_gone"]
    assert found.against("来不及写") == found.findings


def test_a_process_that_opens_by_itself_needs_scenarios_or_a_reason() -> None:
    weekly = "bpmn/reports/weekly_closed_list.bpmn"
    path = path_of("weekly_closed_list")
    unplayed = {p: body for p, body in SHIPPED.items() if p != path}
    changed = {weekly: SHIPPED[weekly].replace(b"weekly_list_late_", b"weekly_late_")}
    found = judge(unplayed, unplayed | changed, changed.keys())
    assert [(f.rule, f.severity) for f in found.findings] == [("scenario_missing", "error")]
    assert found.against("下周补") == []


def test_a_reason_lets_no_failing_scenario_through() -> None:
    called = bpmn("work", "start > ask > end", call("ask", "nothing"), startable="true")
    with pytest.raises(InvalidFile):
        judged(**{WORK_PATH: called})
    found = judged(**{SCENARIOS: json.dumps([IN_TIME]).encode()})
    assert found.against("ich will") == found.findings


def test_a_sketched_scenario_goes_through_every_task_once() -> None:
    release = Release(1, GREEN)
    (made,) = json.loads(sketch(release, "work"))
    assert [step.get("complete") for step in made["steps"]] == ["call", None]
    assert made["steps"][0] == {"complete": "call", "by": "agent1", "data": {"result": "result"}}
    found = judged(**{SCENARIOS: json.dumps([IN_TIME, LATE, {**made, "start": IN_TIME["start"]}]).encode()})
    assert found.findings == []


# ------------------------------------------------------------------ publishing the folder
@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What a gate asks is the same on every database."""
    return sqlite_url


@pytest.fixture
def folder(gongdan: Gongdan, tmp_path: Path) -> Path:
    """A copy of what ships, published."""
    for part in ("bpmn", "forms"):
        shutil.copytree(CHECKOUT / part, tmp_path / "checkout" / part)
    gongdan.releases.publish_folder(tmp_path / "checkout", AT)
    return tmp_path / "checkout"


def test_the_gate_keeps_a_red_change_out_and_lets_it_in_with_its_scenarios(
    gongdan: Gongdan, folder: Path
) -> None:
    gate = Gate(gongdan.releases)
    diagram = folder / CANTONESE
    diagram.write_bytes(
        SHIPPED[CANTONESE].replace(b'"CAN_CALLBACK_1", registered_at', b'"CAN_CALLBACK_2", registered_at')
    )
    with pytest.raises(
        InvalidFile, match=r"scenarios say:\n.*cantonese_callback.json: .*step 2 at"
    ) as refused:
        gongdan.releases.publish_folder(folder, AT, judge=gate)
    assert "mend the process" in str(refused.value)
    assert gongdan.releases.current_number() == 1
    diagram.write_bytes(SHIPPED[CANTONESE].replace(b"registered_at)", b"registered_at  )"))
    assert gongdan.releases.publish_folder(folder, AT, judge=gate).number == 2
    assert (gate.judgement.processes, gate.judgement.findings) == (("cantonese_callback",), [])


def test_an_unchanged_folder_asks_no_scenario(gongdan: Gongdan, folder: Path) -> None:
    def never(files: object, changed: object) -> None:
        raise AssertionError("nothing changed")

    assert gongdan.releases.publish_folder(folder, AT, judge=never).number is None


def test_start_up_plays_scenarios_of_a_change_but_not_for_the_first_release(
    gongdan: Gongdan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def red(releases: object) -> object:
        def refuse(files: object, changed: object) -> None:
            raise InvalidFile("nothing is published; scenarios say: no")

        return refuse

    monkeypatch.setattr(cli, "Gate", red)
    cli._publish(gongdan)
    assert gongdan.releases.current_number() == 1
    gongdan.releases.publish({WORK_PATH: WORK}, "folder", "one that the checkout lacks", AT)
    cli._publish(gongdan)
    assert "scenarios say: no" in capsys.readouterr().err
    assert gongdan.releases.current_number() == 2


def test_the_command_says_what_passed_and_keeps_the_reason_for_what_nobody_played(
    gongdan: Gongdan, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def opened() -> Iterator[Gongdan]:
        yield dataclasses.replace(gongdan, settings=dataclasses.replace(gongdan.settings, project=folder))

    monkeypatch.setattr(operations, "opened", opened)
    policy = SHIPPED["bpmn/telecom/policy_consultation.bpmn"].decode()
    for name in ("id", "processRef"):
        policy = policy.replace(f'{name}="policy_consultation"', f'{name}="policy_copy"')
    (folder / "bpmn/telecom/policy_copy.bpmn").write_text(policy)
    run = CliRunner().invoke
    refused = run(operations.publish, ["--note", "pilot"])
    assert isinstance(refused.exception, InvalidFile)
    assert "policy_copy" in str(refused.exception)
    done = run(operations.publish, ["--note", "pilot", "--unproved", "scenarios follow on Monday"])
    assert (done.exit_code, done.exception) == (0, None), done.output
    assert "release 2: 1 files" in done.output
    assert "has no scenarios" in done.output
    assert gongdan.releases.numbers()[0].note == "pilot (without scenarios: scenarios follow on Monday)"
