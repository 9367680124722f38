"""Signed heads show what no chain can: a history rewritten whole, or cut off, by whoever owns the database."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from engine.base.errors import InvalidFile, NotFound
from engine.cli.reports import export
from engine.cli.verify import verify
from engine.proof import checkpoints
from engine.storage.tables import cases, history
from tests.casework import Desk, opened
from tests.clock import Clock
from tests.integration.test_engine_verify import changed, put, read, rechained

SECRET, OTHER = b"s" * 32, b"o" * 32


@pytest.fixture
def worked(any_desk: Desk) -> tuple[Desk, str, str]:
    """Two cases with some history, in a database whose owner has taken its protection off."""
    one, other = any_desk.start(), any_desk.start()
    for case in (one, other):
        any_desk.complete(case, result="busy", note="第一次")
        any_desk.complete(case, result="busy", note="第二次")
    with any_desk.g.db.begin() as connection:
        if any_desk.g.db.sqlite:
            connection.exec_driver_sql("DROP TRIGGER history_no_update")
            connection.exec_driver_sql("DROP TRIGGER history_no_delete")
        else:
            connection.exec_driver_sql("DROP TRIGGER history_append_only ON history")
    return any_desk, one, other


def signed(desk: Desk, secret: bytes = SECRET) -> bytes:
    """The heads of now."""
    out = io.BytesIO()
    assert checkpoints.write(desk.g.db, secret, desk.at, out) == (
        len(desk.values("SELECT id FROM cases")),
        [],
    )
    return out.getvalue()


def found(desk: Desk, file: bytes, secret: bytes = SECRET) -> list[tuple[str, str]]:
    """Cases that do not lead through their signed heads, and why."""
    kept = checkpoints.read(io.BytesIO(file), checkpoints.public_key(secret))
    return [(head.case, why) for head, why in checkpoints.missing(desk.g.db, kept.heads)]


def behead(desk: Desk, case: str) -> None:
    """Let the case row say what the history now ends with, as a careful forger would."""
    last = read(desk, case)[-1]
    with desk.g.db.begin() as connection:
        connection.execute(
            sa.update(cases).where(cases.c.id == case).values(seq=last["seq"], head=last["hash"])
        )
    desk.g.dispatcher.forget(case)


def rewritten(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Another note in the second row, chained anew. Nothing else follows from a note, so it re-executes."""
    second = changed(rows[1], data={**json.loads(rows[1]["command"])["data"], "note": "从未打过"})
    return rechained([rows[0], second, *rows[2:]])


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (rewritten, "another one"),
        (lambda rows: rows[:-1], "row 3 is gone"),
    ],
    ids=["rewritten", "cut off"],
)
def test_what_verification_alone_takes_for_honest_is_found(
    worked: tuple[Desk, str, str], forge: Callable[[list[dict[str, Any]]], list[dict[str, Any]]], why: str
) -> None:
    desk, case, _ = worked
    kept = signed(desk)
    put(desk, case, forge(read(desk, case)))
    behead(desk, case)
    assert desk.g.verify(case).state == "identical", "the forger was careful"
    ((named, reason),) = found(desk, kept)
    assert named == case
    assert why in reason


def test_a_history_that_went_on_still_leads_through_its_signed_head(worked: tuple[Desk, str, str]) -> None:
    desk, case, _ = worked
    kept = signed(desk)
    desk.complete(case, result="reached")
    desk.start()
    assert found(desk, kept) == []


def test_a_case_that_is_gone_is_found(worked: tuple[Desk, str, str]) -> None:
    desk, case, _ = worked
    kept = signed(desk)
    with desk.g.db.begin() as connection:
        connection.execute(sa.delete(history).where(history.c.case_id == case))
    ((named, why),) = found(desk, kept)
    assert (named, "missing" in why) == (case, True)


@pytest.mark.parametrize("value", ["'text'", "5"], ids=["text", "number"])
def test_a_hash_of_another_type_is_told(tmp_path: Path, clock: Clock, value: str) -> None:
    with opened(tmp_path, clock) as desk:
        case = desk.start()
        kept = signed(desk)
        with desk.g.db.begin() as connection:
            connection.exec_driver_sql("DROP TRIGGER history_no_update")
            connection.exec_driver_sql(f"UPDATE history SET hash = {value}")
            connection.exec_driver_sql(f"UPDATE cases SET head = {value}")
        assert [name for name, _ in found(desk, kept)] == [case]
        assert desk.g.verify(case).state == "diverged"


def test_a_head_that_is_none_keeps_no_other_from_being_signed(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock) as desk:
        spoilt, whole = desk.start(), desk.start()
        with desk.g.db.begin() as connection:
            connection.exec_driver_sql("UPDATE cases SET head = 5 WHERE id = ?", (spoilt,))
        out = io.BytesIO()
        assert checkpoints.write(desk.g.db, SECRET, desk.at, out) == (1, [spoilt])
        out.seek(0)
        assert [head.case for head in checkpoints.read(out, checkpoints.public_key(SECRET)).heads] == [whole]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda lines: [*lines[:1], lines[1].replace(b'"seq":3', b'"seq":2'), *lines[2:]], "was changed"),
        (lambda lines: [lines[0], *lines[2:]], "was changed"),
        (lambda lines: lines[:-1], "no file of signed heads"),
        (lambda lines: [], "no file of signed heads"),
        (lambda lines: [b"case,seq\n", b"1,2\n"], "no file of signed heads"),
        (lambda lines: [b"[]\n", b"[]\n"], "no file of signed heads"),
        (lambda lines: [*lines[:-1], b'{"key":"00","signature":"zz"}\n'], "no file of signed heads"),
    ],
)
def test_a_file_that_was_changed_or_is_another_is_refused(
    worked: tuple[Desk, str, str], spoil: Callable[[list[bytes]], list[bytes]], why: str
) -> None:
    desk, _, _ = worked
    spoiled = b"".join(spoil(signed(desk).splitlines(keepends=True)))
    with pytest.raises(InvalidFile, match=why):
        found(desk, spoiled)


def test_heads_signed_with_another_key_are_refused_unless_it_is_named(worked: tuple[Desk, str, str]) -> None:
    desk, _, _ = worked
    others = signed(desk, OTHER)
    with pytest.raises(InvalidFile, match=f"signed with the key {checkpoints.public_key(OTHER)}"):
        found(desk, others)
    assert found(desk, others, OTHER) == []


def test_the_same_heads_are_signed_to_the_same_bytes(worked: tuple[Desk, str, str]) -> None:
    assert signed(worked[0]) == signed(worked[0])


# ---------------------------------------------------------------- command line
@pytest.fixture
def run(worked: tuple[Desk, str, str]) -> Callable[..., Result]:
    """A command of ``run.py`` on the database of the two cases."""
    settings = worked[0].g.settings
    env = {"DATABASE_URL": settings.database_url, "GONGDAN_VAR": str(settings.var)}

    def command(which: Any, *arguments: object) -> Result:
        return CliRunner(env=env).invoke(which, [str(a) for a in arguments])

    return command


def test_the_command_line_signs_and_holds_histories_against_it(
    worked: tuple[Desk, str, str], run: Callable[..., Result], tmp_path: Path
) -> None:
    desk, case, other = worked
    file = tmp_path / "heads.jsonl"
    done = run(export, "heads", "-o", file)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "2 cases, signed with the key" in done.stderr
    assert run(verify, "--all", "--against", file).exit_code == 0

    put(desk, case, read(desk, case)[:-1])
    behead(desk, case)
    assert run(verify, "--all").exit_code == 0
    told = run(verify, "--all", "--against", file, "--json")
    said = json.loads(told.stdout)
    assert told.exit_code == 1
    assert (said["cases"], said["identical"]) == (2, 1)
    assert [(one["case"], one["seq"]) for one in said["diverged"]] == [(case, 3)]
    assert run(verify, other, "--against", file).exit_code == 0, "only the case that was asked for"
    assert run(verify, case, "--against", file).exit_code == 1


def test_a_case_counts_once_and_one_that_is_gone_is_a_finding(
    worked: tuple[Desk, str, str], run: Callable[..., Result], tmp_path: Path
) -> None:
    desk, case, other = worked
    file = tmp_path / "heads.jsonl"
    run(export, "heads", "-o", file)
    at = json.loads(file.read_text().splitlines()[0])["at"]
    assert json.loads(run(verify, case, case, "--json").stdout)["cases"] == 1
    with desk.g.db.begin() as connection:
        connection.execute(sa.delete(history).where(history.c.case_id == case))
        connection.execute(sa.delete(cases).where(cases.c.id == case))
    told = run(verify, case, "--against", file)
    assert told.exit_code == 1
    assert f"{case} row 3: the case is missing" in told.stdout
    assert f"held against the heads of 2 cases, signed at {at}" in told.stdout
    said = json.loads(run(verify, other, "--against", file, "--json").stdout)
    assert (said["signed"], said["diverged"]) == ({"at": at, "cases": 2}, [])
    assert isinstance(run(verify, case).exception, NotFound), "without signed heads nobody knows of it"


def test_a_key_without_heads_is_wrong_use(run: Callable[..., Result]) -> None:
    done = run(verify, "--all", "--key", "00")
    assert done.exit_code == 2
    assert "--against" in done.stderr


@pytest.mark.parametrize("shape", ["xes", "ocel", "csv", "json"])
@pytest.mark.parametrize("spoil", [{"effects": b"{\x00"}, {"command": b"[]"}, {"effects": b'{"opened":5}'}])
def test_one_case_that_cannot_be_read_keeps_no_other_from_being_exported(
    worked: tuple[Desk, str, str],
    run: Callable[..., Result],
    tmp_path: Path,
    shape: str,
    spoil: dict[str, bytes],
) -> None:
    desk, spoilt, whole = worked
    rows = read(desk, spoilt)
    put(desk, spoilt, [rows[0], {**rows[1], **spoil}, *rows[2:]])
    file = tmp_path / "log"
    done = run(export, shape, "-o", file)
    assert not done.exception or isinstance(done.exception, SystemExit)
    text = file.read_text("utf-8")
    assert whole in text
    if shape == "json" and spoil["effects" if "effects" in spoil else "command"] != b"{\x00":
        assert done.exit_code == 0, "row by row as stored, whatever it means"
    else:
        assert done.exit_code == 1
        assert spoilt not in text
        assert f"left out: the history of case {spoilt} cannot be read" in done.stderr
