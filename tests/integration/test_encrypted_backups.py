"""Encrypted backups: made with a public key alone, opened with the secret one; damaged, they change nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.base import age_files
from engine.base.errors import GongdanError, Unavailable
from engine.cli.database import db
from engine.cli.keys import keys
from engine.operations.backup import backup, restore
from engine.storage.database import Database
from tests.casework import CUSTOMER, Desk, opened
from tests.clock import Clock
from tests.integration.test_backup import limited_files, postgresql_tools, proves_itself, second_url

__all__ = ["postgresql_tools", "second_url"]  # fixtures


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """The file of a secret key; ``.pub`` beside it has the public one."""
    file = tmp_path / "backup.age-key"
    (tmp_path / "backup.pub").write_text(age_files.new_identity(file))
    return file


def public(identity: Path) -> str:
    return identity.with_name("backup.pub").read_text()


def test_an_encrypted_backup_holds_nothing_readable_and_restores_whole(
    any_desk: Desk, second_url: str, clock: Clock, tmp_path: Path, identity: Path
) -> None:
    case = any_desk.start()
    there = set(tmp_path.iterdir())
    backup(any_desk.g.db, tmp_path / "copy.age", [public(identity)])
    assert set(tmp_path.iterdir()) - there == {tmp_path / "copy.age"}, "nothing readable is left"
    sealed = (tmp_path / "copy.age").read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1\n"), "any program that knows age opens it"
    for plain in (case, CUSTOMER["contact_phone"], "CREATE TABLE", "alembic_version"):
        assert plain.encode() not in sealed
    with closing(Database(second_url)) as empty:
        restore(empty, tmp_path / "copy.age", force=False, identity=identity)
    key = any_desk.g.settings.lookup_key
    with opened(tmp_path / "second-var", clock, second_url, lookup_key=key) as restored:
        assert proves_itself(restored) == [case]


def cut(sealed: bytes) -> bytes:
    return sealed[: len(sealed) // 2]


def cut_at_a_block(sealed: bytes) -> bytes:
    """Between two blocks of 64 KiB, where each that is left is whole."""
    header = sealed.index(b"\n", sealed.index(b"\n---")) + 1
    return sealed[: header + 16 + 2 * (65_536 + 16)]


def changed(sealed: bytes) -> bytes:
    return sealed[:-9] + bytes([sealed[-9] ^ 1]) + sealed[-8:]


def changed_at_the_beginning(sealed: bytes) -> bytes:
    where = sealed.index(b"\n---") + 20
    return sealed[:where] + bytes([sealed[where] ^ 1]) + sealed[where + 1 :]


def longer(sealed: bytes) -> bytes:
    return sealed + b"x"


@pytest.mark.parametrize("harm", [cut, cut_at_a_block, changed, changed_at_the_beginning, longer])
def test_a_damaged_backup_is_refused_in_one_sentence_and_changes_nothing(
    desk: Desk, tmp_path: Path, identity: Path, harm: Callable[[bytes], bytes]
) -> None:
    case, sealed = desk.start(), tmp_path / "copy.age"
    backup(desk.g.db, sealed, [public(identity)])
    desk.complete(case, result="busy")
    sealed.write_bytes(harm(sealed.read_bytes()))
    there = set(tmp_path.iterdir())
    with pytest.raises(GongdanError, match="is cut short, or was changed since it was written"):
        restore(desk.g.db, sealed, force=True, identity=identity)
    assert set(tmp_path.iterdir()) == there
    assert desk.kinds(case) == ["start", "complete"]


def test_another_key_opens_nothing(desk: Desk, tmp_path: Path, identity: Path) -> None:
    case, other = desk.start(), tmp_path / "other.age-key"
    backup(desk.g.db, tmp_path / "copy.age", [public(identity)])
    age_files.new_identity(other)
    with pytest.raises(GongdanError, match=f"was not encrypted for the key in {other}"):
        restore(desk.g.db, tmp_path / "copy.age", force=True, identity=other)
    with pytest.raises(GongdanError, match="is encrypted: name the file of its secret key with --identity"):
        restore(desk.g.db, tmp_path / "copy.age", force=True)
    other.write_text("not a key")
    with pytest.raises(GongdanError, match="holds no secret key of age"):
        restore(desk.g.db, tmp_path / "copy.age", force=True, identity=other)
    with pytest.raises(GongdanError, match="cannot be read: No such file"):
        restore(desk.g.db, tmp_path / "copy.age", force=True, identity=tmp_path / "none")
    assert desk.kinds(case) == ["start"]


def test_without_room_nothing_is_left_half(desk: Desk, tmp_path: Path, identity: Path) -> None:
    desk.start()
    backup(desk.g.db, tmp_path / "copy.age", [public(identity)])
    there = set(tmp_path.iterdir())
    with limited_files(50_000), pytest.raises(Unavailable, match="cannot be written"):
        backup(desk.g.db, tmp_path / "another.age", [public(identity)])
    with limited_files(50_000), pytest.raises(Unavailable, match="cannot be written: File too large"):
        restore(desk.g.db, tmp_path / "copy.age", force=True, identity=identity)
    assert set(tmp_path.iterdir()) == there


def test_a_public_key_that_was_mistyped_is_refused(desk: Desk, tmp_path: Path, identity: Path) -> None:
    wrong = public(identity)[:-1] + ("q" if public(identity)[-1] != "q" else "p")
    with pytest.raises(GongdanError, match="a public key of age was mistyped"):
        backup(desk.g.db, tmp_path / "copy.age", [wrong])
    assert not (tmp_path / "copy.age").exists()


# ---------------------------------------------------------------- the command line
@pytest.fixture
def place(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The desk's installation, as the environment names it."""
    monkeypatch.setenv("GONGDAN_VAR", str(desk.g.settings.var))
    for name in ("DATABASE_URL", "GONGDAN_KEY", "GONGDAN_BACKUP_RECIPIENTS"):
        monkeypatch.delenv(name, raising=False)
    return desk


def test_the_settings_encrypt_every_backup(
    place: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    made = CliRunner().invoke(keys, ["new", str(secret)])
    assert made.exit_code == 0
    assert secret.stat().st_mode & 0o077 == 0
    again = CliRunner().invoke(keys, ["new", str(secret)])
    assert "exists already" in str(again.exception), "a key is never written over"
    plain = CliRunner().invoke(db, ["backup", str(tmp_path / "plain")])
    assert "not encrypted: who has this file can read it" in plain.stderr
    monkeypatch.setenv("GONGDAN_BACKUP_RECIPIENTS", made.stdout.strip())
    done = CliRunner().invoke(db, ["backup", str(tmp_path / "copy.age")])
    assert done.stdout == f"written to {tmp_path / 'copy.age'}, encrypted\n"
    assert done.stderr == ""
    assert age_files.is_encrypted(tmp_path / "copy.age")
    place.g.close()
    restored = CliRunner().invoke(
        db, ["restore", str(tmp_path / "copy.age"), "--force", "--identity", str(secret)]
    )
    assert (restored.exit_code, restored.stderr) == (0, "")
    assert CliRunner().invoke(db, ["restore", str(tmp_path / "plain"), "--force"]).exit_code == 0


def test_the_keys_travel_apart_from_the_backups(
    place: Desk, tmp_path: Path, identity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGDAN_BACKUP_RECIPIENTS", public(identity))
    other, sealed, env = tmp_path / "keys.age-key", tmp_path / "keys.age", tmp_path / "keys.env"
    same = CliRunner().invoke(keys, ["export", str(sealed), "--recipient", public(identity)])
    assert "who opens them must not get the keys as well" in str(same.exception)
    own = CliRunner().invoke(keys, ["new", str(other)]).stdout.strip()
    monkeypatch.setenv("SECRET_KEY", "the key that signs sessions")
    done = CliRunner().invoke(keys, ["export", str(sealed), "--recipient", own])
    assert done.stdout == f"SECRET_KEY, GONGDAN_KEY, GONGDAN_HEADS_KEY written to {sealed}, encrypted\n"
    wrong = CliRunner().invoke(keys, ["import", str(sealed), str(env), "--identity", str(identity)])
    assert "was not encrypted for the key" in str(wrong.exception)
    assert not env.exists()
    assert (
        CliRunner().invoke(keys, ["import", str(sealed), str(env), "--identity", str(other)]).exit_code == 0
    )
    lines = dict(line.split("=", 1) for line in env.read_text().splitlines() if not line.startswith("#"))
    assert lines == {
        "SECRET_KEY": "the key that signs sessions",
        "GONGDAN_KEY": place.g.settings.lookup_key.decode(),
        "GONGDAN_HEADS_KEY": place.g.settings.heads_key.decode(),
    }
    assert env.stat().st_mode & 0o077 == 0


def test_a_backup_is_no_file_of_keys(place: Desk, tmp_path: Path, identity: Path) -> None:
    backup(place.g.db, tmp_path / "copy.age", [public(identity)])
    told = CliRunner().invoke(
        keys,
        ["import", str(tmp_path / "copy.age"), str(tmp_path / "env"), "--identity", str(identity)],
    )
    assert "is no file of keys" in str(told.exception)
    assert not (tmp_path / "env").exists()
