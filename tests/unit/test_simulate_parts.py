"""The parts of the simulation: decks, clock, shifts, filling, and whether behaviour.json fits the forms."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.instants import SHANGHAI
from engine.base.sending import SENT, Entry
from engine.base.settings import CHECKOUT
from engine.forms import Form
from engine.people.roles import Assignment
from engine.release.release import Release
from engine.release.releases import read_folder
from engine.scenarios import Scenario
from engine.simulate.arrivals import MIX, REVISIT, Load, Revisits, mixed
from engine.simulate.behaviour import PATIENCE, Behaviour, Customer, Persona
from engine.simulate.customers import stories, story
from engine.simulate.filling import CannotFill, Filler
from engine.simulate.gateway import SimulatedGateway
from engine.simulate.patterns import example
from engine.simulate.running import parse_until
from engine.simulate.schedule import Schedule
from engine.simulate.staff import EARLY, LATE, hire
from engine.simulate.stratified import Deck, generator

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # nine o'clock in Shanghai
SIX = (
    "network_fault_consultation",
    "number_request_consultation",
    "billing_dispute",
    "cantonese_callback",
    "satisfaction_revisit",
    "general_complaint",
)


@pytest.fixture(scope="module")
def release() -> Release:
    return Release(1, read_folder(CHECKOUT))


# ---------------------------------------------------------------- decks, clock, people
def test_a_deck_deals_every_choice_once_and_then_by_weight() -> None:
    deck = Deck(generator("1", "test"), [("usual", 8), ("rare", 1), ("never", 0)])
    assert {deck.draw(), deck.draw()} == {"usual", "rare"}
    assert Counter(deck.draw() for _ in range(90)) == {"usual": 80, "rare": 10}


def test_the_same_seed_deals_the_same_and_another_does_not() -> None:
    def dealt(seed: str) -> list[int]:
        deck = Deck(generator(seed, "test"), [(number, 1) for number in range(20)])
        return [deck.draw() for _ in range(20)]

    assert dealt("1") == dealt("1")
    assert dealt("1") != dealt("2")


def test_events_happen_in_time_order_and_ties_in_the_order_planned() -> None:
    schedule: Schedule[str] = Schedule(MONDAY)
    for hours, name in ((2, "late"), (1, "first"), (1, "second"), (-5, "past")):
        schedule.plan(MONDAY + timedelta(hours=hours), name)
    until = MONDAY + timedelta(hours=1)
    assert [schedule.next(until) for _ in range(4)] == ["past", "first", "second", None]
    assert schedule.now == until
    assert len(schedule) == 1


def test_there_is_somebody_for_every_duty_of_the_lanes_on_every_day(release: Release) -> None:
    workers = hire(8, generator("1", "staff"), release.roles.lanes, release.time.calendar)
    for duty in release.roles.lanes.values():
        if duty.role in ("caller", "system"):
            continue
        able = [
            worker
            for worker in workers
            if duty.role in worker.person.roles
            and (duty.skill is None or duty.skill in worker.person.skills)
            and (duty.department is None or duty.department in worker.person.departments)
        ]
        for day in range(7):
            noon = MONDAY + timedelta(days=day, hours=6)
            assert any(worker.on_duty(noon) for worker in able), (duty, day)


def test_a_shift_begins_again_on_the_next_working_day(release: Release) -> None:
    hired = hire(2, generator("1", "staff"), {"班": Assignment("supervisor")}, release.time.calendar)
    workers = {worker.person.name: worker for worker in hired}
    assert [workers["sim-agent-1"].shift, workers["sim-agent-2"].shift] == [EARLY, LATE]
    friday_night = MONDAY + timedelta(days=4, hours=12)
    assert workers["sim-supervisor-1"].next_duty(friday_night) == MONDAY + timedelta(days=7)
    assert workers["sim-supervisor-2"].next_duty(friday_night) == MONDAY + timedelta(days=5)
    assert not workers["sim-supervisor-1"].on_duty(friday_night)


def test_the_simulated_gateway_loses_some_messages() -> None:
    gateway = SimulatedGateway("1")
    entry = Entry("1/a", "1", "sms", "a", "sms_x", "13800000000", "…", 1)
    answers = Counter(gateway.send(entry).state for _ in range(200))
    assert set(answers) == {"sent", "failed", "retry", "unknown"}
    assert answers[SENT] > 150


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-07-01", "2015-06-30T16:00:00+00:00"),
        ("2015-07-01T12:00", "2015-07-01T04:00:00+00:00"),
        ("2015-07-01T12:00:00+00:00", "2015-07-01T12:00:00+00:00"),
    ],
)
def test_until_is_a_day_or_an_instant(text: str, expected: str) -> None:
    assert parse_until(text).isoformat() == expected


# ---------------------------------------------------------------- behaviour and forms
def customer(behaviour: Behaviour, number: int, process: str = "none") -> Customer:
    return behaviour.customer(f"case-{number}", process)


def test_every_form_of_the_six_processes_can_be_filled(release: Release) -> None:
    drawn = [
        process
        for process in release.processes.values()
        if process.id in SIX or process.path.startswith("bpmn/shared/")
    ]
    used = {element.properties.get("form") for process in drawn for element in process.elements.values()}
    context = {"case_opened_at": MONDAY.isoformat(), "alternatives": [{"number": "88881234"}]}
    for number in range(8):
        behaviour = Behaviour(str(number))
        filler = Filler(behaviour)
        for key, form in release.forms.items():
            if key not in used or key == "number_offer":  # which compares with what a supervisor said before
                continue
            values = filler.fill(form, "some_task", context, customer(behaviour, number), MONDAY)
            form.validate(values, context=context, now=MONDAY.isoformat())


def test_what_the_source_left_out_is_completed_and_the_rest_is_kept(release: Release) -> None:
    behaviour = Behaviour("1")
    someone = customer(behaviour, 1)
    context = {
        "case_opened_at": MONDAY.isoformat(),
        "received_at": MONDAY.isoformat(),
        "channel": "web_form",
        "content": "断网",
    }
    values = Filler(behaviour).fill(release.forms["record_complaint"], "record", context, someone, MONDAY)
    assert values["content"].startswith("断网")
    assert len(values["content"]) >= 10
    assert values["channel"] == "web_form"
    assert values["contact_phone"] == someone.phone
    assert values["customer_name"] == someone.name


def test_a_persona_answers_in_turn_and_its_last_answer_stays() -> None:
    behaviour = Behaviour("1")
    group = {persona.name: persona for persona in behaviour.personas["cantonese_callback"]}
    someone = customer(behaviour, 1)
    someone.persona = group["answers_second_call"]
    answers = [someone.answer("callback_1", "callback_attempt", "result") for _ in range(3)]
    assert answers == [(True, "no_answer"), (True, "reached"), (True, "reached")]
    assert someone.answer("callback_1", "callback_attempt", "summary") == (False, None)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^1[3-9]\d{9}$",
        r"^\d{6}-\d{5,}-[0-9A-Z]$",
        r"^(1[3-9]\d{9}|0\d{2,3}-?\d{7,8}(-\d{1,6})?)$",
        r"^(?:[A-Z]{2}|x+)\.[a-c-]*$",
        r"^[^\s@]+@[^\s@]+\.[a-z]{2,}$",
    ],
)
@given(seed=st.integers())
def test_an_example_of_a_plain_pattern_matches_it(pattern: str, seed: int) -> None:
    made = example(pattern, Random(seed))
    assert made is not None
    assert re.fullmatch(pattern, made)


@pytest.mark.parametrize("pattern", ["a(?=b)", "(a", "a{x}", "[a"])
def test_a_pattern_that_is_more_than_plain_gives_none(pattern: str) -> None:
    assert example(pattern, Random(1)) is None


def test_an_apology_is_found_to_have_no_amount(release: Release) -> None:
    form = release.forms["recovery_request"]
    behaviour = Behaviour("1")
    for number in range(8):
        someone = customer(behaviour, number)
        context = {"recovery_kind": "apology", "recovery_amount": 3000}
        filled = Filler(behaviour).fill(form, "request_recovery", context, someone, MONDAY)
        assert filled["recovery_amount"] == 0 or filled["recovery_kind"] != "apology"


def test_a_form_that_nobody_can_fill_is_named() -> None:
    text = dict.fromkeys(("zh-Hans", "zh-Hant-HK", "en"), "?")
    form = Form.load(
        b'{"key": "riddle", "title": %s, "source": "test", "fields": [{"name": "answer", "widget": "text",'
        b' "label": %s, "help": %s, "schema": {"pattern": "^(?=x)y$"}, "required": true}]}'
        % ((str(text).replace("'", '"').encode(),) * 3),
        "riddle.json",
    )
    behaviour = Behaviour("1")
    with pytest.raises(CannotFill, match="'riddle' on 'guess'"):
        Filler(behaviour).fill(form, "guess", {}, customer(behaviour, 1), MONDAY)


def test_behaviour_names_only_forms_fields_and_choices_that_exist(release: Release) -> None:
    behaviour = Behaviour("1")
    told = dict(behaviour.habits)
    for group in behaviour.personas.values():
        for persona in group:
            for key, answers in persona.answers.items():
                told.setdefault(key, []).extend((answer, 1) for answer in answers)
    elements = {
        element.id: element.properties["form"]
        for process in release.processes.values()
        for element in process.elements.values()
        if "form" in element.properties
    }
    for key, answers in told.items():
        owner, _, name = key.partition(".")
        form = release.forms.get(owner) or release.forms[elements[owner]]
        fields = form.group.by_name
        rows = [
            field.rows.by_name[name] for field in form.fields if field.rows and name in field.rows.by_name
        ]
        assert name in fields or rows, key
        field = fields.get(name) or rows[0]
        for answer, _weight in answers:
            if field.widget in ("radio", "select") and answer is not None:
                assert answer in [option.value for option in field.options], (key, answer)


def test_there_are_stories_for_the_six_processes() -> None:
    assert set(Behaviour("1").personas) == set(SIX)


# ---------------------------------------------------------------- mixed load
QUARTER = Load(1_000, date(2026, 1, 1), date(2026, 3, 31))


def test_a_mixed_load_brings_every_startable_process_on_every_kind_of_day(release: Release) -> None:
    business = mixed("1", QUARTER, release)
    startable = {process.id for process in release.processes.values() if process.startable}
    assert {arrival.process for _, arrival in business.arrivals} == startable - {REVISIT}
    assert len(business.arrivals) + business.revisits == QUARTER.cases
    assert all(QUARTER.begins <= at < QUARTER.ends for at, _ in business.arrivals)
    days = Counter(at.astimezone(SHANGHAI).date() for at, _ in business.arrivals)
    make_up, sunday, holiday = date(2026, 2, 14), date(2026, 3, 8), date(2026, 2, 17)
    assert min(days[make_up], days[sunday], days[holiday]) > 0
    assert json.loads(MIX.read_bytes())["shares"].keys() <= startable


def test_revisits_are_spread_evenly_over_the_cases_that_close() -> None:
    revisits = Revisits(3, 10)
    assert [number for number in range(1, 31) if revisits.falls_on_next()] == [4, 7, 10]
    assert not any(map(Revisits.falls_on_next, [Revisits(0, 0)] * 5))


def test_a_scenario_is_a_story_with_days_of_the_customers_own(release: Release) -> None:
    scenario = Scenario(
        "bpmn/scenarios/x.json", "cantonese_callback", "told", "tests", "2026-03-02T10:00:00+08:00", {},
        [
            {"complete": "register_request", "data": {"callback_number": "13800138000", "language": "chaoshan"}},
            {"wait": "PT2H"},
            {"complete": "callback_1", "data": {"result": "busy", "started_at": "2026-03-02T11:00:00+08:00"}},
            {"complete": "callback_1", "data": {"result": "lost"}, "refused": ["result"]},
            {"complete": "callback_1", "data": {"result": "reached", "summary": "@now"}},
        ],
    )  # fmt: skip
    assert story(scenario, release, {"callback_attempt.summary"}).answers == {
        "register_request.language": ["chaoshan"],
        "callback_1.result": ["busy", "reached"],
        "callback_1.started_at": ["@hours:-1.0"],
    }


def test_every_scenario_of_the_release_makes_a_story(release: Release) -> None:
    behaviour = Behaviour("1")
    told = stories(release, behaviour.untold)
    assert {p.id for p in release.processes.values() if p.startable} <= told.keys()
    assert all(name.partition(".")[0] in release.forms for name in behaviour.untold)
    elements = {element for process in release.processes.values() for element in process.elements}
    assert behaviour.optional | behaviour.periodic <= elements


def test_the_office_keeps_the_calendar_and_others_stand_in(release: Release) -> None:
    hired = hire(2, generator("1", "staff"), {"班": Assignment("supervisor")}, release.time.calendar)
    office, stand_in = hired[-2:]
    holiday = datetime(2026, 2, 18, 3, tzinfo=UTC)
    make_up = datetime(2026, 2, 28, 3, tzinfo=UTC)
    assert [worker.on_duty(holiday) for worker in (office, stand_in)] == [False, True]
    assert office.on_duty(make_up)


def test_the_same_answer_is_not_given_for_ever() -> None:
    someone = Customer("王敏", "13800000000", Persona("no", 1, {"ask.more": ["no"]}), Random(1), 0)
    given = [someone.answer("ask", "form", "more")[0] for _ in range(PATIENCE + 3)]
    assert given == [True] * (PATIENCE + 1) + [False] * 2
