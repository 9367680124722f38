"""What was kept elsewhere shows what no chain can: a history rewritten whole or cut off by the database's owner."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import closing
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.app import open_gongdan
from engine.base.errors import GongdanError, InvalidFile, NotFound
from engine.base.settings import Settings
from engine.cli import database
from engine.cli.proof import checkpoint
from engine.cli.proof import prove as cli_prove
from engine.cli.reports import export
from engine.cli.verify import verify
from engine.proof import checkpoints, heads_file, held, log, log_check, notes, proofs, records, verifications
from engine.proof.notes import Checkpoint
from engine.proof.verifications import summary
from engine.storage import chains
from engine.storage.database import Database
from engine.storage.proof_tables import (
    chain_head,
    log_checkpoint,
    log_leaf,
    log_node,
    security_log,
    verification,
)
from engine.storage.tables import blob, cases, history, release, release_file, view_log
from run import cli
from tests.casework import Desk, opened
from tests.clock import Clock
from tests.heads import format_1
from tests.integration.test_engine_verify import changed, put, read, rechained
from tests.threads import together
from tests.witness import cosigned, public

SECRET, OTHER = b"s" * 32, b"o" * 32
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = notes.Verifier("witness.example/w1", notes.COSIGNATURE, public(WITNESS))
AT = "2026-03-02T01:00:00+00:00"


def unprotected(db: Database) -> None:
    """The owner of a database takes its protection off."""
    with db.begin() as connection:
        if db.sqlite:
            connection.exec_driver_sql("DROP TRIGGER history_no_update")
            connection.exec_driver_sql("DROP TRIGGER history_no_delete")
        else:
            connection.exec_driver_sql("DROP TRIGGER history_append_only ON history")


@pytest.fixture
def worked(any_desk: Desk) -> tuple[Desk, str, str]:
    """Two cases with some history, at which somebody looked, in a database whose owner has taken its protection off."""
    one, other = any_desk.start(), any_desk.start()
    for case in (one, other):
        any_desk.complete(case, result="busy", note="第一次")
        any_desk.complete(case, result="busy", note="第二次")
        for person in ("agent1", "agent2", "agent3"):
            any_desk.g.access_log.note(person, case, "case", AT)
    unprotected(any_desk.g.db)
    return any_desk, one, other


def signed(desk: Desk, secret: bytes = SECRET) -> bytes:
    """The heads of now, in a file with everything under their checkpoint."""
    made = checkpoints.make(desk.g.db, secret, desk.at)
    assert made.spoilt == []
    out = io.BytesIO()
    assert heads_file.write(desk.g.db, made.checkpoint, out) == len(desk.values("SELECT id FROM cases"))
    return out.getvalue()


def alone(desk: Desk) -> bytes:
    """The checkpoint of now, alone."""
    return checkpoints.make(desk.g.db, SECRET, desk.at).checkpoint.note.encode()


def before_the_log(desk: Desk) -> bytes:
    """The heads of now as they were written before there was a log; there is one in the database all the same."""
    checkpoints.make(desk.g.db, SECRET, desk.at)
    return format_1(desk.g.db, SECRET, desk.at)


def found(desk: Desk, file: bytes, secret: bytes = SECRET) -> list[tuple[str, str]]:
    """Cases that do not lead through their signed heads, and why."""
    kept = heads_file.read(io.BytesIO(file), [checkpoints.own_verifier(secret)])
    return [(fault.leaf.name, fault.reason) for fault in held.faults(desk.g.db, kept.leaves or [])]


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


FORGERIES = pytest.mark.parametrize(
    ("forge", "why"),
    [(rewritten, "another one"), (lambda rows: rows[:-1], "row 3 is gone")],
    ids=["rewritten", "cut off"],
)


@FORGERIES
@pytest.mark.parametrize("keep", [signed, before_the_log])
def test_what_verification_alone_takes_for_honest_is_found(
    worked: tuple[Desk, str, str],
    keep: Callable[[Desk], bytes],
    forge: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
    why: str,
) -> None:
    desk, case, _ = worked
    kept = keep(desk)
    put(desk, case, forge(read(desk, case)))
    behead(desk, case)
    assert desk.g.verify(case).state == "identical", "the forger was careful"
    ((named, reason),) = found(desk, kept)
    assert named == case
    assert why in reason


def test_a_history_that_went_on_still_leads_through_its_signed_head(worked: tuple[Desk, str, str]) -> None:
    desk, case, _ = worked
    kept, older = signed(desk), before_the_log(desk)
    desk.complete(case, result="reached")
    desk.start()
    assert found(desk, kept) == found(desk, older) == []
    assert found(desk, signed(desk)) == []


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


@pytest.mark.parametrize("value", ["5", "'text'"])
def test_a_head_that_is_none_keeps_no_other_from_being_signed(
    tmp_path: Path, clock: Clock, value: str
) -> None:
    with opened(tmp_path, clock) as desk:
        spoilt, whole = desk.start(), desk.start()
        with desk.g.db.begin() as connection:
            connection.exec_driver_sql(f"UPDATE cases SET head = {value} WHERE id = ?", (spoilt,))
        made = checkpoints.make(desk.g.db, SECRET, desk.at)
        assert made.spoilt == [spoilt]
        told = desk.values("SELECT name FROM log_leaf WHERE kind = 'case'")
        assert told == [whole]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda lines: [*lines[:1], lines[1].replace(b'"seq":3', b'"seq":2'), *lines[2:]], "was changed"),
        (lambda lines: [lines[0], *lines[2:]], "was changed"),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], "was changed"),
        (lambda lines: [*lines[:1], lines[2], lines[1], *lines[3:]], "was changed"),
        (lambda lines: [*lines[:1], lines[1].replace(b":", b": "), *lines[2:]], "no leaf of a log"),
        (lambda lines: [lines[0], b"[]\n", *lines[1:]], "no leaf of a log"),
        (lambda lines: lines[:-1], "no checkpoint"),
        (lambda lines: [], "no checkpoint"),
        (lambda lines: [b"case,seq\n", b"1,2\n"], "no checkpoint"),
        (lambda lines: [b"\xff\xfe\n"], "no file of signed heads"),
        (lambda lines: [b"{}\n", b"[]\n"], "no file of signed heads"),
        (lambda lines: [b'{"format":"x"}\n', b"{}\n"], "no file of signed heads"),
        (
            lambda lines: [*lines[:-5], lines[-5].replace(b"gongdan/", b"gongdan/x"), *lines[-4:]],
            "was changed",
        ),
    ],
)
def test_a_file_that_was_changed_or_is_another_is_refused(
    worked: tuple[Desk, str, str], spoil: Callable[[list[bytes]], list[bytes]], why: str
) -> None:
    desk, _, _ = worked
    spoiled = b"".join(spoil(signed(desk).splitlines(keepends=True)))
    with pytest.raises(InvalidFile, match=why):
        found(desk, spoiled)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda lines: [*lines[:1], lines[1].replace(b'"seq":3', b'"seq":2'), *lines[2:]], "was changed"),
        (lambda lines: [lines[0], *lines[2:]], "was changed"),
        (lambda lines: lines[:-1], "no file of signed heads"),
        (lambda lines: [*lines[:-1], b'{"key":"00","signature":"zz"}\n'], "no file of signed heads"),
    ],
)
def test_a_file_of_the_older_form_that_was_changed_is_refused(
    worked: tuple[Desk, str, str], spoil: Callable[[list[bytes]], list[bytes]], why: str
) -> None:
    desk, _, _ = worked
    spoiled = b"".join(spoil(before_the_log(desk).splitlines(keepends=True)))
    with pytest.raises(InvalidFile, match=why):
        found(desk, spoiled)


def test_what_another_key_signed_is_refused_unless_it_is_named(worked: tuple[Desk, str, str]) -> None:
    desk, _, _ = worked
    others, older = signed(desk, OTHER), format_1(desk.g.db, OTHER, AT)
    for file in (others, older):
        with pytest.raises(InvalidFile, match=r"not (by|with)"):
            found(desk, file)
        assert found(desk, file, OTHER) == []


# ---------------------------------------------------------------- the log
def test_nothing_new_writes_nothing_new(worked: tuple[Desk, str, str]) -> None:
    desk, case, _ = worked
    first = signed(desk)
    desk.clock.advance(hours=1)
    assert signed(desk) == first
    desk.complete(case, result="reached")
    assert len(signed(desk).splitlines()) == len(first.splitlines()) + 2, "one case, and when"
    assert log_check.faults(desk.g.db, [checkpoints.own_verifier(SECRET)]) == []


def test_a_long_log_is_kept_in_parts_and_is_whole(
    worked: tuple[Desk, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over 65,536 leaves there are hashes of two levels; here of as many as with four leaves to a hash."""
    monkeypatch.setattr("engine.proof.log.BITS", 2)
    monkeypatch.setattr("engine.proof.log._WIDTH", 4)
    monkeypatch.setattr("engine.proof.log_check.BITS", 2)
    monkeypatch.setattr("engine.proof.log._AT_ONCE", 3)
    monkeypatch.setattr("engine.proof.checkpoints._AT_ONCE", 2)
    desk, *_ = worked
    for number in range(24):
        desk.start()
        if number % 5 == 0:
            signed(desk)
    signed(desk)
    own = [checkpoints.own_verifier(SECRET)]
    assert {level for (level,) in desk.g.db.rows(sa.select(log_node.c.level))} == {2, 4}
    assert log_check.faults(desk.g.db, own) == []
    for size, _ in checkpoints.sizes(desk.g.db):
        kept = heads_file.Kept(checkpoints.stored(desk.g.db, size), None)
        assert log_check.continues(desk.g.db, kept) is None


def test_of_many_who_sign_at_once_none_forks_the_log(
    worked: tuple[Desk, str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.proof.checkpoints._AT_ONCE", 2)
    desk, *_ = worked
    with closing(open_gongdan(settings)) as other:  # as another process would

        def work(db: Database, number: int) -> list[Checkpoint]:
            made = []
            for _ in range(3):
                desk.start()
                made.append(checkpoints.make(db, SECRET, desk.at).checkpoint)
            return made

        workers = [partial(work, db, number) for number, db in enumerate((desk.g.db, other.db) * 2)]
        made = [one for several in together(*workers) for one in several]
    last = signed(desk)
    own = [checkpoints.own_verifier(SECRET)]
    assert log_check.faults(desk.g.db, own) == []
    assert found(desk, last) == []
    assert len(desk.values("SELECT name FROM log_leaf WHERE kind = 'case'")) == 14, "each head once"
    for one in made:
        assert log_check.continues(desk.g.db, heads_file.Kept(one, None)) is None


def hashed(text: str) -> bytes:
    return text.encode().ljust(32, b"0")


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (sa.update(log_leaf).where(log_leaf.c.number == 1).values(hash=hashed("x")), "another root"),
        (sa.update(log_leaf).where(log_leaf.c.number == 1).values(seq=2), "another root"),
        (sa.update(log_leaf).where(log_leaf.c.number == 1).values(name="260302-00099-1"), "another root"),
        (sa.update(log_leaf).where(log_leaf.c.number == 1).values(kind="release"), "another root"),
        (sa.update(log_leaf).where(log_leaf.c.number == 1).values(number=99), "leaf 1 of the log is missing"),
        (sa.delete(log_leaf).where(log_leaf.c.number == 1), "leaf 1 of the log is missing"),
        (sa.delete(log_leaf).where(log_leaf.c.number == 4), "leaf 4 of the log is missing|the log is shorter"),
        (sa.delete(log_leaf), "the log is shorter"),
        (sa.insert(log_node).values(level=8, number=0, hash=hashed("x")), "over leaves that are not there"),
        (sa.update(log_checkpoint).values(size=2), "it is of 7 leaves"),
        (sa.update(log_checkpoint).values(note=notes.sign(checkpoints.signing_key(OTHER), 7, hashed(""))), "signed by"),
        (sa.update(log_checkpoint).values(note=notes.sign(checkpoints.signing_key(SECRET), 7, hashed(""))), "root"),
        (sa.update(log_checkpoint).values(note="x"), "no checkpoint"),
    ],
)  # fmt: skip
def test_a_log_that_was_changed_is_found_and_never_signed_again(
    worked: tuple[Desk, str, str], statement: Any, why: str
) -> None:
    desk, *_ = worked
    assert checkpoints.make(desk.g.db, SECRET, desk.at).checkpoint.size == 7
    with desk.g.db.begin() as connection:
        connection.execute(statement)
    told = log_check.faults(desk.g.db, [checkpoints.own_verifier(SECRET)])
    assert told
    assert any(one in " ".join(told) for one in why.split("|"))
    if statement.table is log_leaf:
        desk.start()
        with pytest.raises(GongdanError, match=r"was changed since|not whole"):
            checkpoints.make(desk.g.db, SECRET, desk.at)


def other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes | memoryview):
        return bytes(value)[:-1] + bytes([bytes(value)[-1] ^ 1]) if value else b"x"
    return value[:-1] + ("x" if value[-1:] != "x" else "y")


def test_every_column_of_every_row_of_what_proves_is_proved_itself(
    worked: tuple[Desk, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody covers up by changing the records of the proof; each change alone, each row gone alone."""
    monkeypatch.setattr("engine.proof.log.BITS", 2)
    monkeypatch.setattr("engine.proof.log._WIDTH", 4)
    monkeypatch.setattr("engine.proof.log_check.BITS", 2)
    desk, *_ = worked
    db, own = desk.g.db, [checkpoints.own_verifier(SECRET)]
    for _ in range(2):
        verifications.record(db, AT, "auditor1", "page", summary([], []))
        checkpoints.make(db, SECRET, desk.at)

    def told() -> bool:
        cases, others = records.held_against(db, log.as_far_as_whole(db))
        return bool(cases or others or records.faults(db, own))

    assert not told()
    for table in (log_leaf, log_node, log_checkpoint, chain_head, verification, view_log, security_log):
        rows = [dict(row._mapping) for row in db.rows(sa.select(table))]
        key = itemgetter(*(column.name for column in table.primary_key))
        for row in rows:
            mine = sa.and_(*(column == row[column.name] for column in table.primary_key))
            changes: list[Any] = [sa.delete(table).where(mine)]
            for name in row:
                new = {**row, name: other(row[name])}
                if name not in table.primary_key or key(new) not in map(
                    key, rows
                ):  # two of one key are refused
                    changes.append(sa.update(table).where(mine).values({name: new[name]}))
            for change in changes:
                with db.begin() as connection:
                    connection.execute(change)
                assert told(), (table.name, row, str(change))
                with db.begin() as connection:
                    connection.execute(sa.delete(table))
                    connection.execute(sa.insert(table), rows)
    assert not told()


@pytest.mark.parametrize("keep", [signed, alone])
@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (sa.update(log_leaf).where(log_leaf.c.number == 1).values(seq=2), "another one than in|are others"),
        (sa.delete(log_leaf).where(log_leaf.c.number == 1), "leaf 1 of the log is missing"),
        (sa.delete(log_leaf), "leaf 0 of the log is missing"),
    ],
)
def test_a_log_that_does_not_continue_what_was_kept_is_found(
    worked: tuple[Desk, str, str], keep: Callable[[Desk], bytes], statement: Any, why: str
) -> None:
    desk, *_ = worked
    kept = heads_file.read(io.BytesIO(keep(desk)), [checkpoints.own_verifier(SECRET)])
    assert log_check.continues(desk.g.db, kept) is None
    with desk.g.db.begin() as connection:
        connection.execute(statement)
        connection.execute(sa.delete(log_checkpoint))
    told = log_check.continues(desk.g.db, kept)
    assert told is not None
    assert any(one in told for one in why.split("|"))


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
    file = tmp_path / "kept.heads"
    done = run(export, "heads", "-o", file)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "7 leaves, signed with the key gongdan/" in done.stderr
    assert "\n2 cases\n" in done.stderr
    assert run(verify, "--all", "--against", file).exit_code == 0

    put(desk, case, read(desk, case)[:-1])
    behead(desk, case)
    assert run(verify, other, "--all").exit_code == 2
    assert run(verify, case).exit_code == 0
    told = run(verify, "--all", "--against", file, "--json")
    said = json.loads(told.stdout)
    assert told.exit_code == 1
    assert (said["cases"], said["identical"], said["faults"]) == (2, 1, [])
    assert [(one["case"], one["seq"]) for one in said["diverged"]] == [(case, 3)]
    assert run(verify, other, "--against", file).exit_code == 0, "only the case that was asked for"
    assert run(verify, case, "--against", file).exit_code == 1
    assert run(verify, "--all").exit_code == 1, "the log in the database says so too"


def test_a_case_counts_once_and_one_that_is_gone_is_a_finding(
    worked: tuple[Desk, str, str], run: Callable[..., Result], tmp_path: Path
) -> None:
    desk, case, other = worked
    file = tmp_path / "kept.heads"
    run(export, "heads", "-o", file)
    (at,) = [json.loads(line)["name"] for line in file.read_text().splitlines() if '"time"' in line]
    assert json.loads(run(verify, case, case, "--json").stdout)["cases"] == 1
    with desk.g.db.begin() as connection:
        connection.execute(sa.delete(history).where(history.c.case_id == case))
        connection.execute(sa.delete(cases).where(cases.c.id == case))
    told = run(verify, case, "--against", file)
    assert told.exit_code == 1
    assert f"{case} row 3: the case is missing" in told.stdout
    assert f"held against the heads of 2 cases, signed at {at}" in told.stdout
    said = json.loads(run(verify, other, "--against", file, "--json").stdout)
    assert said["signed"] == {"at": at, "cases": 2, "size": 7, "root": said["signed"]["root"]}
    assert said["diverged"] == []
    assert isinstance(run(verify, case).exception, NotFound), "without signed heads nobody knows of it"


def _cut_off_looks(db: Database) -> None:
    """A careful forger mends the head, too."""
    last = db.rows(sa.select(view_log.c.hash).where(view_log.c.id == 2))[0][0]
    with db.begin() as connection:
        connection.execute(sa.delete(view_log).where(view_log.c.id > 2))
        mine = chain_head.c.chain == "view_log"
        connection.execute(sa.update(chain_head).where(mine).values(id=2, hash=last))


def _chain_looks_anew(db: Database) -> None:
    """A look is given to somebody else, and everything behind it is hashed anew."""
    rows = [dict(row._mapping) for row in db.rows(sa.select(view_log).order_by(view_log.c.id))]
    rows[3]["person"] = "somebody"
    previous = chains.GENESIS
    for row in rows:
        row["hash"] = previous = chains.hashed(chains.VIEWS, row, previous)
    with db.begin() as connection:
        connection.execute(sa.delete(view_log))
        connection.execute(sa.insert(view_log), rows)
        mine = chain_head.c.chain == "view_log"
        connection.execute(sa.update(chain_head).where(mine).values(hash=previous))


def _change_a_text(db: Database) -> None:
    path = release_file.c.path == "bpmn/templates/sms_attempt.json"
    (digest,) = db.rows(sa.select(release_file.c.sha256).where(path))[0]
    with db.begin() as connection:
        (body,) = connection.execute(sa.select(blob.c.body).where(blob.c.sha256 == digest)).one()
        changed = bytes(body).replace(b'"tests"', b'"others"')
        connection.execute(sa.update(blob).where(blob.c.sha256 == digest).values(body=changed))


def _exchange_a_file(db: Database) -> None:
    with db.begin() as connection:
        text = connection.execute(sa.select(release_file.c.sha256).limit(1)).scalar_one()
        path = release_file.c.path == "bpmn/templates/sms_attempt.json"
        connection.execute(sa.update(release_file).where(path).values(sha256=text))


def _remove_a_release(db: Database) -> None:
    with db.begin() as connection:
        connection.execute(sa.delete(release_file))


def _forget_verifications(db: Database) -> None:
    with db.begin() as connection:
        connection.execute(sa.delete(verification))
        mine = chain_head.c.chain == "verification"
        connection.execute(sa.update(chain_head).where(mine).values(id=0, hash=chains.GENESIS))


def _begin_a_new_log(db: Database) -> None:
    with db.begin() as connection:
        connection.execute(sa.delete(log_leaf))
        connection.execute(sa.delete(log_checkpoint))


@pytest.mark.parametrize("keep", ["heads", "checkpoint"])
@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (_cut_off_looks, "the access log: row 6 is gone"),
        (_chain_looks_anew, "the access log: row 6 is another one"),
        (_change_a_text, "release 1: its files are others"),
        (_exchange_a_file, "release 1: its files are others"),
        (_remove_a_release, "release 1: the release is missing"),
        (_forget_verifications, "the verifications: row 1 is "),
        (_begin_a_new_log, "the log does not continue what was kept: leaf 0 of the log is missing"),
    ],
)
def test_whatever_was_changed_since_is_named(
    worked: tuple[Desk, str, str],
    run: Callable[..., Result],
    tmp_path: Path,
    keep: str,
    forge: Callable[[Database], None],
    why: str,
) -> None:
    desk, *_ = worked
    file = tmp_path / "kept"
    assert run(verify, "--all").exit_code == 0, "so that there is a verification to forget"
    if keep == "heads":
        assert run(export, "heads", "-o", file).exit_code == 0
    else:
        file.write_text(run(checkpoint).stdout)
    assert run(verify, "--all", "--against", file).exit_code == 0
    forge(desk.g.db)
    told = run(verify, "--all", "--against", file)
    assert told.exit_code == 1
    assert why in told.stdout
    if forge is not _begin_a_new_log:
        check = run(database.db, "check")
        assert check.exit_code == 1
        assert why in check.stdout, "the log in the database says so, too"


def test_db_check_names_a_broken_chain_and_a_broken_log(
    worked: tuple[Desk, str, str], run: Callable[..., Result]
) -> None:
    desk, *_ = worked
    run(checkpoint)
    assert run(database.db, "check").exit_code == 0
    with desk.g.db.begin() as connection:
        connection.execute(sa.update(view_log).where(view_log.c.id == 4).values(person="x"))
        connection.execute(sa.update(log_leaf).where(log_leaf.c.number == 1).values(seq=2))
    for command in ((database.db, "check"), (verify, "--all")):
        told = run(*command)
        assert told.exit_code == 1
        assert "the access log, row 4: the row was changed" in told.stdout
        assert "the checkpoint of 7 leaves: the leaves of the log give another root" in told.stdout


def test_a_witness_may_add_its_signature_and_be_asked_for_it(
    worked: tuple[Desk, str, str], run: Callable[..., Result], tmp_path: Path
) -> None:
    note = run(checkpoint).stdout
    run(export, "heads", "-o", tmp_path / "heads")
    whole = (tmp_path / "heads").read_text()
    assert whole.endswith(f"\n\n{note}")
    (tmp_path / "both").write_text(
        whole.removesuffix(note) + cosigned(note, WITNESS, WITNESS_KEY.name, 1772413200)
    )
    for file, code in (("heads", 2), ("both", 0)):
        done = run(cli, "verify", "--all", "--against", tmp_path / file, "--witness", WITNESS_KEY)
        assert done.exit_code == code, done.output
    assert run(cli, "verify", "--all", "--against", tmp_path / "both").exit_code == 0
    (tmp_path / "old").write_bytes(before_the_log(worked[0]))
    key = checkpoints.own_verifier(SECRET)
    for options, code in (([], 0), (["--witness", WITNESS_KEY], 2)):
        done = run(cli, "verify", "--all", "--against", tmp_path / "old", "--key", key, *options)
        assert done.exit_code == code, done.output


def test_the_key_may_be_named_in_either_form(
    worked: tuple[Desk, str, str], run: Callable[..., Result], tmp_path: Path
) -> None:
    run(export, "heads", "-o", tmp_path / "heads")
    own = checkpoints.own_verifier(worked[0].g.settings.heads_key)
    for key, code in ((own, 0), (own.key.hex(), 0), (WITNESS_KEY, 2), ("x", 2), (public(WITNESS).hex(), 2)):
        done = run(cli, "verify", worked[1], "--against", tmp_path / "heads", "--key", key)
        assert done.exit_code == code, (key, done.output)


def test_a_key_without_heads_is_wrong_use(run: Callable[..., Result]) -> None:
    for arguments in (("x", "--key", "00"), ("--all", "--witness", "00")):
        done = run(verify, *arguments)
        assert done.exit_code == 2
        assert "--against" in done.stderr


def test_after_a_change_of_the_key_the_old_one_is_named(
    worked: tuple[Desk, str, str], run: Callable[..., Result]
) -> None:
    desk, case, _ = worked
    checkpoints.make(desk.g.db, OTHER, desk.at)
    desk.complete(case, result="reached")
    assert run(checkpoint).exit_code == 0, "the log goes on under the new key"
    old = checkpoints.own_verifier(OTHER)
    for command in ((database.db, "check"), (verify, "--all")):
        told = run(*command)
        assert told.exit_code == 1
        assert f"the checkpoint of 7 leaves: this was signed by {old.name}" in told.stdout
        assert run(*command, "--key", old).exit_code == 0


def test_checkpoints_are_listed(worked: tuple[Desk, str, str], run: Callable[..., Result]) -> None:
    desk, case, _ = worked
    assert run(checkpoint, "--list").stdout == "there is none yet\n"
    assert isinstance(run(cli_prove, "case", case).exception, NotFound)
    made = json.loads(run(checkpoint, "--json").stdout)
    assert (made["size"], made["left_out"]) == (7, [])
    assert run(checkpoint).stdout == made["note"]
    desk.complete(case, result="reached")
    run(checkpoint)
    listed = json.loads(run(checkpoint, "--list", "--json").stdout)["checkpoints"]
    assert [one["size"] for one in listed] == [7, 9]
    assert all(one["at"].endswith("+00:00") for one in listed)


def test_a_database_without_cases_signs_nothing(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock):
        env = {"GONGDAN_VAR": str(tmp_path), "DATABASE_URL": ""}
        for command in (["checkpoint"], ["export", "heads"]):
            done = CliRunner(env=env).invoke(cli, command)
            assert (done.exit_code, done.stdout) == (1, "")
            assert "is this the right database?" in done.stderr


# ---------------------------------------------------------------- proofs
def test_what_is_proved_to_one_without_a_database(
    worked: tuple[Desk, str, str], run: Callable[..., Result], tmp_path: Path
) -> None:
    desk, case, other = worked
    run(checkpoint)
    desk.complete(case, result="reached")
    run(checkpoint)
    files = {name: tmp_path / name for name in ("then", "now", "other", "grown", "same")}
    run(cli_prove, "case", case, "--checkpoint", 7, "-o", files["then"])
    run(cli_prove, "case", case, "-o", files["now"])
    run(cli_prove, "case", other, "-o", files["other"])
    run(cli_prove, "consistency", 7, 9, "-o", files["grown"])
    run(cli_prove, "consistency", 7, 7, "-o", files["same"])
    proved = json.loads(run(cli_prove, "check", "--json", *files.values()).stdout)["proved"]
    assert f"case {case} ended with row 3" in proved[str(files["then"])]
    assert f"case {case} ended with row 4" in proved[str(files["now"])]
    assert "only grew from 7 to 9 leaves" in proved[str(files["grown"])]
    for name, path in files.items():
        text = path.read_text()
        assert (case in text) == (name in ("then", "now")), "nothing of another case"
        assert (other in text) == (name == "other")
    for command, why in (
        (("case", case, "--checkpoint", 8), "no checkpoint of 8 leaves"),
        (("case", "nobody"), "not in the checkpoint of 9 leaves"),
        (("consistency", 7, 8), "no checkpoint of 8 leaves"),
        (("consistency", 9, 7), "cannot continue one of 9"),
    ):
        assert why in str(run(cli_prove, *command).exception)


def test_a_proof_that_was_changed_proves_nothing(
    worked: tuple[Desk, str, str], run: Callable[..., Result], tmp_path: Path
) -> None:
    desk, case, other = worked
    run(checkpoint)
    desk.complete(case, result="reached")
    run(checkpoint)
    own = [checkpoints.own_verifier(desk.g.settings.heads_key)]
    proof, growth = proofs.of_case(desk.g.db, case), proofs.of_growth(desk.g.db, 7, 9)
    proofs.check(proof, own)
    proofs.check(growth, own)
    another = proofs.of_case(desk.g.db, other)
    for spoilt in (
        {**proof, "leaf": proof["leaf"].replace('"seq":4', '"seq":3')},
        {**proof, "leaf": another["leaf"]},
        {**proof, "index": proof["index"] - 1},
        {**proof, "path": proof["path"][:-1]},
        {**proof, "path": another["path"]},
        {**proof, "checkpoint": growth["old"]},
        {**proof, "checkpoint": proof["checkpoint"].replace("\n9\n", "\n8\n")},
        {**growth, "old": growth["new"]},
        {**growth, "path": growth["path"][1:]},
        {**growth, "old": growth["old"].replace("\n7\n", "\n6\n")},
        {**growth, "format": "gongdan inclusion 1"},
        {**growth, "path": ["?"]},
        {**growth, "format": "x"},
        {},
    ):
        with pytest.raises(InvalidFile):
            proofs.check(spoilt, own)
        (tmp_path / "spoilt").write_text(json.dumps(spoilt))
        assert run(cli, "prove", "check", tmp_path / "spoilt").exit_code == 2
    with pytest.raises(InvalidFile, match="not by witness"):
        proofs.check(proof, [*own, WITNESS_KEY])
    (tmp_path / "spoilt").write_text("{")
    assert run(cli, "prove", "check", tmp_path / "spoilt").exit_code == 2


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


def test_who_published_a_release_and_which_is_in_force_cannot_be_told_otherwise(
    worked: tuple[Desk, str, str], run: Callable[..., Result]
) -> None:
    desk, _, _ = worked
    run(checkpoint)
    first = release.c.number == 1
    for change, why in (
        (sa.update(release).where(first).values(author="somebody"), "release 1|publication 1"),
        (sa.update(release_file).values(author="somebody"), "publication 1"),
        (sa.update(release).where(first).values(note="another"), "publication 1"),
        (sa.update(release).where(first).values(state="superseded"), "its state says otherwise"),
    ):
        kept = (dict(row._mapping) for row in desk.g.db.rows(sa.select(release)))
        files = [dict(row._mapping) for row in desk.g.db.rows(sa.select(release_file))]
        before = list(kept)
        with desk.g.db.begin() as connection:
            connection.execute(change)
        told = run(cli, "db", "check").stdout
        assert any(one in told for one in why.split("|")), (why, told)
        with desk.g.db.begin() as connection:
            for table, rows in ((release_file, files), (release, before)):
                connection.execute(sa.delete(table))
                connection.execute(sa.insert(table), rows)
    assert run(cli, "db", "check").exit_code == 0
