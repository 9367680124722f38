"""A question that may become a complaint: two processes of the small company, the first opens a case of the second."""

from __future__ import annotations

from tests.bpmn_text import bpmn, end, script, service, user
from tests.casework import FILES

LINKING: dict[str, bytes | None] = {
    **FILES,
    "bpmn/tests/asking.bpmn": bpmn(
        "asking",
        "start > note > call > turn > end_complaint",
        script("note", "kind = 'question'"),
        user("call", form="call"),
        service(
            "turn",
            service="case",
            process="complaining",
            event='"became_complaint"',
            carries="kind, customer_name, contact_phone, content, never_set",
        ),
        end("end_complaint", outcome="became_complaint"),
        startable="true",
    ),
    "bpmn/tests/complaining.bpmn": bpmn("complaining", "start > handle > end", startable="true"),
}
