"""The forms that ship: all load, agree with each other, and keep the promises of the processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InvalidForm
from engine.forms import LOCALES, Field, Form, message
from engine.forms.model import Group

NOW = "2026-02-13T08:00:30+00:00"
FILES = sorted((Path(__file__).parents[2] / "forms").glob("*.json"))
FORMS = {path.stem: Form.load(path.read_bytes(), f"forms/{path.name}") for path in FILES}
FREE_TEXT = {"textarea", "phone", "file"}


def fields(group: Group) -> list[Field]:
    return [*group.fields, *(inner for field in group.fields if field.rows for inner in field.rows.fields)]


def codes(form: str, values: dict[str, Any], context: dict[str, Any] | None = None) -> dict[str, str]:
    _, errors = FORMS[form].check(values, context=context or {}, now=NOW)
    return {error.field: error.code for error in errors}


def test_there_are_forms() -> None:
    assert len(FORMS) > 50


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_text_is_in_every_language(form: Form) -> None:
    texts = [form.title, *(rule.message for rule in form.group.rules)]
    for field in fields(form.group):
        texts += [text for text in (field.label, field.help, field.section) if text]
        texts += [option.label for option in field.options]
    for text in texts:
        assert list(text) == list(LOCALES)
        assert all(text.values())


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_free_text_and_numbers_of_people_are_sealed(form: Form) -> None:
    for field in form.fields:
        if field.widget in FREE_TEXT:
            assert field.personal, field.name


def test_a_name_means_the_same_in_every_form() -> None:
    kinds: dict[str, set[tuple[Any, bool]]] = {}
    for form in FORMS.values():
        for field in form.fields:
            if field.widget != "readonly":
                kinds.setdefault(field.name, set()).add((field.schema["type"], field.personal))
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_empty_submission_is_refused_or_harmless(form: Form) -> None:
    clean, errors = form.check({}, now=NOW)
    assert errors or set(clean.values()) <= {False}
    for error in errors:
        for locale in LOCALES:
            assert message(error, locale)


# -- F0 ---------------------------------------------------------------------------------------------------

COMPLAINT: dict[str, Any] = {
    "channel": "phone",
    "received_at": "2026-02-13T08:00:00+00:00",
    "customer_name": "陈先生",
    "contact_phone": "13812345678",
    "preferred_language": "mandarin",
    "kind": "complaint",
    "content": "宽带从昨天晚上开始一直连不上。",
    "demand": "尽快修好",
    "consent_recorded": True,
}


def complaint(**changes: object) -> dict[str, str]:
    values = {name: value for name, value in {**COMPLAINT, **changes}.items() if value is not None}
    return codes("record_complaint", values, {"case_opened_at": "2026-02-13T07:55:00+00:00"})


def test_complaint_is_accepted() -> None:
    assert complaint() == {}


@pytest.mark.parametrize("phone", ["13812345678", "0755-12345678", "02012345678", "010-1234567-12"])
def test_mobiles_and_landlines_are_accepted(phone: str) -> None:
    assert complaint(contact_phone=phone) == {}


@pytest.mark.parametrize("phone", ["12812345678", "1381234567", "+8613812345678", "abc", "138123456780"])
def test_other_numbers_are_refused(phone: str) -> None:
    assert complaint(contact_phone=phone) == {"contact_phone": "not_phone"}


@pytest.mark.parametrize("year", ["0002", "0266", "1899", "2200", "9999", "12026"])
def test_a_slip_in_the_year_is_told_and_breaks_nothing(year: str) -> None:
    typed = {"received_at": f"{year}-11-29T15:11", "channel": "phone"}
    answers = FORMS["record_complaint"].submit(
        lambda name: [typed[name]] if name in typed else [],
        context={"case_opened_at": "2026-02-13T07:55:00+00:00"},
        now=NOW,
    )
    assert answers.errors
    assert answers.values["received_at"].startswith(year), "what was typed stays to be mended"


def test_some_way_to_reach_the_customer_is_needed() -> None:
    assert complaint(contact_phone=None) == {"contact_phone": "required"}
    assert complaint(contact_phone=None, other_contact="a@example.com") == {}


def test_only_social_media_may_be_anonymous_and_says_why() -> None:
    assert complaint(customer_name=None) == {"customer_name": "required"}
    assert complaint(customer_name=None, anonymous=True) == {"customer_name": "required"}
    social = {"channel": "social_media", "customer_name": None, "anonymous": True}
    assert complaint(**social) == {"anonymous_reason": "required"}
    assert complaint(**social, anonymous_reason="只留了网名") == {}


def test_receipt_in_the_future_is_refused() -> None:
    assert complaint(received_at="2026-02-13T08:01:00+00:00") == {"received_at": "too_late"}


def test_backdating_beyond_ten_minutes_needs_a_reason() -> None:
    assert complaint(received_at="2026-02-13T07:45:00+00:00") == {}
    assert complaint(received_at="2026-02-13T07:44:59+00:00") == {"backdate_reason": "required"}
    assert complaint(received_at="2026-02-13T07:44:59+00:00", backdate_reason="系统故障后补录") == {}


def test_it_cannot_have_happened_after_it_was_received() -> None:
    assert complaint(occurred_at="2026-02-13T08:00:01+00:00") == {"occurred_at": "rule"}
    assert complaint(occurred_at="2026-02-13T08:00:00+00:00") == {}


@pytest.mark.parametrize(("content", "code"), [("短", "too_short"), ("长" * 2001, "too_long")])
def test_content_has_ten_to_two_thousand_characters(content: str, code: str) -> None:
    assert complaint(content=content) == {"content": code}


def test_a_complaint_needs_a_demand_and_a_question_does_not() -> None:
    assert complaint(demand=None) == {"demand": "required"}
    assert complaint(demand=None, kind="consultation") == {}


def test_contact_window_starts_before_it_ends() -> None:
    assert complaint(preferred_contact_window={"from": "12:00", "to": "09:00"}) == {
        "preferred_contact_window": "range_order"
    }


# -- Cantonese --------------------------------------------------------------------------------------------

CANTONESE: dict[str, Any] = {
    "language": "cantonese_guangzhou",
    "business_related": True,
    "mandarin_offered": True,
    "mandarin_accepted": False,
    "reason": "language_need",
    "mandarin_refusal": "cannot_speak",
    "user_number": "13812345678",
    "question": "想查询上个月的流量使用情况",
}


@pytest.mark.parametrize("reason", ["noise", "headset"])
def test_noise_is_no_reason_to_pass_a_call_on(reason: str) -> None:
    form = FORMS["cantonese_request"]
    with pytest.raises(InvalidForm) as caught:
        form.validate({**CANTONESE, "reason": reason}, now=NOW)
    (error,) = caught.value.errors
    assert error.field == "reason"
    assert "首问负责制" in message(error, "zh-Hans")


def test_chaoshan_needs_no_ticket_fields_and_keeps_none() -> None:
    clean = FORMS["cantonese_request"].validate({**CANTONESE, "language": "chaoshan"}, now=NOW)
    assert clean == {"language": "chaoshan", "business_related": True}


def test_who_accepts_mandarin_is_not_registered() -> None:
    clean = FORMS["cantonese_request"].validate({**CANTONESE, "mandarin_accepted": True}, now=NOW)
    assert "question" not in clean


def test_mandarin_is_offered_first() -> None:
    assert codes("cantonese_request", {**CANTONESE, "mandarin_offered": False}) == {
        "mandarin_offered": "must_be_ticked"
    }


def test_callback_needs_an_answer_only_when_reached() -> None:
    missed = {"direction": "outbound", "started_at": "2026-02-13T08:00:00+00:00", "result": "no_answer"}
    assert codes("callback_attempt", missed) == {}
    assert codes("callback_attempt", {**missed, "result": "reached"}) == {
        "summary": "required",
        "answer_given": "required",
    }
    assert codes("callback_attempt", {**missed, "query_result": "余额充足"}) == {
        "query_result_personal": "required"
    }


@pytest.mark.parametrize(
    ("form", "field", "anchor"),
    [
        ("callback_attempt", "started_at", "registered_at"),
        ("contact_log", "started_at", "received_at"),
        ("contact_log", "started_at", "case_opened_at"),
        ("campus_tell", "told_at", "case_opened_at"),
        ("ecommerce_tell_buyer", "told_buyer_at", "case_opened_at"),
        ("property_hand_over", "handed_over_at", "hung_up_at"),
        ("reply_promise", "hung_up_at", "received_at"),
        ("execution", "done_at", "case_opened_at"),
        ("insurance_tell_extension", "told_extension_at", "received_at"),
        ("insurance_letter", "letter_sent_at", "case_opened_at"),
        ("property_progress_call", "progress_told_at", "hung_up_at"),
        ("property_notify", "notified_at", "hung_up_at"),
        ("property_notify_repair", "notified_at", "case_opened_at"),
    ],
)
def test_what_was_done_for_a_matter_was_not_done_before_it_came_up_nor_later_than_now(
    form: str, field: str, anchor: str
) -> None:
    known = {anchor: "2026-02-13T07:30:45.5+00:00"}  # forms ask for whole minutes: 07:30 may be meant
    for minute, wrong in (("07:29", True), ("07:30", False), ("08:00", False), ("08:01", True)):
        found = codes(form, {field: f"2026-02-13T{minute}:00+00:00"}, known)
        assert (found.get(field) in ("too_early", "too_late")) is wrong, minute


def test_the_hint_of_a_code_says_what_is_taken() -> None:
    hint = FORMS["insurance_complaint"].field("reason_l1").help
    assert hint is not None
    assert all("03" in words for words in hint.values())
    report = {"is_complaint": True, "reason_l1": "03"}
    assert "reason_l1" not in codes("insurance_complaint", report)


# -- numbers, bills, faults, revisits ---------------------------------------------------------------------

OFFER = {"script_used": "number_reply_in_use", "customer_choice": "none"}


def test_words_must_fit_the_true_status_of_the_number() -> None:
    truth = {"bss_status": "in_use", "reply_script": "number_reply_in_use"}
    assert codes("number_offer", OFFER, truth) == {}
    for other in ("reserved_by_customer", "held_back_by_policy"):
        lie = {**OFFER, "script_used": f"number_reply_{other}"}
        assert codes("number_offer", lie, truth) == {"script_used": "rule"}
    assert codes("number_offer", OFFER, {**truth, "bss_status": "not_released"}) == {"script_used": "rule"}


def test_a_chosen_number_is_one_of_those_offered() -> None:
    context = {
        "bss_status": "in_use",
        "reply_script": "number_reply_in_use",
        "alternatives": [{"number": "18600001111"}],
    }
    picked = {**OFFER, "customer_choice": "pick_alternative"}
    assert codes("number_offer", {**picked, "chosen_number": "18600001111"}, context) == {}
    assert codes("number_offer", {**picked, "chosen_number": "18600002222"}, context) == {
        "chosen_number": "rule"
    }


def test_declining_needs_alternatives_free_in_bss_and_a_verified_status() -> None:
    declined: dict[str, Any] = {"bss_status": "held_back_by_policy", "supervisor_decision": "decline"}
    assert codes("number_supervisor_reply", declined) == {"alternatives": "required"}
    row = {"number": "18600001111", "prepayment": 10000, "minimum_spend": 3900}
    assert codes("number_supervisor_reply", {**declined, "alternatives": [row]}) == {
        "alternatives-0-free_in_bss": "must_be_ticked"
    }
    sound = {**declined, "alternatives": [{**row, "free_in_bss": True}]}
    assert codes("number_supervisor_reply", sound) == {}
    assert codes("number_supervisor_reply", {**sound, "bss_status": "not_found"}) == {"bss_status": "rule"}


def test_a_disputed_period_has_an_order_and_an_amount() -> None:
    dispute = {
        "disputed_number": "13812345678",
        "dispute_type": "vas",
        "period_from": "2026-01-01",
        "period_to": "2026-01-31",
        "disputed_amount": 1990,
    }
    assert codes("billing_dispute", dispute) == {}
    assert codes("billing_dispute", {**dispute, "period_to": "2025-12-31"}) == {"period_to": "rule"}
    assert codes("billing_dispute", {**dispute, "disputed_amount": 0}) == {
        "disputed_amount": "money_not_above"
    }
    assert codes("billing_dispute", {**dispute, "disputed_amount": 19.9}) == {"disputed_amount": "not_money"}


FAULT: dict[str, Any] = {
    "address_kind": "urban",
    "district": "宿城区",
    "estate": "阳光花园",
    "environment": "indoor",
    "signal_state": "bars_1_2",
    "phone_model": "P40",
    "cannot": ["data"],
    "duration_value": 3,
    "duration_unit": "days",
    "swap_test": "not_done",
    "callback_mobile": "13812345678",
    "contact_name": "李女士",
    "dispatch_channel": "e_ticket",
}


def test_the_place_of_a_fault_goes_down_to_village_or_estate() -> None:
    assert codes("network_fault", FAULT) == {}
    assert codes("network_fault", {**FAULT, "address_kind": "rural"}) == {
        "town": "required",
        "village": "required",
    }
    assert (
        codes("network_fault", {**FAULT, "address_kind": "rural", "township": "井头乡", "village": "一村"})
        == {}
    )


def test_the_announcement_is_needed_unless_only_data_fails() -> None:
    assert codes("network_fault", {**FAULT, "cannot": ["call_out", "data"]}) == {"prompt_heard": "required"}
    assert codes("network_fault", {**FAULT, "swap_test": "done"}) == {"swap_result": "required"}


def test_call_return_is_never_opened_without_consent() -> None:
    opened = {"customer_consent": "no", "call_return_opened_at": "2026-02-13T08:00:00+00:00"}
    assert FORMS["call_return_consent"].validate(opened, now=NOW) == {"customer_consent": "no"}


def test_dissatisfaction_needs_its_reason() -> None:
    satisfied = {"overall": 4, "solved": True, "times_complained": 1}
    assert codes("satisfaction_revisit", satisfied) == {}
    assert codes("satisfaction_revisit", {**satisfied, "overall": 2}) == {
        "dissatisfaction_reason": "required"
    }
    assert codes("satisfaction_revisit", {**satisfied, "solved": False}) == {
        "dissatisfaction_reason": "required"
    }
    assert codes("satisfaction_revisit", {"times_complained": 1}) == {}


def test_consent_cannot_be_valid_without_evidence() -> None:
    evidence = {"recording_present": False, "second_confirmation_present": False, "valid_consent": True}
    assert codes("order_evidence", evidence) == {"valid_consent": "rule"}
    assert codes("order_evidence", {**evidence, "recording_present": True}) == {}


def test_overriding_the_suggested_category_needs_a_reason() -> None:
    values = {
        "category": "billing",
        "severity": "general",
        "urgency": "normal",
        "involves_illegal_act": False,
        "involves_safety": False,
    }
    assert codes("classify", values, {"suggested_category": "billing"}) == {}
    assert codes("classify", values) == {}
    assert codes("classify", values, {"suggested_category": "other"}) == {"override_reason": "required"}


def test_a_duplicate_is_not_said_to_be_joined_or_reopened() -> None:
    """Nothing is merged, and no earlier case opens again: both cases go on, linked."""
    field = FORMS["duplicate_confirm"].field("duplicate_relation")
    said = " ".join(words for option in field.options for words in option.label.values())
    for claim in ("并入", "合併處理", "handled together", "重开", "重開", "reopened"):
        assert claim not in said
    assert field.help is not None
