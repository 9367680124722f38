"""The modules whose faults are tried: those that decide what is true of a case, and who may do what."""

from __future__ import annotations

from pathlib import Path

#: files and folders, from the root of the checkout; of a folder each module
TRIED = (
    "engine/base/facts.py",
    "engine/base/sending.py",
    "engine/bpmn/conditions.py",
    "engine/bpmn/spiff/joins.py",
    "engine/bpmn/spiff/timers.py",
    "engine/case",
    "engine/delivery/leases.py",
    "engine/delivery/links.py",
    "engine/delivery/outbox.py",
    "engine/delivery/timers.py",
    "engine/forms/calls.py",
    "engine/forms/checking.py",
    "engine/forms/values.py",
    "engine/operations/erasure.py",
    "engine/operations/recompute_due_dates.py",
    "engine/people/directory.py",
    "engine/people/respondents.py",
    "engine/people/rights.py",
    "engine/people/roles.py",
    "engine/people/rules.py",
    "engine/privacy/sealing.py",
    "engine/proof/held.py",
    "engine/proof/verify.py",
    "engine/queries/board.py",
    "engine/queries/cases.py",
    "engine/queries/inbox.py",
    "engine/queries/notices.py",
    "engine/queries/scope.py",
    "engine/queries/work.py",
    "engine/sla/calendar.py",
    "engine/sla/durations.py",
    "engine/sla/time_rules.py",
)


def tried(root: Path) -> list[str]:
    """The modules, as paths from the root."""
    found: list[str] = []
    for name in TRIED:
        place = root / name
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        found += [str(file.relative_to(root)) for file in files if file.stat().st_size]
    return found
