"""Everything that can be wrong with a database, in words: chains, log, files, and whether rows are as history says."""

from __future__ import annotations

from collections.abc import Iterator

from engine.app import Gongdan
from engine.case import rebuild
from engine.proof import checkpoints, log, notes, records
from engine.proof.verify import DIVERGED, ERASED, Verdict

from . import attachment_check


def of_case(gongdan: Gongdan, verdict: Verdict) -> list[str]:
    """What is wrong with the case of ``verdict``, which says how its history was found."""
    case = verdict.case_id
    if verdict.state == DIVERGED:
        return [f"{case} row {verdict.seq}: {verdict.reason}"]
    if verdict.state == ERASED:
        return [f"{case} {line}" for line in rebuild.erased_faults(gongdan.db, case)]
    found = [f"{case} {line}" for line in rebuild.differences(gongdan, case)]
    return found + [f"{case} {line}" for line in attachment_check.faults(gongdan, case)]


def beside(gongdan: Gongdan, key: str | None = None) -> Iterator[str]:
    """What is wrong beside the cases: rows of none, the chains and the log, and what the log tells of otherwise.

    ``key``: the one that signed checkpoints before it was changed, as `run.py checkpoint` prints it.
    """
    yield from rebuild.orphans(gongdan)
    own = checkpoints.own_verifier(gongdan.settings.heads_key)
    cases, others = records.held_against(gongdan.db, log.as_far_as_whole(gongdan.db))
    yield from (f"{case} row {fault.leaf.seq}: {fault.reason}" for case, fault in cases.items())
    yield from others
    yield from records.faults(gongdan.db, [own, notes.log_key(key) if key else own])
