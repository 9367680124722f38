"""What is verified beside the cases: the chains, the log, and everything else that the log tells of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from engine.people.security_log import told_of_cut
from engine.storage.chains import broken
from engine.storage.database import Database
from engine.storage.tables import release

from . import held, log_check
from .checkpoints import CHAINS
from .held import Fault
from .log import CASE, Leaf
from .notes import Verifier


def faults(db: Database, signers: Sequence[Verifier]) -> list[str]:
    """What is wrong with the access log, the verifications and the log, in words.

    Each checkpoint in the database must be signed by one of ``signers``.
    """
    found = []
    for kind, chain in CHAINS.items():
        fault = broken(db, chain)
        if fault is not None:
            found.append(f"the {kind}, row {fault.id}: {fault.reason}")
        elif not told_of_cut(db, chain):
            found.append(f"the {kind}: its beginning was cut off, and no entry of the security log says so")
    return found + releases(db) + log_check.faults(db, signers)


def releases(db: Database) -> list[str]:
    """Whether the newest release is the one in force, and no other."""
    rows = db.rows(sa.select(release.c.number, release.c.state).order_by(release.c.number))
    wrong = [number for number, state in rows if (state == "active") != (number == rows[-1].number)]
    return [
        f"release {number}: it is not the newest, or not in force, and its state says otherwise"
        for number in wrong
    ]


def held_against(db: Database, leaves: Iterable[Leaf]) -> tuple[dict[str, Fault], list[str]]:
    """What ``db`` does not bear out of ``leaves``: by case the first fault, in words whatever else."""
    cases: dict[str, Fault] = {}
    others = []
    for fault in held.faults(db, leaves):
        if fault.leaf.kind == CASE:
            cases.setdefault(fault.leaf.name, fault)
        else:
            others.append(f"{fault.leaf.thing}: {fault.reason}")
    return cases, list(dict.fromkeys(others))
