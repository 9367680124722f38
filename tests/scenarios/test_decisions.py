"""Decision tables answer for every input there is, and say the same whichever rule one looks at first."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from lxml import etree

from engine.base.safe_parsing import load_dmn, local
from engine.base.settings import CHECKOUT
from engine.bpmn.conditions import compile_condition
from engine.release.releases import read_folder

FILES = read_folder(CHECKOUT)
BOOLEAN = (True, False)
SEVERITY = ("general", "severe", "major")
AMOUNTS = (0, 1, 4999, 5000, 5001, 19999, 20000, 20001, 10**9)  #: fen, round the limits
STATUS = ("free", "reserved_by_customer", "held_back_by_policy", "not_released", "in_use", "cooling_off",
          "not_in_this_region", "not_found")  # fmt: skip
CATEGORIES = ("product_quality", "service_attitude", "logistics", "network_quality", "billing", "sales_conduct",
              "contract_terms", "other")  # fmt: skip

#: table → every value its inputs can take
DOMAINS: dict[str, dict[str, tuple[Any, ...]]] = {
    "language_route": {
        "language": ("cantonese_guangzhou", "chaoshan", "leizhou", "other_dialect", "english", "other_foreign"),
        "business_related": BOOLEAN,
        "reason": ("language_need", "noise", "headset"),
        "mandarin_accepted": BOOLEAN,
    },
    "sms_choice": {
        "answered": BOOLEAN,
        "reconfirm_needed": BOOLEAN,
        "final_attempt": BOOLEAN,
        "result_state": ("none", "shareable", "confidential"),
        "promise_made": BOOLEAN,
    },
    "number_reply_script": {"bss_status": STATUS},
    "charge_outcome": {
        "charge_wrong": BOOLEAN,
        "abnormal": BOOLEAN,
        "self_ordered": ("yes", "no", "cannot_prove"),
        "order_compliant": (True, False, "unknown"),
    },
    "refund_approval": {
        "remedy": ("refund", "credit", "unsubscribe_and_refund", "none"),
        "refund_amount": AMOUNTS,
        "refund_over_disputed": BOOLEAN,
    },
    "recovery_approval": {
        "recovery_granted": AMOUNTS,
        "recovery_amount": AMOUNTS,
        "severity": SEVERITY,
        "recovery_floor": ("none", "supervisor", "manager"),
    },
    "revisit_exempt": {
        "dissatisfaction_reason": ("compensation_amount", "follows_principle", "handling_attitude", "handling_speed",
                                   "handling_result", "not_solved", "other"),
        "first_call_resolved": BOOLEAN,
    },
    "order_evidence": dict.fromkeys(
        ("recording_present", "second_confirmation_present", "valid_consent"), BOOLEAN
    ),
    "priority": {
        "involves_illegal_act": BOOLEAN,
        "involves_safety": BOOLEAN,
        "severity": SEVERITY,
        "urgency": ("low", "normal", "high"),
    },
    "work_queue": {
        "category": CATEGORIES,
        "preferred_language": ("mandarin", "cantonese", "other_dialect", "foreign"),
    },
}  # fmt: skip


@dataclass
class Table:
    """A decision table read without the engine: rules as texts."""

    inputs: list[str]
    outputs: list[str]
    rules: list[tuple[list[str], list[str]]]

    def answers(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        """What each matching rule answers."""
        return [
            {
                name: compile_condition(text).evaluate({}, {})
                for name, text in zip(self.outputs, answer, strict=True)
            }
            for tests, answer in self.rules
            if all(_fits(name, test, data) for name, test in zip(self.inputs, tests, strict=True))
        ]


def _fits(name: str, test: str, data: dict[str, Any]) -> bool:
    if test == "-":
        return True
    if test.startswith(("<", ">")):
        test = f"{name} {test}"
    elif re.search(r"\?", test):
        test = test.replace("?", name)
    else:
        test = f"{name} == {test}"
    return bool(compile_condition(test).evaluate(data, {}))


def read(name: str) -> Table:
    """The table in ``bpmn/decisions/<name>.dmn``."""
    path = f"bpmn/decisions/{name}.dmn"
    table = next(e for e in load_dmn(FILES[path], path).iter() if str(e.tag).endswith("}decisionTable"))
    return Table(
        inputs=[_text(_children(i, "inputExpression")[0]) for i in _children(table, "input")],
        outputs=[o.get("name", "") for o in _children(table, "output")],
        rules=[
            ([_text(e) for e in _children(r, "inputEntry")], [_text(e) for e in _children(r, "outputEntry")])
            for r in _children(table, "rule")
        ],
    )


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in element if local(child) == name]


def _text(element: etree._Element) -> str:
    return (_children(element, "text")[0].text or "").strip()


def answer(name: str, **data: Any) -> dict[str, Any]:
    """The one answer of table ``name``."""
    (found,) = read(name).answers(data)
    return found


@pytest.mark.parametrize("name", DOMAINS)
def test_exactly_one_rule_answers_whatever_comes_in(name: str) -> None:
    table, domain = read(name), DOMAINS[name]
    assert sorted(re.findall(r"\w+", " ".join(table.inputs))) == sorted(domain)
    for values in itertools.product(*domain.values()):
        data = dict(zip(domain, values, strict=True))
        assert len(table.answers(data)) == 1, data


def test_the_category_table_always_has_a_suggestion() -> None:
    table = read("complaint_category")
    assert table.rules[-1][0] == ["-", "-"]
    suggested = {compile_condition(text).evaluate({}, {}) for _, (text,) in table.rules}
    assert suggested == set(CATEGORIES)


def test_who_approves_a_recovery_depends_on_what_was_granted_before_too() -> None:
    approvers = [
        answer("recovery_approval", recovery_granted=granted, recovery_amount=4000, severity="general",
               recovery_floor="none")["approver"]
        for granted in (0, 1000, 4000, 16000, 16001)
    ]  # fmt: skip
    assert approvers == ["agent", "agent", "supervisor", "supervisor", "manager"]


def test_only_guangzhou_cantonese_gets_a_ticket() -> None:
    for language in DOMAINS["language_route"]["language"][1:]:
        found = answer("language_route", language=language, business_related=True, reason="language_need",
                       mandarin_accepted=False)  # fmt: skip
        assert found == {"language_action": "advise_mandarin"}


def test_noise_is_no_reason_to_divert() -> None:
    for reason in ("noise", "headset"):
        found = answer("language_route", language="cantonese_guangzhou", business_related=True, reason=reason,
                       mandarin_accepted=False)  # fmt: skip
        assert found == {"language_action": "answer_online"}


def test_no_sms_for_an_answered_call_and_no_result_that_is_confidential() -> None:
    for values in itertools.product(*DOMAINS["sms_choice"].values()):
        data = dict(zip(DOMAINS["sms_choice"], values, strict=True))
        (found,) = read("sms_choice").answers(data)
        assert (found["sms_template"] == "none") is data["answered"]
        assert found["sms_template"] != "sms_cantonese_2_result" or data["result_state"] == "shareable"
        within_two_days = found["sms_template"] == "sms_cantonese_1"
        assert not (within_two_days and data["promise_made"]), "the agreed time may be later"


def test_what_cannot_be_proved_was_not_ordered() -> None:
    found = answer("charge_outcome", charge_wrong=False, abnormal=False, self_ordered="cannot_prove",
                   order_compliant="unknown")  # fmt: skip
    assert found == {"charge_verdict": "wrong"}


@pytest.mark.parametrize("status", STATUS)
def test_each_number_status_has_its_own_words_and_they_name_nobody_else(status: str) -> None:
    from engine.release.templates import load_template

    key = answer("number_reply_script", bss_status=status)["reply_script"]
    assert key == f"number_reply_{status}"
    path = f"bpmn/templates/{key}.json"
    template = load_template(FILES[path], path)
    allowed = {"requested_number", "alternatives_text", "first_alternative", "first_prepayment", "first_minimum",
               "cooling_until"}  # fmt: skip
    assert {name for slot in template.slots.values() for name in slot.names} <= allowed
    assert not any("集团" in text or "集團" in text for text in template.text.values())


def test_who_asks_the_supervisor_about_a_number_says_only_what_holds_for_every_status() -> None:
    """The number may be known and taken as well: "cannot be found" is then untrue."""
    drawn = FILES["bpmn/telecom/number_request_consultation.bpmn"].decode()
    step = drawn[
        drawn.index('id="ask_supervisor"') : drawn.index(
            "</bpmn:userTask>", drawn.index('id="ask_supervisor"')
        )
    ]
    said = step[step.index('name="say" value="') :].split('"')[3]
    text = json.loads(FILES[f"bpmn/templates/{said}.json"])["text"]
    assert not any(word in text[locale] for locale in text for word in ("查不到", "cannot find", "not found"))
