"""The tables of couriers, insurers, shops and spot checks give exactly one answer whatever comes in."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from .test_decisions import BOOLEAN, SEVERITY, answer, read

COURIER_TYPES = ("pickup_delivery_time", "operation_service", "operation_safety", "operation_handling",
                 "customer_service", "uncontrollable_time", "suggestion", "other")  # fmt: skip
SOURCES = ("visit", "letter", "regulator_12378", "regulator_other")
REASONS = ("no_reason", "quality", "wrong_item", "size", "other")
STORES = ("c", "mt", "mall")
EVENTS = ("after_sales", "not_received", "malicious_harassment", "malicious_review", "late_shipping",
          "breach_of_promise", "none")  # fmt: skip

DOMAINS: dict[str, dict[str, tuple[Any, ...]]] = {
    "assist_party": {
        "severity": SEVERITY,
        "assist_party_wanted": ("operations", "other_region", "finance", "none"),
    },
    "courier_severity": {"channel_history": ("internal_ordinary", "hq", "external_body", "none")},
    "courier_type": {"complaint_type": COURIER_TYPES},
    "courier_dispatch": {
        "about_bill": BOOLEAN,
        "complaint_type": COURIER_TYPES,
        "handling_region": ("own", "other", "unknown", None),
    },
    "copy_list": {"involves_major": BOOLEAN},
    "complaint_or_consultation": {"is_complaint": BOOLEAN, "complaint_locked": BOOLEAN},
    "insurance_owner": {"owner_level": ("branch", "headquarters")},
    "violation_route": {
        "source": SOURCES,
        "involves_violation": BOOLEAN,
        "belongs_to": ("branch", "headquarters"),
    },
    "stockout_script": {"stock_reason": ("out_of_stock", "quality_hold")},
    "refund_deduction": {"transaction_state": ("open", "closed"), "store_type": STORES, "return_reason": REASONS},
    "return_eligibility": {
        "return_reason": REASONS,
        "within_no_reason_days": BOOLEAN,
        "affects_second_sale": BOOLEAN,
        "accessories_complete": BOOLEAN,
    },
    "postage_payer": {
        "return_reason": REASONS,
        "transaction_state": ("open", "closed"),
        "free_shipping_item": BOOLEAN,
        "store_type": STORES,
    },
    "claim_type": {
        "transaction_state": ("in_progress", "waiting_payment", "success", "closed"),
        "claim_event": EVENTS,
    },
    "claim_window": {"claim_kind": (*EVENTS[:-1], "in_progress"), "in_window": BOOLEAN, "store_type": STORES},
    "review_remedy": {
        "review_motive": ("ordinary", "competitor", "extortion"),
        "dissatisfied_with": ("goods", "service", "both"),
        "item_condition": ("brand_new", "used"),
        "buyer_attitude": ("calm", "bad"),
    },
    "sampling_plan": {"check_object": ("call", "ticket", "data_entry"), "population": (1, 20, 21, 200, 201)},
}  # fmt: skip


@pytest.mark.parametrize("name", DOMAINS)
def test_exactly_one_rule_answers_whatever_comes_in(name: str) -> None:
    table, domain = read(name), DOMAINS[name]
    assert sorted(table.inputs) == sorted(domain)
    for values in itertools.product(*domain.values()):
        data = dict(zip(domain, values, strict=True))
        assert len(table.answers(data)) == 1, data


def test_quality_is_never_the_buyers_postage() -> None:
    for state, free, store in itertools.product(("open", "closed"), BOOLEAN, STORES):
        found = answer("postage_payer", return_reason="quality", transaction_state=state,
                       free_shipping_item=free, store_type=store)  # fmt: skip
        assert found == {"exchange_postage": "seller", "refund_postage": "seller"}


def test_a_recorded_complaint_is_never_sent_back_to_consultation() -> None:
    for is_complaint in BOOLEAN:
        found = answer("complaint_or_consultation", is_complaint=is_complaint, complaint_locked=True)
        assert found == {"track": "complaint"}
