"""Guards: a version the tests do not cover, diagrams that run for ever, commands on what is not there."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version

import pytest

from engine.base.errors import ConfigurationError, InvalidFile, Rejected, Runaway, TechnicalFailure
from engine.bpmn.spiff.logical_clock import MAX_NEW_TASKS, MAX_STEPS
from engine.bpmn.spiff.patches import TESTED, check_version
from engine.bpmn.spiff.workflows import MAX_NESTING
from tests.bpmn_text import bpmn, call, definitions, dmn, many, process_xml, rule, script, service, sub, user
from tests.playing import Play, program


def test_the_installed_version_is_a_tested_one() -> None:
    check_version(version("SpiffWorkflow"))


@pytest.mark.parametrize("other", ["3.1.0", "3.2.1", "4.0.0", ""])
def test_another_version_stops_the_start_and_says_why(other: str) -> None:
    with pytest.raises(ConfigurationError, match=f"tested with {', '.join(sorted(TESTED))}"):
        check_version(other)


# ---------------------------------------------------------------- runaways
def test_a_loop_without_a_person_is_stopped() -> None:
    text = bpmn("main", "start > x_in > count > x_out > end; x_out > x_in: n >= 0", script("count", "n = n"))
    with pytest.raises(Runaway, match=f"more than {MAX_STEPS:,} automatic steps"):
        Play(program(text), {"n": 0})


@pytest.mark.parametrize("count", [MAX_NEW_TASKS + 1, 10_000_000])
def test_a_bomb_of_instances_is_stopped_before_it_fills_the_memory(count: int) -> None:
    text = bpmn("main", "start > ask > end", user("ask", many=many(str(count))))
    with pytest.raises(Runaway, match=f"more than {MAX_NEW_TASKS:,} new tasks"):
        Play(program(text))


def test_a_bomb_of_data_is_stopped_before_it_fills_the_memory() -> None:
    """Each instance has the case's data to itself: many instances of a case that knows much are a bomb, too."""
    text = bpmn("main", "start > ask > end", user("ask", many=many("400")))
    with pytest.raises(Runaway, match="of case data copied"):
        Play(program(text), {f"said_{n}": "x" * 10_000 for n in range(10)})
    assert len(Play(program(text), {"said": "x" * 10_000}).open) == 400


def test_the_bomb_of_data_counts_what_stands_there_not_how_memory_shares_it() -> None:
    """One text under many names is one object live and many after a reload: both must be judged alike."""
    text = bpmn("main", "start > ask > end", user("ask", many=many("400")))
    one = "x" * 10_000
    with pytest.raises(Runaway, match="of case data copied"):
        Play(program(text), {f"said_{n}": one for n in range(10)})


def test_a_message_to_each_of_several_is_one_request_each() -> None:
    tell = service("tell", service="sms", template='"sms_each"', to='"1"')
    text = bpmn("main", "start > tell > end", replace(tell, inner=tell.inner + many("3")))
    assert len(Play(program(text)).last.services) == 3


def test_a_fork_bomb_is_stopped() -> None:
    """Three branches that each come back: 3, 9, 27 … tokens, without an end."""
    text = bpmn(
        "main",
        "start > x_in > p_a > a > x_in; p_a > b > x_in; p_a > c > x_in",
        *[script(n, "n = n") for n in "abc"],
    )
    with pytest.raises(TechnicalFailure):
        Play(program(text), {"n": 0})


def test_a_process_that_calls_itself_is_stopped() -> None:
    text = definitions(process_xml("main", "start > again > end", call("again", "main")))
    with pytest.raises(Runaway, match=f"nested more than {MAX_NESTING} deep"):
        Play(program(text))


@pytest.mark.timeout(20)
def test_hundreds_of_sub_processes_at_once_do_not_slow_each_other_down() -> None:
    inner = sub("each", "start_i > work > end_i", many=many("400"))
    play = Play(program(bpmn("main", "start > each > look > end", inner)))
    assert len(play.open) == 400
    play.complete("work")
    assert len(play.open) == 399


def test_a_thousand_steps_are_enough_for_honest_diagrams() -> None:
    """Two hundred automatic steps in a row are nothing special."""
    names = [f"s{n}" for n in range(200)]
    text = bpmn("main", f"start > {' > '.join(names)} > look > end", *[script(n, "n = n") for n in names])
    assert Play(program(text), {"n": 0}).open == ["look"]


# ---------------------------------------------------------------- what cannot be
def test_an_unknown_process_is_refused() -> None:
    with pytest.raises(Rejected, match="no 'other'"):
        Play(program(bpmn("main", "start > call > end")), process="other")


def test_a_condition_that_fails_names_its_gateway() -> None:
    play = Play(program(bpmn("main", "start > call > x_ok > end; x_ok > call: never_set == 1")))
    with pytest.raises(TechnicalFailure, match="never_set") as failure:
        play.complete("call")
    assert failure.value.element == "x_ok"


def test_a_gateway_without_a_way_out_fails_with_its_element() -> None:
    text = bpmn("main", "start > call > x_ok > end: ok; x_ok > call: not ok and retry")
    play = Play(program(text))
    with pytest.raises(TechnicalFailure) as failure:
        play.complete("call", ok=False, retry=False)
    assert failure.value.element == "x_ok"


def test_the_first_matching_rule_of_a_table_decides_and_no_match_gives_nothing() -> None:
    table = dmn(
        "route",
        ["language"],
        ["queue"],
        ['"yue"', '"cantonese"'],
        ['"yue"', '"second"'],
        ['"en"', '"english"'],
    )
    made = program(bpmn("main", "start > decide > look > end", rule("decide", "route")), tables=(table,))
    assert Play(made, {"language": "yue"}).data["queue"] == "cantonese"
    assert "queue" not in Play(made, {"language": "fr"}).data
    assert made.decisions.decide("route", {"language": "en"}) == {"queue": "english"}
    assert made.decisions.decide("route", {"language": "fr"}) == {}


def test_an_unknown_table_is_refused() -> None:
    made = program(bpmn("main", "start > call > end"))
    with pytest.raises(InvalidFile, match="no decision table 'route'"):
        made.decisions.decide("route", {})


@pytest.mark.parametrize(
    "text",
    [
        bpmn("main", "start > ask > end", call("ask", "nowhere")),
        bpmn("main", "start > decide > end", rule("decide", "nowhere")),
        bpmn("main", "start > call > end").replace(b'targetRef="end"', b'targetRef="nobody"'),
        bpmn("main", "start > inside > end", sub("inside", "start_a > one > end_i; start_b > one")),
        bpmn("main", "start > call > end; call > end_other"),
    ],
    ids=[
        "call to nothing",
        "table that is not there",
        "flow to nothing",
        "two starts",
        "two ways out of a task",
    ],
)
def test_a_diagram_that_cannot_run_is_refused_when_it_is_read(text: bytes) -> None:
    with pytest.raises(InvalidFile):
        program(text)
