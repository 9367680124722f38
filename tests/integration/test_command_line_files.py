"""What commands write, where they write it, and what they say when the system refuses."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.base.atomic_files import scratch, write_all
from engine.base.errors import Unavailable
from engine.base.settings import CHECKOUT
from engine.forms.attachments import Folder
from engine.forms.files import FileMeta
from engine.storage.database import Database
from engine.storage.upgrade import revision
from tests.casework import Desk
from tests.giving import keep

Command = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def command(desk: Desk, tmp_path: Path) -> Command:
    """``run.py`` on a database with some cases, in a process that a shell starts."""
    for _ in range(12):
        desk.complete(desk.start(), result="busy")
    desk.g.close()
    env = {**os.environ, "GONGDAN_VAR": str(tmp_path), "DATABASE_URL": "", "RUN": f"{sys.executable} run.py"}

    def called(line: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {line}"],
            cwd=CHECKOUT,
            env=env,
            capture_output=True,
            check=False,
        )

    return called


def assert_told(done: subprocess.CompletedProcess[bytes], code: int, *words: str) -> None:
    """It ended with ``code``, and its last line says what is wrong."""
    said = done.stderr.decode()
    assert "Traceback" not in said, said
    assert "Exception ignored" not in said, said
    assert done.returncode == code, said
    errors = [line for line in said.replace("\r", "\n").splitlines() if "Error: " in line]
    assert len(errors) == 1, said
    assert all(word in errors[0] for word in words), said


def test_a_device_and_a_pipe_are_written_into_and_stay_what_they_are(
    command: Command, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    read = command(f"(wc -l < {tmp_path}/pipe) & $RUN export csv -o {tmp_path}/pipe && wait")
    assert read.returncode == 0, read.stderr
    assert int(read.stdout) > 12
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert command("$RUN export csv -o /dev/stdout | wc -l").stdout == read.stdout
    assert command("$RUN report sla --period 2015-05 --csv /dev/null").returncode == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_neighbours_files_stay_and_an_existing_one_keeps_its_permissions(
    command: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "log.part").write_text("a neighbour's")
    (folder / "old").touch(mode=0o640)
    (folder / "link").symlink_to("old")
    for name in ("log", "link"):
        assert command(f"$RUN export json -o {folder}/{name}").returncode == 0
    assert {path.name for path in folder.iterdir()} == {"log", "log.part", "old", "link"}
    assert (folder / "log.part").read_text() == "a neighbour's"
    assert (folder / "link").is_symlink()
    assert (folder / "old").read_bytes() == (folder / "log").read_bytes() != b""
    modes = [stat.S_IMODE((folder / name).stat().st_mode) for name in ("log", "old")]
    assert modes == [0o600, 0o640], "a new file is its owner's alone"


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("$RUN export json -o ''", 2, ["it is empty"]),
        ("$RUN report sla --period 2015-05 --csv ''", 2, ["it is empty"]),
        ("$RUN db backup ''", 2, ["it is empty"]),
        ("$RUN export json -o none/there", 1, ["there is no folder none"]),
        ("$RUN report sla --period 2015-05 --csv none/there", 1, ["there is no folder none"]),
        ("$RUN db backup none/there", 1, ["there is no folder none"]),
        ("$RUN export json -o /dev/full", 1, ["/dev/full cannot be written", "No space left"]),
        ("$RUN export json > /dev/full", 1, ["No space left"]),
        ("$RUN report sla --period 2015-05 --json > /dev/full", 1, ["No space left"]),
        ("GONGDAN_PROJECT=/dev/null/x $RUN publish", 2, ["nothing to publish"]),
        ("GONGDAN_PROJECT=/dev/null/x $RUN pull", 1, ["Not a directory"]),
        ("$RUN user add $'a\\xff' --display x --role agent --password 7-lantern-kettle-quarry", 2, ["UTF-8"]),
        (
            "$RUN user add zoe --display $'a\\nb' --role agent --password 7-lantern-kettle-quarry",
            2,
            ["displayed name"],
        ),
        (
            "$RUN user add zoe --display ' ' --role agent --password 7-lantern-kettle-quarry",
            2,
            ["displayed name"],
        ),
        (
            "$RUN user add zoe --display Z --role agnet --password 7-lantern-kettle-quarry",
            2,
            ["agnet", "agent"],
        ),
        ("$RUN simulate --until 0001-01-01", 2, ["--until", "2026-03-31", "1970"]),
        ("$RUN simulate --until 0001", 2, ["--until", "2026-03-31"]),
        ("$RUN simulate --mixed 1 --from 0001-01-01 --to 0001-01-02", 2, ["--from", "1970"]),
        ("$RUN simulate --mixed 1 --from 9999-12-31 --to 9999-12-31", 2, ["--from", "1970"]),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    command: Command, line: str, code: int, words: list[str]
) -> None:
    assert_told(command(line), code, *words)


@pytest.mark.parametrize(
    "line",
    [
        "verify --all",
        "export json",
        "export heads",
        "report sla --period 2015-05",
        "db check",
        "db backup {}/copy",
        "pull",
        "rebuild",
        "erase --case 1 --requested-by x --reason y --yes",
    ],
)
def test_a_command_that_reads_makes_no_database(command: Command, tmp_path: Path, line: str) -> None:
    there = sorted(path.name for path in tmp_path.iterdir())
    done = command(f"GONGDAN_VAR={tmp_path}/wrong $RUN {line.format(tmp_path)}")
    assert_told(done, 2, f"there is no database at {tmp_path}/wrong/gongdan.db", "GONGDAN_VAR")
    assert sorted(path.name for path in tmp_path.iterdir()) == there


def test_an_empty_database_of_postgresql_is_none(command: Command, postgres_url: str) -> None:
    done = command(f"DATABASE_URL='{postgres_url}' $RUN verify --all")
    assert_told(done, 2, "there is no database of Gongdan at postgresql", "DATABASE_URL")
    with closing(Database(postgres_url)) as db:
        assert revision(db) is None


def test_what_is_made_is_its_owners_alone_and_what_was_open_is_told(command: Command, tmp_path: Path) -> None:
    var = tmp_path / "new" / "var"
    called = f"umask 022; export GONGDAN_VAR={var}; $RUN db upgrade && $RUN db backup {tmp_path}/copy"
    assert command(called).returncode == 0
    content = b"%PDF-1"
    meta = FileMeta(name="a.pdf", size=6, type="application/pdf", sha256=hashlib.sha256(content).hexdigest())
    keep(Folder(var, "1"), meta, content)
    made = {path: stat.S_IMODE(path.stat().st_mode) for path in [var, tmp_path / "copy", *var.rglob("*")]}
    assert {path.name for path in made} >= {"gongdan.db", "heads.key", "lookup.key", "copy", meta["sha256"]}
    assert made == {path: 0o700 if path.is_dir() else 0o600 for path in made}

    assert b"can be read" not in command(f"GONGDAN_VAR={var} $RUN db check").stderr
    var.chmod(0o755)
    (var / "gongdan.db").chmod(0o644)
    told = command(f"GONGDAN_VAR={var} $RUN db check")
    assert told.returncode == 0
    assert f"{var}/gongdan.db can be read by other users".encode() in told.stderr
    assert stat.S_IMODE((var / "gongdan.db").stat().st_mode) == 0o644, "the owner decides"


def test_a_reader_who_has_seen_enough_is_no_error(command: Command) -> None:
    for line in ("export json | head -1", "export csv | true", "report sla --period 2015-05 | true"):
        done = command(f"$RUN {line}")
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr
        assert b"Error" not in done.stderr


def test_files_without_room_are_not_half_there(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    (tmp_path / "b").write_text("old")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(Unavailable, match="c cannot be written: File too large"):
            write_all({tmp_path / "a": b"x", tmp_path / "b": b"new", tmp_path / "c": b"x" * 2_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").read_text() == "old"


def test_what_is_read_to_fill_a_file_is_not_taken_for_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="source"), scratch(tmp_path / "out") as part:
        part.write_bytes((tmp_path / "elsewhere" / "source").read_bytes())
    with pytest.raises(Unavailable, match="there is no folder"), scratch(tmp_path / "none" / "out"):
        pass
