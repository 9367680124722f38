"""What reports count of a release's cases: the answers that its forms mark, and what its processes name.

Releases from before there were marks count by the list that the software had then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.bpmn.diagrams import Process
from engine.forms import Form
from engine.forms.model import Counts, Mark

#: values that the software itself sets when it takes in complaints
OWN = frozenset({"triage_category"})


@dataclass(frozen=True)
class Counted:
    """Names of case data that become facts."""

    asked: frozenset[str]  #: answers, each time their form is sent
    decided: frozenset[str]  #: answers, and what tables and scripts set
    given: frozenset[str]  #: personal texts, of which only is kept that they were given
    rows: Mapping[str, tuple[str, str]] = field(default_factory=dict)  #: name → (column filled in, the fact)


def counted(forms: Iterable[Form], processes: Iterable[Process]) -> Counted:
    """What a release counts; :data:`UNMARKED` when neither a form nor a process of it says anything."""
    marks = list(_marks(forms))
    named = {name for process in processes for name in process.facts}
    if not marks and not named:
        return UNMARKED

    def marked(how: Counts) -> frozenset[str]:
        return frozenset(name for name, mark in marks if mark.counts is how)

    return Counted(
        asked=marked(Counts.ASKED),
        decided=marked(Counts.DECIDED) | named | OWN,
        given=marked(Counts.GIVEN),
        rows={name: (mark.column, mark.fact) for name, mark in marks if mark.counts is Counts.ROWS},
    )


def _marks(forms: Iterable[Form]) -> Iterator[tuple[str, Mark]]:
    return ((one.name, one.report) for form in forms for one in form.fields if one.report is not None)


UNMARKED = Counted(
    asked=frozenset(
        {
            "attitude",
            "speed",
            "handling_result",
            "overall",
            "solved",
            "times_complained",
            "dissatisfaction_reason",
            "first_call_resolved",
            "satisfaction",
            "owner_satisfied",
            "patient_satisfaction",
            "problem_solved",
            "category",
            "closing_code",
            "complaint_type",
            "complaint_subtype",
            "dispute_type",
            "causes",
            "harm",
            "reason_l1",
            "reason_l2",
            "reason_l3",
            "is_complaint",
            "involves_violation",
            "major",
            "address_kind",
            "area",
            "knowledge_article_needed",
            "improvement_due",
            "effect_checked_at",
            "duplicate_of",
            "duplicate_relation",
            "recomplained",
            "escalation_decision",
            "rise_channel",
            "director_decision",
            "result",
            "language",
            "reason",
            "business_related",
            "mandarin_accepted",
            "mandarin_refusal",
            "needs_reconfirmation",
            "answered_language",
            "behaviour",
            "finding",
            "measure",
            "published_to",
            "check_object",
            "average_score",
            "objection_raised",
        }
    ),
    decided=OWN
    | {
        "kind",
        "severity",
        "responsible_branch",
        "branch",
        "origin_region",
        "destination_region",
        "checked_centre",
        "inspecting_centre",
        "centre",
        "hospital_department",
        "site",
        "responsible_department",
        "department",
        "revisit_outcome",
        "main_cause",
        "suggested_measure",
        "sample_size",
    },
    given=frozenset({"root_cause", "improvement_action", "improvement_done"}),
    rows={"scores": ("defect", "defects")},
)
