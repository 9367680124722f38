"""Verify: whatever somebody with the database in hand changes, re-execution or the chain names it, row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from engine.app import open_gongdan
from engine.base.errors import Damaged, NotFound
from engine.case.history import canonical, chain
from engine.case.instance import GENESIS
from engine.release.release import sha256
from engine.storage.tables import blob, cases, history, release_file
from tests.casework import Desk
from tests.erasing import destroy_key

Row = dict[str, Any]


@pytest.fixture
def worked(desk: Desk) -> tuple[Desk, str]:
    """A case with a history of every kind of row, and no protection: the attacker owns the database."""
    case = desk.start()
    desk.claim(case)
    desk.complete(case, result="busy", note="第一次")
    desk.send()
    desk.clock.advance(hours=3)
    desk.wake()
    desk.complete(case, result="busy")
    with desk.g.db.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER history_no_update")
        connection.exec_driver_sql("DROP TRIGGER history_no_delete")
    return desk, case


def read(desk: Desk, case: str) -> list[Row]:
    """The rows of a case, as they are stored."""
    with desk.g.db.read() as connection:
        query = sa.select(history).where(history.c.case_id == case).order_by(history.c.seq)
        return [
            {k: bytes(v) if isinstance(v, memoryview) else v for k, v in row.items()}
            for row in connection.execute(query).mappings()
        ]


def put(desk: Desk, case: str, rows: list[Row]) -> None:
    """Replace the rows of a case."""
    with desk.g.db.begin() as connection:
        connection.execute(sa.delete(history).where(history.c.case_id == case))
        connection.execute(sa.insert(history), rows)
    desk.g.dispatcher.forget(case)


def rechained(rows: list[Row]) -> list[Row]:
    """Rows with links and hashes that fit together again: what a careful forger would write."""
    made, previous = [], GENESIS
    for number, row in enumerate(rows, 1):
        row = {**row, "seq": number, "prev_hash": previous}
        previous = chain(
            row["case_id"],
            number,
            row["command"],
            row["effects"],
            row["release"],
            row["engine"],
            previous,
            row["recorded_at"],
        )
        made.append({**row, "hash": previous})
    return made


def changed(row: Row, **command: Any) -> Row:
    """A row whose command says something else."""
    return {**row, "command": canonical({**orjson.loads(row["command"]), **command})}


def test_an_honest_history_is_identical_whatever_the_wall_clock_says(worked: tuple[Desk, str]) -> None:
    desk, case = worked
    desk.clock.advance(days=4000)
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.commands, verdict.reason) == ("identical", len(desk.kinds(case)), None)


@pytest.mark.parametrize(
    "column", ["at", "actor", "command", "effects", "release", "engine", "prev_hash", "hash"]
)
def test_a_changed_byte_is_named_with_its_row(worked: tuple[Desk, str], column: str) -> None:
    desk, case = worked
    for seq in (1, 3, len(desk.kinds(case))):
        honest = read(desk, case)
        rows = [dict(row) for row in honest]
        value = rows[seq - 1][column]
        if isinstance(value, bytes):
            value = value[:-2] + bytes([value[-2] ^ 1]) + value[-1:]
        elif isinstance(value, int):
            value += 1
        else:
            value = value[:-1] + chr(ord(value[-1]) ^ 1)
        rows[seq - 1][column] = value
        put(desk, case, rows)
        verdict = desk.g.verify(case)
        assert (verdict.state, verdict.seq) == ("diverged", seq), (column, verdict)
        assert verdict.reason
        put(desk, case, honest)
    assert desk.g.verify(case).state == "identical"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((column, b"\xff\xfe") for column in ("at", "actor", "recorded_at", "engine")),
        *((column, 1.5) for column in ("command", "effects", "prev_hash", "hash")),
        ("release", 1.5),
        ("release", "x"),
    ],
)
def test_a_value_of_another_type_is_named_with_its_row(
    worked: tuple[Desk, str], column: str, value: object
) -> None:
    """SQLite keeps whatever type it is given."""
    desk, case = worked
    with desk.g.db.begin() as connection:
        connection.exec_driver_sql(f"UPDATE history SET {column} = ? WHERE seq = 2", (value,))
    desk.g.dispatcher.forget(case)
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", 2)
    assert column in str(verdict.reason)


def test_a_row_changed_with_text_functions_is_named_and_the_others_are_verified(
    worked: tuple[Desk, str],
) -> None:
    desk, case = worked
    with desk.g.db.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE history SET effects = replace(effects, 'call', 'cell') WHERE seq = 3"
        )
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", 3)


def _without(seq: int) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [row for row in rows if row["seq"] != seq]


def _swapped(rows: list[Row]) -> list[Row]:
    third, fourth = {**rows[2], "seq": 4}, {**rows[3], "seq": 3}
    return [*rows[:2], fourth, third, *rows[4:]]


@pytest.mark.parametrize(
    ("attack", "seq"),
    [
        (_without(1), 2),
        (_without(3), 4),
        (lambda rows: rows[:-1], None),
        (lambda rows: rows[:-3], None),
        (_swapped, 3),
        (lambda rows: [*rows, {**rows[-1], "seq": len(rows) + 1}], None),
        (lambda rows: [], None),
    ],
    ids=[
        "first row gone",
        "a row gone",
        "last row gone",
        "tail gone",
        "two rows swapped",
        "a row twice",
        "all rows gone",
    ],
)
def test_rows_that_are_missing_moved_or_too_many_are_found(
    worked: tuple[Desk, str], attack: Callable[[list[Row]], list[Row]], seq: int | None
) -> None:
    desk, case = worked
    rows = attack(read(desk, case))
    with desk.g.db.begin() as connection:
        connection.execute(sa.delete(history).where(history.c.case_id == case))
        if rows:
            connection.execute(sa.insert(history), rows)
    verdict = desk.g.verify(case)
    assert verdict.state == "diverged"
    assert verdict.reason
    if seq is not None:
        assert verdict.seq == seq


FORGERIES: dict[str, Callable[[list[Row]], list[Row]]] = {
    "another actor": lambda rows: [
        rows[0],
        {**changed(rows[1], actor="agent2"), "actor": "agent2"},
        *rows[2:],
    ],
    "another time": lambda rows: [
        rows[0],
        {**changed(rows[1], at="2026-03-02T01:00:01+00:00"), "at": "2026-03-02T01:00:01+00:00"},
        *rows[2:],
    ],
    "another answer": lambda rows: [*rows[:2], changed(rows[2], data={"result": "reached"}), *rows[3:]],
    "a step left out": lambda rows: [row for row in rows if b'"claim"' not in row["command"]],
    "other effects": lambda rows: [*rows[:2], {**rows[2], "effects": b"{}"}, *rows[3:]],
    "tail left out": lambda rows: rows[:-1],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_history_with_a_chain_that_fits_disagrees_with_the_head(
    worked: tuple[Desk, str], forgery: str
) -> None:
    """A forger who re-chains the rows still has the case's head, kept elsewhere, against him."""
    desk, case = worked
    put(desk, case, rechained(FORGERIES[forgery](read(desk, case))))
    assert desk.g.verify(case).state == "diverged"


@pytest.mark.parametrize("forgery", ["another answer", "other effects"])
def test_a_forger_who_writes_the_head_too_is_found_by_re_execution(
    worked: tuple[Desk, str], forgery: str
) -> None:
    """Effects follow from commands: whoever forges one must forge all that follow; then an anchored head differs."""
    desk, case = worked
    rows = rechained(FORGERIES[forgery](read(desk, case)))
    put(desk, case, rows)
    _write_head(desk, case, rows)
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", 3)
    assert "effects" in (verdict.reason or "") or "re-execution" in (verdict.reason or "")


def _write_head(desk: Desk, case: str, rows: list[Row]) -> None:
    with desk.g.db.begin() as connection:
        connection.execute(
            sa.update(cases).where(cases.c.id == case).values(seq=len(rows), head=rows[-1]["hash"])
        )


@pytest.mark.parametrize(
    "command",
    [
        {"type": "no such thing"},
        {"type": "complete"},
        {"type": "complete", "task": "five", "data": {}},
        {"type": "complete", "task": 5, "data": None},
        {"type": "timer", "timer": None},
        {"type": "claim", "task": [1]},
        {"type": "amend", "data": [], "reason": 1},
        {},
        [],
        None,
        "text",
    ],
    ids=str,
)
def test_nonsense_in_history_is_a_finding_and_never_a_crash(worked: tuple[Desk, str], command: Any) -> None:
    desk, case = worked
    rows = read(desk, case)
    if isinstance(command, dict):
        command = {"actor": rows[2]["actor"], "at": rows[2]["at"], **command}
    rows[2] = {**rows[2], "command": canonical(command)}
    rows = rechained(rows)
    put(desk, case, rows)
    _write_head(desk, case, rows)
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", 3)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 5000])
@pytest.mark.parametrize("column", ["command", "effects"])
def test_bytes_that_are_no_json_are_a_finding(worked: tuple[Desk, str], column: str, body: bytes) -> None:
    desk, case = worked
    rows = read(desk, case)
    rows[1] = {**rows[1], column: body}
    put(desk, case, rows)
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", 2)


def test_a_case_without_rows_and_rows_without_a_case(worked: tuple[Desk, str]) -> None:
    desk, case = worked
    with pytest.raises(NotFound):
        desk.g.verify("no-such-case")
    with desk.g.db.begin() as connection:
        connection.execute(sa.delete(cases).where(cases.c.id == case))
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.reason) == ("diverged", "history without a case row")


def test_history_cannot_be_changed_by_accident(any_desk: Desk) -> None:
    case = any_desk.start()
    for statement in (
        sa.update(history).values(actor="nobody"),
        sa.delete(history).where(history.c.case_id == case),
    ):
        with pytest.raises(Exception, match="append-only"), any_desk.g.db.begin() as connection:
            connection.execute(statement)
    assert any_desk.g.verify(case).state == "identical"


def test_the_chain_is_defined_and_does_not_move() -> None:
    """Golden: what was written once must be provable for ever."""
    first = chain("260302-00001-8", 1, b'{"a":1}', b"{}", 1, "1", GENESIS, "2026-03-02T01:00:00+00:00")
    text = '{"case":"260302-00001-8","command":{"a":1},"effects":{},"engine":"1","release":1,"seq":1}'
    assert first == hashlib.sha256(bytes(32) + text.encode()).digest()
    assert first.hex() == "68c177b8b276191c29bc5537021873887124546961f8932e11e0acc955734051"
    second = chain("260302-00001-8", 1, b'{"a":1}', b"{}", 1, "4", GENESIS, "2026-03-02T01:00:00+00:00")
    text = (
        '{"case":"260302-00001-8","command":{"a":1},"effects":{},"engine":"4",'
        '"recorded_at":"2026-03-02T01:00:00+00:00","release":1,"seq":1}'
    )
    assert second == hashlib.sha256(bytes(32) + text.encode()).digest()
    assert canonical({"b": 1, "a": {"d": "中", "c": None}}) == '{"a":{"c":null,"d":"中"},"b":1}'.encode()


def test_when_a_row_was_recorded_cannot_be_changed_unseen(worked: tuple[Desk, str]) -> None:
    desk, case = worked
    rows = read(desk, case)
    rows[1] = {**rows[1], "recorded_at": "1999-01-01T00:00:00+00:00"}
    put(desk, case, rows)
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq, verdict.reason) == ("diverged", 2, "the hash does not match the row")


def test_the_release_that_a_case_runs_on_is_part_of_what_is_proved(worked: tuple[Desk, str]) -> None:
    """A text of the release is worded otherwise, and everything around it made to fit."""
    desk, case = worked
    path = "bpmn/templates/sms_attempt.json"
    with desk.g.db.begin() as connection:
        this = release_file.c.path == path
        held = connection.scalar(sa.select(release_file.c.sha256).where(this))
        body = bytes(connection.scalar(sa.select(blob.c.body).where(blob.c.sha256 == held)) or b"") + b" "
        connection.execute(sa.insert(blob).values(sha256=sha256(body), body=body))
        connection.execute(sa.update(release_file).where(this).values(sha256=sha256(body)))
    with closing(open_gongdan(desk.g.settings)) as fresh:
        verdict = fresh.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", 1)
    assert verdict.reason is not None
    assert verdict.reason.startswith("re-execution gives other effects: release is recorded as")


@pytest.mark.parametrize(("spoilt", "said"), [(b"{}", "is not the file"), (None, "is gone")])
def test_a_file_of_a_release_that_is_not_what_was_published_is_not_used(
    worked: tuple[Desk, str], spoilt: bytes | None, said: str
) -> None:
    desk, case = worked
    with desk.g.db.begin() as connection:
        held = sa.select(release_file.c.sha256).where(
            release_file.c.path == "bpmn/templates/sms_attempt.json"
        )
        this = blob.c.sha256 == connection.scalar(held)
        connection.execute(
            sa.delete(blob).where(this) if spoilt is None else sa.update(blob).where(this).values(body=spoilt)
        )
    with closing(open_gongdan(desk.g.settings)) as fresh:
        with pytest.raises(Damaged, match=said):
            fresh.releases.current()
        verdict = fresh.verify(case)
        assert verdict.state == "diverged"
        assert said in str(verdict.reason)


def test_a_row_that_names_another_release_than_the_case_runs_on_is_found(worked: tuple[Desk, str]) -> None:
    desk, case = worked
    rows = read(desk, case)
    put(desk, case, rechained([rows[0], *({**row, "release": 7} for row in rows[1:])]))
    verdict = desk.g.verify(case)
    assert (verdict.state, verdict.seq) == ("diverged", 2)
    assert verdict.reason == "it names release 7, and the case runs on release 1"


def test_a_key_that_goes_without_a_word_is_no_erasure(worked: tuple[Desk, str]) -> None:
    desk, case = worked
    destroy_key(desk.g, case)
    verdict = desk.g.verify(case)
    assert verdict.state == "diverged"
    assert verdict.reason == "the key of the case is gone, and its history says nothing of an erasure"
