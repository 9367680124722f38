"""Of what the engine says of itself: histories verify, read models equal a rebuild, erased data is nowhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.app import Gongdan
from engine.case.rebuild import DERIVED, erased_faults, orphans, rebuild
from engine.operations import inspection
from engine.proof.verify import ERASED, IDENTICAL
from engine.storage.tables import cases
from tests.system.record import Record
from tests.system.stage import DATABASE

from .facts import Facts

_DERIVED = (*DERIVED, cases)
_NOT_DERIVED = (
    "wake_lease",
    "next_due",
)  #: of a case row; the first is a worker's, the second judged by itself


def faults(record: Record, facts: Facts, gongdan: Gongdan) -> Iterator[str]:
    """What is wrong with the records."""
    for case_id, row in facts.cases.items():
        verdict = gongdan.verify(case_id)
        erased = case_id in record.erased
        if verdict.state not in (
            {ERASED} if erased else {IDENTICAL, ERASED if case_id in record.maybe_erased else ""}
        ):
            yield f"{case_id} is {verdict.state}: row {verdict.seq}: {verdict.reason}"
        if verdict.state == ERASED:
            yield from (f"{case_id} is erased: {fault}" for fault in erased_faults(gongdan.db, case_id))
        yield from (f"{case_id}: {fault.reason}" for fault in inspection.glance(gongdan, case_id))
        if (row["seq"], bytes(row["head"]).hex()) != (
            len(facts.history[case_id]),
            facts.history[case_id][-1].hash,
        ):
            yield f"{case_id}: its row names another end of its history"
    yield from orphans(gongdan)
    before = _derived(gongdan)
    for case_id, fault in rebuild(gongdan):
        if fault is not None:
            yield f"{case_id}: {fault}"
    after = _derived(gongdan)
    for name in before:
        if before[name] != after[name]:
            yield f"the read model {name} is not what histories give: {sorted(before[name] ^ after[name])[:4]}"
    yield from _incidents(facts)
    yield from _erased(record, facts, gongdan)


def _derived(gongdan: Gongdan) -> dict[str, set[str]]:
    found = {}
    with gongdan.db.read() as connection:
        for table in _DERIVED:
            rows = connection.execute(sa.select(table)).mappings()
            found[table.name] = {
                repr({name: value for name, value in row.items() if name not in _NOT_DERIVED}) for row in rows
            }
    return found


def _incidents(facts: Facts) -> Iterator[str]:
    """An incident is opened and closed in the history of its case, at most once each."""
    noted: dict[str, list[str]] = {}
    for step in facts.steps():
        if step.kind == "incident":
            noted.setdefault(step.command["incident"], []).append(step.command["action"])
    known = {row["id"]: row for row in facts.tables["incident"]}
    for incident, actions in noted.items():
        if incident not in known:
            yield f"history names the incident {incident}, which is nowhere"
        elif actions.count("opened") > 1:
            yield f"the incident {incident} was opened {actions.count('opened')} times"


def _erased(record: Record, facts: Facts, gongdan: Gongdan) -> Iterator[str]:
    """What a customer told is in no table and in no byte of the file."""
    external = {row["id"]: row["external_id"] for row in facts.tables["cases"]}
    gone = {
        value: case_id
        for case_id in record.erased
        for value in record.personal.get(external.get(case_id) or "", {}).values()
        if not _kept_elsewhere(case_id, facts, record)
    }
    if not gone:
        return
    for table, column, value in _texts(gongdan.settings.var / DATABASE):
        for personal, case_id in gone.items():
            if personal in value:
                yield f"{case_id} is erased, and {table}.{column} still says {personal}"
    gongdan.db.shed()
    content = (gongdan.settings.var / DATABASE).read_bytes()
    for personal, case_id in gone.items():
        if personal.encode() in content:
            yield f"{case_id} is erased, and the file still says {personal}"


def _kept_elsewhere(case_id: str, facts: Facts, record: Record) -> bool:
    """Whether another case of the same customer, which this one opened or was opened by, is still there."""
    row = facts.cases[case_id]
    family = [one["id"] for one in facts.tables["cases"] if one["parent"] == case_id] + [row["parent"]]
    return any(one not in record.erased for one in family if one)


def _texts(file: Path) -> Iterator[tuple[str, str, str]]:
    with closing(sqlite3.connect(file)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            if table in ("blob", "release_file"):
                continue
            cursor: Any = connection.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor:
                for name, value in zip(names, row, strict=True):
                    if isinstance(value, bytes):
                        yield table, name, value.decode(errors="ignore")
                    elif isinstance(value, str):
                        yield table, name, value
