"""Facts that reports count by: a few named, non-personal values of a case, each time they were recorded.

Only the names below are kept, and never a sealed value. Of personal texts that matter to a report only *that*
they were given is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from engine.storage.database import Write
from engine.storage.tables import case_fact

from .change import Change

STATEMENTS = {"fact_new": sa.insert(case_fact)}
LONGEST = 200  #: characters of JSON; what is longer is no code and belongs into no report

#: answers of forms: each time the form is sent counts (three ratings are three rounds)
ASKED = frozenset({
    # satisfaction (seed 004:535, 541-544; property 002:15; hospital 004:239-278)
    "attitude", "speed", "handling_result", "overall", "solved", "times_complained", "dissatisfaction_reason",
    "first_call_resolved", "satisfaction", "owner_satisfied", "patient_satisfaction", "problem_solved",
    # what it was about, how it ended
    "category", "closing_code", "complaint_type", "complaint_subtype", "dispute_type", "causes", "harm",
    "reason_l1", "reason_l2", "reason_l3", "is_complaint", "involves_violation", "major", "address_kind", "area",
    "knowledge_article_needed", "improvement_due", "effect_checked_at", "duplicate_of", "duplicate_relation",
    "recomplained", "escalation_decision", "rise_channel", "director_decision",
    # callback desk (seed 000:7, 19-22)
    "result", "language", "reason", "business_related", "mandarin_accepted", "mandarin_refusal",
    "needs_reconfirmation", "answered_language",
    # staff and spot checks (seeds 001:36, 004:557-561)
    "behaviour", "finding", "measure", "published_to", "check_object", "average_score", "objection_raised",
})  # fmt: skip

#: values that decision tables and scripts may set as well
DECIDED = frozenset({
    "kind", "severity", "responsible_branch", "branch", "origin_region", "destination_region", "checked_centre",
    "inspecting_centre", "centre", "hospital_department", "site", "responsible_department", "department",
    "revisit_outcome", "triage_category", "main_cause", "suggested_measure", "sample_size",
})  # fmt: skip

#: personal texts of which only is kept that they were given
GIVEN = frozenset({"root_cause", "improvement_action", "improvement_done"})

#: rows of which only is kept how many have a column filled in: name → (column, name of the fact)
COUNTED = {"scores": ("defect", "defects")}

_FORM = ASKED | DECIDED


def project(change: Change) -> Iterator[Write]:
    """One row for each fact this command recorded."""
    found: dict[str, Any] = {}
    sent: dict[str, Any] = change.command.get("data") or {}
    for name, value in sent.items():
        if name in _FORM:
            found[name] = value
        elif name in GIVEN:
            found[name] = True
        elif name in COUNTED:
            column, fact = COUNTED[name]
            found[fact] = sum(bool(row.get(column)) for row in value)
    seal = change.instance.seal
    personal = seal.personal
    for _, put, _ in change.effects.get("data", ()):
        for name, value in put.items():
            if name in DECIDED:
                found.setdefault(name, value if name in personal else seal.open_all(value))
    for name in sorted(found):
        value = found[name]
        if not _plain(value) or (name in personal and name not in GIVEN):
            continue
        text = orjson.dumps(value).decode()
        if len(text) <= LONGEST:
            yield (
                "fact_new",
                {
                    "case_id": change.case_id,
                    "seq": change.instance.seq,
                    "name": name,
                    "value": text,
                    "at": change.at,
                },
            )


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, str | int | float | bool) for one in value)
    return isinstance(value, str | int | float | bool)
