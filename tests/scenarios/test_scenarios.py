"""Every scenario in ``bpmn/scenarios/`` runs through the engine as written, and together they reach everything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.app import Gongdan
from engine.base.errors import InvalidFile
from engine.base.settings import CHECKOUT
from engine.release.releases import read_folder
from engine.scenarios import Coverage, Run, Scenario, ScenarioFailed, bench, load, report, run_all
from engine.scenarios.words import differs

FILES = read_folder(CHECKOUT)
SCENARIOS = load(FILES)


@pytest.fixture(scope="module")
def engine() -> Iterator[Gongdan]:
    """One throw-away engine for all scenarios: each has a case of its own."""
    with bench(FILES) as gongdan:
        yield gongdan


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: f"{Path(s.path).stem}: {s.name}")
def test_scenario_runs_as_written(engine: Gongdan, scenario: Scenario) -> None:
    run = Run(engine, scenario)
    run.go()
    assert engine.verify(run.case_id).state == "identical", "replay from history must give the same case"


def test_scenarios_reach_every_element_and_flow(engine: Gongdan) -> None:
    coverage, failed = run_all(engine, SCENARIOS)
    assert failed == []
    assert coverage.uncovered() == []
    assert coverage.share(flows=True) == coverage.share(flows=False) == 1.0


def _broken(engine: Gongdan, **change: object) -> Run:
    known = next(s for s in SCENARIOS if s.process == "cantonese_callback")
    fields = {name: getattr(known, name) for name in known.__slots__}
    return Run(engine, Scenario(**{**fields, **change}))


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ({"complete": "callback_1", "by": "yue1"}, "'callback_1' is not open"),
        ({"expect": {"outcome": "answered_online"}}, "outcome is null, not answered_online"),
        ({"expect": {"weather": "fine"}}, "cannot expect 'weather'"),
        ({"until": "2020-01-01T00:00:00+08:00"}, "time cannot run back"),
        ({"dance": True}, 'unknown step {"dance":true}'),
    ],
)
def test_a_scenario_that_is_wrong_says_where(engine: Gongdan, step: dict[str, object], says: str) -> None:
    with pytest.raises(ScenarioFailed, match=says) as failure:
        _broken(engine, steps=[step]).go()
    assert "step 1" in str(failure.value)
    assert "cantonese_callback.json" in str(failure.value)


def test_a_case_that_cannot_be_opened_fails_at_its_opening(engine: Gongdan) -> None:
    with pytest.raises(ScenarioFailed) as failure:
        _broken(engine, process="none").go()
    assert "when the case opens at 2026-03-02 10:00" in failure.value.finding.message
    assert "开单时（2026-03-02 10:00）" in failure.value.finding.message_in("zh-Hans")


@pytest.mark.parametrize("start_at", ["yesterday", "2026-03-02T10:00:00"])
def test_an_instant_that_is_none_is_refused_with_its_file_and_scenario(start_at: str) -> None:
    wrong = {"process": "p", "name": "n", "source": "s", "start_at": start_at, "steps": []}
    with pytest.raises(InvalidFile, match=rf"^bpmn/scenarios/x.json: scenario 1: 'start_at': '{start_at}' "):
        load({"bpmn/scenarios/x.json": json.dumps([wrong]).encode()})


@pytest.mark.parametrize(
    ("name", "want", "got", "chinese", "english"),
    [
        ("due", {"A": "2026-03-02T12:00:00+08:00"}, {"A": "2026-03-02T05:00:00+00:00"},
         "A 应为 3月2日 12:00，实为 3月2日 13:00", "A is 2 Mar 13:00, not 2 Mar 12:00"),
        ("due", {"A": "2025-12-31T12:00:00+08:00"}, {"A": "2025-12-31T16:00:00+00:00"},
         "A 应为 2025年12月31日 12:00:00，实为 2026年1月1日 00:00:00",
         "A is 1 Jan 2026 00:00:00, not 31 Dec 2025 12:00:00"),
        ("due", {"A": "2026-03-02T12:00:00+08:00"}, {}, "A 应为 3月2日 12:00，实为 没有",
         "A is nothing, not 2 Mar 12:00"),
        ("clocks", {"A": "met", "B": "met"}, {"A": "met", "B": "running"}, "B 应为 met，实为 running",
         "B is running, not met"),
        ("open", ["call"], ["call", "mail"], "open 应为 call，实为 call、mail", "open is call, mail, not call"),
        ("sms", ["late"], [], "sms 应为 late，实为 没有", "sms is nothing, not late"),
    ],
)  # fmt: skip
def test_only_what_differs_is_told_and_in_words(
    name: str, want: object, got: object, chinese: str, english: str
) -> None:
    told = differs(name, want, got)
    assert (told.zh, told.en) == (chinese, english)


def test_a_scenario_without_a_process_is_refused() -> None:
    with pytest.raises(InvalidFile, match=r"scenario 1 lacks \['process'"):
        load({"bpmn/scenarios/x.json": b'[{"name": "n"}]'})


def test_nothing_reached_is_nothing_covered(engine: Gongdan) -> None:
    coverage = Coverage(list(engine.releases.current().processes.values()))
    assert coverage.share(flows=True) == 0
    assert "cantonese_callback/callback_1" in coverage.uncovered()


def test_the_report_counts_the_asked_diagrams_only() -> None:
    found = report(FILES, {"bpmn/telecom/cantonese_callback.bpmn"})
    assert found["coverage"] == {"elements": 1.0, "flows": 1.0, "uncovered": []}
    assert found["scenarios"] == {"run": len(SCENARIOS), "failed": []}


def test_files_that_make_no_release_are_a_failure_that_says_why() -> None:
    found = report(
        {"bpmn/telecom/cantonese_callback.bpmn": b"<nonsense"}, {"bpmn/telecom/cantonese_callback.bpmn"}
    )
    assert found["scenarios"]["run"] == 0
    assert "cantonese_callback.bpmn" in found["scenarios"]["failed"][0]
