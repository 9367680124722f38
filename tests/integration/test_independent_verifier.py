"""The verifier that ships as one file recomputes every exported hash, and whatever is changed in a file is found."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.operations import erasure
from engine.proof import checkpoints, independent_verifier, notes
from engine.storage.tables import history
from run import cli
from tests.casework import FILES, opened
from tests.clock import Clock
from tests.erasing import REQUEST
from tests.integration.test_engine_verify import changed, put, read, rechained
from tests.integration.test_signed_heads import behead, unprotected
from tests.witness import cosigned, public

VERIFIER = Path(independent_verifier.__file__)
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS_KEY = str(notes.Verifier("witness.example/w1", notes.COSIGNATURE, public(WITNESS)))
NUMBER = "13900001111"  #: that somebody typed into a note


@dataclass
class Exported:
    """What was exported of a database: the files, and what is needed to check them."""

    folder: Path
    key: str
    rows: int
    releases: int
    cases: list[str]

    def path(self, name: str) -> Path:
        return self.folder / name

    def all(self) -> list[Path]:
        return [
            self.path(name) for name in ("rows.json", "now.heads", "case.json", "erased.json", "grew.json")
        ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Forty cases with hundreds of rows on two releases, every tenth erased, and two checkpoints of them."""
    folder = tmp_path_factory.mktemp("exported")
    with opened(folder / "var", Clock()) as desk:
        run = CliRunner(env={"GONGDAN_VAR": str(folder / "var"), "DATABASE_URL": ""})

        def command(*arguments: object) -> None:
            done = run.invoke(cli, [str(one) for one in arguments])
            assert done.exit_code == 0, done.output

        cases = [desk.start(contact_phone=f"1381234{number:04}") for number in range(40)]
        for number, case in enumerate(cases):
            for attempt in range(number % 9):
                desk.claim(case)
                desk.complete(case, result="busy", note=f'第{attempt}次 €\u2028𝄞"\\')
            if number == 3:  # as versions before did, which did not seal such texts
                unprotected(desk.g.db)
                begun, *rest = read(desk, case)
                rest = [changed(row, reason=NUMBER) for row in rest[:2]] + rest[2:]
                put(desk, case, rechained([begun, *rest]))
                behead(desk, case)
            if number % 10 == 0:
                desk.complete(case, result="reached")
            if number == 20:
                command("checkpoint")
                form = FILES["forms/intake.json"]
                assert form is not None
                files = {"forms/intake.json": form.replace(b'"tests"', b'"others"')}
                desk.g.releases.publish(files, "tests", "another one", desk.at)
                desk.start()
        erasure.erase(desk.g, cases[::10], REQUEST)
        first, last = (folder / name for name in ("then.heads", "now.heads"))
        command("export", "heads", "-o", first)
        desk.start()
        command("export", "heads", "-o", last)
        command("export", "json", "--exact", "-o", folder / "rows.json")
        command("export", "json", "-o", folder / "masked.json")
        command("export", "verifier", "-o", folder / "verifier.py")
        command("prove", "case", cases[5], "-o", folder / "case.json")
        command("prove", "case", cases[10], "-o", folder / "erased.json")
        old, new, *_ = (size for size, _ in checkpoints.sizes(desk.g.db))
        command("prove", "consistency", old, new, "-o", folder / "grew.json")
        return Exported(
            folder,
            str(checkpoints.own_verifier(desk.g.settings.heads_key)),
            len(desk.g.db.rows(history.select())),
            2,
            cases,
        )


def clean(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The shipped file in an interpreter that knows nothing of the checkout."""
    command = [sys.executable, "-I", *(str(one) for one in arguments)]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=60)


def findings(exported: Exported, *files: Path, keys: tuple[str, ...] = ()) -> bool:
    """The same in this process: mutations are many."""
    return independent_verifier._main([exported.key, *keys, *map(str, files)])


def test_it_is_short_and_imports_nothing_of_ours() -> None:
    text = VERIFIER.read_text("utf-8")
    assert len(text.splitlines()) <= 120
    assert "engine" not in [
        line.split()[1].split(".")[0] for line in text.splitlines() if line[:5] in ("impor", "from ")
    ]


def test_every_row_every_leaf_and_every_proof_is_recomputed(exported: Exported) -> None:
    assert exported.rows >= 300
    done = clean(exported.path("verifier.py"), exported.key, *exported.all())
    assert (done.returncode, done.stderr) == (0, "")
    told = f"{exported.rows + exported.releases} rows and releases"
    leaves = len(exported.path("now.heads").read_bytes().partition(b"\n\n")[0].splitlines()) - 1 + 2
    assert done.stdout == f"{told}, {leaves} leaves; 0 rows are behind all leaves\n"
    assert any(one in exported.path("erased.json").read_text() for one in exported.cases[::10])


def test_rows_whose_numbers_are_masked_are_named(exported: Exported) -> None:
    assert NUMBER in exported.path("rows.json").read_text("utf-8")
    assert NUMBER not in exported.path("masked.json").read_text("utf-8")
    done = clean(VERIFIER, exported.key, exported.path("masked.json"))
    assert done.returncode == 1
    masked = exported.path("masked.json").read_text("utf-8").count('"masked":true')
    assert len(done.stdout.splitlines()) == masked + 1 == 3


def test_what_nobody_signed_is_named(exported: Exported, capsys: pytest.CaptureFixture[str]) -> None:
    other = str(notes.log_verifier(public(WITNESS)))
    for arguments in ([other], [exported.key, WITNESS_KEY], [exported.key[:-2] + "A="]):
        assert independent_verifier._main([*arguments, str(exported.path("now.heads"))])
    assert "not signed by" in capsys.readouterr().out


def test_a_witness_is_asked_for_its_signature(exported: Exported, tmp_path: Path) -> None:
    proof = json.loads(exported.path("case.json").read_text())
    text = cosigned(proof["checkpoint"], WITNESS, "witness.example/w1", 1772413200)
    both = tmp_path / "both.json"
    both.write_text(json.dumps({**proof, "checkpoint": text}))
    assert not findings(exported, both, keys=(WITNESS_KEY,))
    for spoilt in (
        text[:-9] + "A" + text[-8:],
        text.replace("\n— witness.example/w1", "\n— witness.example/w2"),
    ):
        both.write_text(json.dumps({**proof, "checkpoint": spoilt}))
        assert findings(exported, both, keys=(WITNESS_KEY,))


# ---------------------------------------------------------------- what is changed
def lines_of(exported: Exported, tmp_path: Path, change: Callable[[list[str]], list[str]]) -> Path:
    file = tmp_path / "rows.json"
    lines = exported.path("rows.json").read_text("utf-8").split("\n")
    file.write_text("\n".join(change(lines)), "utf-8")
    return file


def with_line(exported: Exported, tmp_path: Path, number: int, line: str) -> Path:
    return lines_of(exported, tmp_path, lambda lines: [*lines[:number], line, *lines[number + 1 :]])


@pytest.mark.parametrize("which", ["first row", "erased case", "last row", "release"])
def test_every_field_of_a_line_is_covered(exported: Exported, tmp_path: Path, which: str) -> None:
    lines = exported.path("rows.json").read_text("utf-8").split("\n")[:-1]
    erased = next(n for n, line in enumerate(lines) if f'"{exported.cases[10]}","seq":2' in line)
    number = {"first row": 2, "erased case": erased, "last row": len(lines) - 1, "release": 1}[which]
    said = json.loads(lines[number])
    assert len(said) == (3 if which == "release" else 12)
    for name, value in said.items():
        for spoilt in spoilings(value):
            line = json.dumps({**said, name: spoilt}, ensure_ascii=False, separators=(",", ":"))
            file = with_line(exported, tmp_path, number, line)
            assert findings(exported, file, exported.path("now.heads")), (name, spoilt)
        less = {key: kept for key, kept in said.items() if key != name}
        line = json.dumps(less, ensure_ascii=False, separators=(",", ":"))
        file = with_line(exported, tmp_path, number, line)
        assert findings(exported, file, exported.path("now.heads")), name


def spoilings(value: Any) -> Iterator[Any]:
    """The same value with one thing changed in it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {key: kept for key, kept in value.items() if key != name}
            yield from ({**value, name: spoilt} for spoilt in spoilings(inner))
        yield {**value, "more": 1}
    elif isinstance(value, list):
        yield [*value, 1]
        for index, inner in enumerate(value):
            yield from ([*value[:index], spoilt, *value[index + 1 :]] for spoilt in spoilings(inner))
    elif isinstance(value, str):
        yield value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
    elif value is None or isinstance(value, bool):
        yield 0
    else:
        yield value + 1


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[1:],
        lambda lines: [*lines[:4], *lines[5:]],
        lambda lines: [*lines[:5], lines[4], *lines[5:]],
        lambda lines: [*lines[:30], lines[31], lines[30], *lines[32:]],
        lambda lines: lines[:-2],
    ],
    ids=["a release is gone", "a row is gone", "a row twice", "two rows exchanged", "the last row is gone"],
)
def test_lines_that_are_missing_or_moved_are_found(
    exported: Exported, tmp_path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    assert findings(exported, lines_of(exported, tmp_path, change), exported.path("now.heads"))


@pytest.mark.parametrize("name", ["rows.json", "now.heads", "case.json", "erased.json", "grew.json"])
def test_one_byte_that_was_changed_anywhere_is_found(exported: Exported, tmp_path: Path, name: str) -> None:
    """Blank space between the parts of a proof says nothing; every other byte does."""
    whole, draw = exported.path(name).read_bytes(), random.Random(name)
    others = [exported.path(one) for one in ("rows.json", "now.heads") if one != name]
    spoilt = tmp_path / name
    positions = [
        at
        for at in range(len(whole))
        if name in ("rows.json", "now.heads") or not whole[at : at + 1].isspace()
    ]
    for at in draw.sample(positions, 60):
        byte = draw.choice([other for other in b'0aZ}"\n ' if other != whole[at]])
        if at == len(whole) - 1 and chr(byte).isspace():
            continue
        spoilt.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
        assert findings(exported, *others, spoilt), (at, whole[at : at + 1], bytes([byte]))
    done = clean(VERIFIER, exported.key, *others, spoilt)
    assert done.returncode == 1
    assert done.stdout


def test_histories_that_went_on_lead_through_an_earlier_checkpoint(exported: Exported) -> None:
    assert not findings(exported, exported.path("rows.json"), exported.path("then.heads"))


# ---------------------------------------------------------------- what fresh eyes found
def test_a_row_that_calls_itself_of_the_old_format_is_found(exported: Exported, tmp_path: Path) -> None:
    """With its instant in the text of its engine it would have the hash of the row that was recorded."""
    lines = exported.path("rows.json").read_text().splitlines()
    number = next(number for number, line in enumerate(lines) if line.startswith('{"case_id"'))
    row = json.loads(lines[number])
    assert row["format"] == 2
    hidden = json.dumps(row["engine"] + '","recorded_at":"' + row["recorded_at"])
    lines[number] = (
        lines[number]
        .replace(f'"engine":"{row["engine"]}"', f'"engine":{hidden}')
        .replace(f'"recorded_at":"{row["recorded_at"]}"', '"recorded_at":"1999-01-01T00:00:00+00:00"')
        .replace('"format":2', '"format":1')
    )
    forged = tmp_path / "rows.json"
    forged.write_text("\n".join([*lines, ""]))
    assert independent_verifier._main([exported.key, str(exported.path("rows.json"))]) is False
    assert independent_verifier._main([exported.key, str(forged)]) is True


@pytest.mark.parametrize("keys", [0, 1, 2])
def test_what_checks_nothing_is_no_success(keys: int, exported: Exported) -> None:
    with pytest.raises(SystemExit, match="Expected files to check"):
        independent_verifier._main([exported.key] * keys)
    assert independent_verifier._main([exported.key, "a+b+c/rows.json"]), (
        "a path with signs of a key is a path"
    )


def test_without_a_key_rows_are_checked_and_nothing_that_is_signed(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    assert independent_verifier._main([str(exported.path("rows.json"))]) is False
    for name in ("now.heads", "case.json", "grew.json"):
        assert independent_verifier._main([str(exported.path(name))]) is True
        assert "no KEY was given" in capsys.readouterr().out
    assert independent_verifier._main([exported.key[:-3], str(exported.path("now.heads"))]), "a key cut short"


def test_a_file_that_is_not_there_is_a_finding_and_the_others_are_checked(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    assert independent_verifier._main([exported.key, "absent.json", str(exported.path("rows.json"))])
    told = capsys.readouterr().out
    assert "absent.json:1: " in told
    assert f"{exported.rows + exported.releases} rows and releases" in told


def test_rows_that_no_checkpoint_stands_for_are_counted(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    independent_verifier._main([exported.key, str(exported.path("rows.json"))])
    assert f"{exported.rows} rows are behind all leaves" in capsys.readouterr().out
    independent_verifier._main(
        [exported.key, str(exported.path("rows.json")), str(exported.path("now.heads"))]
    )
    assert "; 0 rows are behind all leaves" in capsys.readouterr().out
