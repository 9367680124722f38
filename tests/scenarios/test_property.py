"""Property, fixed lines, cable, campus and hospital: limits stand where the table says, decisions always answer."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from engine.bpmn.diagrams import Element
from engine.release.release import Release
from tests.scenarios.test_decisions import FILES, answer, read

RELEASE = Release(0, FILES)
BOOLEAN = (True, False)
COMPLAINT, REPAIR = "property_complaint_call", "property_repair_call"
CONSULT, SERVICE, CARE = (
    "property_consultation_call", "property_service_revisit", "property_owner_care_revisit",
)  # fmt: skip
FIXED = "fixed_line_repair_overdue"

#: limit → (process, element whose work it limits or the waiting event itself, where the count begins)
LIMITS = {
    "TEL_FIXED_FAULT_OVERDUE": (FIXED, "repair_fault", "reported_at"),
    "REG_FAULT_URBAN": (FIXED, "repair_fault", "reported_at"),
    "REG_FAULT_RURAL": (FIXED, "repair_fault", "reported_at"),
    "TEL_FIXED_ETA_REPLY": (FIXED, "eta_reply", "spot_answered_at"),
    "PROP_CONSULT_REPLY": (CONSULT, "consult_reply", "hung_up_at"),
    "PROP_CONSULT_HANDOVER": (CONSULT, "hand_over", "hung_up_at"),
    "PROP_CONSULT_DEPT_ANSWER": (CONSULT, "department_answers", "handed_over_at"),
    "PROP_COMPLAINT_REPLY": (COMPLAINT, "complaint_handling", "call_ended_at"),
    "PROP_COMPLAINT_NOTIFY": (COMPLAINT, "notify_department", "call_ended_at"),
    "PROP_COMPLAINT_INFORM": (COMPLAINT, "inform_owner", "notified_at"),
    "PROP_COMPLAINT_SUPERVISE_MAX": (COMPLAINT, "supervise_progress", "supervise_anchor"),
    "PROP_COMPLAINT_REVISIT": (COMPLAINT, "complaint_revisit", "done_at"),
    "PROP_REPAIR_REPLY": (REPAIR, "repair_informing", "call_ended_at"),
    "PROP_REPAIR_NOTIFY": (REPAIR, "notify_department", "call_ended_at"),
    "PROP_REPAIR_INFORM": (REPAIR, "inform_owner", "notified_at"),
    "PROP_REPAIR_SUPERVISE_MAX": (REPAIR, "supervise_progress", "supervise_anchor"),
    "PROP_REPAIR_REVISIT": (REPAIR, "repair_revisit", "done_at"),
    "PROP_RVA_FORWARD": (SERVICE, "forward_problem", "problem_at"),
    "PROP_RVA_PROBLEM": (SERVICE, "revisit_problem", "forwarded_at"),
    "PROP_RVB_FORWARD": (CARE, "forward_problem", "problem_at"),
    "PROP_RVB_PROBLEM": (CARE, "revisit_problem", "forwarded_at"),
}
#: lower bounds: before them the task does not exist
WAITS = {
    "PROP_COMPLAINT_SUPERVISE_MIN": (COMPLAINT, "supervise_from", "supervise_anchor"),
    "PROP_REPAIR_SUPERVISE_MIN": (REPAIR, "supervise_from", "supervise_anchor"),
    "PROP_RVA_FIRST": (SERVICE, "first_visit_due", "trigger_at"),
    "PROP_RVA_SECOND": (SERVICE, "second_visit_due", "last_visit_at"),
    "PROP_RVB_FIRST": (CARE, "first_visit_due", "trigger_at"),
    "PROP_RVB_SECOND": (CARE, "second_visit_due", "last_visit_at"),
    "PROP_RVB_THIRD": (CARE, "third_visit_due", "last_visit_at"),
}
TOPICS = ("noise", "cleaning", "security", "facility", "fee", "parking", "staff", "other", "water_fee",
          "electricity_fee", "management_fee", "decoration", "water", "electricity", "lift", "gas", "door_lock", "leak",
          "public_area")  # fmt: skip
DOMAINS: dict[str, dict[str, tuple[Any, ...]]] = {
    "repair_overdue": {"past_overdue": BOOLEAN, "past_legal": BOOLEAN},
    "property_department": {"property_topic": TOPICS},
    "recomplaint_severity": {"severity": ("general", "severe", "major")},
    "danger_priority": {"danger": BOOLEAN, "repair_nature": (*TOPICS, None)},
    "policy_outcome": {"is_group_member": BOOLEAN, "already_joined": (True, False)},
    "accountability_measure": {
        "behaviour": (
            "not_standard",
            "mistake",
            "late",
            "unrequested_service",
            "violation",
            "false_advertising",
        )
    },
    "hospital_cause": dict.fromkeys(
        ("harm", "cause_technique", "cause_attitude", "cause_communication"), BOOLEAN
    ),
    "campus_routing": {"area": ("family", "teaching", "student"), "cross_centre": BOOLEAN},
}


def _timers(process: str, limit: str) -> list[Element]:
    elements = RELEASE.process(process).elements.values()
    return [e for e in elements if e.timer and f'sla_due("{limit}"' in e.timer]


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_stands_on_its_work_and_never_ends_it(limit: str) -> None:
    process, work, anchor = LIMITS[limit]
    (timer,) = _timers(process, limit)
    assert (timer.kind, timer.attached_to, timer.interrupting) == ("boundaryEvent", work, False)
    assert f'sla_due("{limit}", {anchor})' in (timer.timer or "")


@pytest.mark.parametrize("limit", WAITS)
def test_a_lower_bound_is_an_event_before_the_work(limit: str) -> None:
    process, event, anchor = WAITS[limit]
    (timer,) = _timers(process, limit)
    assert (timer.kind, timer.id) == ("intermediateCatchEvent", event)
    assert f'sla_due("{limit}", {anchor})' in (timer.timer or "")


@pytest.mark.parametrize("name", DOMAINS)
def test_exactly_one_rule_answers_whatever_comes_in(name: str) -> None:
    table, domain = read(name), DOMAINS[name]
    assert sorted(table.inputs) == sorted(domain)
    for values in itertools.product(*domain.values()):
        data = dict(zip(domain, values, strict=True))
        assert len(table.answers(data)) == 1, data


def test_each_re_complaint_is_one_step_more_severe() -> None:
    assert [answer("recomplaint_severity", severity=s)["severity"] for s in ("general", "severe", "major")] == [
        "severe", "major", "major",
    ]  # fmt: skip


def test_relief_is_open_only_past_the_limit() -> None:
    """Acceptance example 7; the scenarios play the two minutes themselves."""
    found = {
        late: answer("repair_overdue", past_overdue=late, past_legal=False)["fault_overdue"]
        for late in BOOLEAN
    }
    assert found == {True: True, False: False}


def test_the_window_of_the_hang_up_at_ten_is_written_by_hand() -> None:
    """Acceptance example 11: notified 10:09, informed 10:28, supervise from 11:28, breached 12:28."""
    for process in (COMPLAINT, REPAIR):
        scenarios = json.loads(FILES[f"bpmn/scenarios/{process}.json"])
        (found,) = [s for s in scenarios if "验收例 11" in s["source"]]
        assert [step["until"][11:16] for step in found["steps"] if "until" in step] == [
            "10:09", "10:28", "11:27", "11:28", "12:28",
        ]  # fmt: skip


def test_who_is_complained_about_is_kept_off_every_step_that_is_their_own() -> None:
    tasks = [e for e in RELEASE.process("staff_service_complaint").elements.values() if e.kind == "userTask"]
    assert {e.id for e in tasks if "complained_staff" not in e.listed("exclude")} == {"soothe"}
