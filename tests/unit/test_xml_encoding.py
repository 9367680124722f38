"""Diagrams of other tools come in the encoding they declare, and are UTF-8 from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.base.errors import InvalidFile
from engine.base.safe_parsing import load_bpmn, parse_xml
from engine.base.xml_encoding import as_utf8, declared_utf8
from engine.cli.lint import layout
from engine.design.lint import lint_file
from engine.release.releases import read_folder
from tests.unit import diagrams

GOOD = diagrams.callback().decode()
LATIN = '<?xml version="1.0" encoding="{0}" standalone="yes"?>\n<a name="{1}"/>'


@pytest.mark.parametrize(
    ("declared", "written_in", "name"),
    [
        ("ISO-8859-1", "latin-1", "Über Prüfung"),
        ("iso-8859-15", "iso8859-15", "50 €"),
        ("Windows-1252", "cp1252", "“Rückruf” – 5 €"),
        ("ISO-8859-1", "cp1252", "“Rückruf” – 5 €"),  # as many programs mean it
        ("windows-1251", "cp1251", "Жалоба"),
        ("GB18030", "gb18030", "粤语回访"),
        ("GBK", "gbk", "粤语回访"),
        ("Big5", "big5", "粵語回訪"),
        ("Shift_JIS", "shift_jis", "苦情"),
        ("UTF-16", "utf-16", "粤语回访"),
        ("UTF-16", "utf-16-le", "粤语回访"),
        ("utf-16", "utf-8", "粤语回访"),  # as .NET writes a text that it had in memory
        ("ISO-8859-1", "utf-8-sig", "粤语回访"),  # the mark says more
        ("UTF-8", "utf-8-sig", "粤语回访"),
        ("UTF-32", "utf-32", "粤语回访"),
        ("ISO-8859-1", "ascii", "plain"),
    ],
)
def test_what_is_declared_is_read_as_that(declared: str, written_in: str, name: str) -> None:
    content = LATIN.format(declared, name).encode(written_in)
    assert parse_xml(content).get("name") == name
    made = as_utf8(content)
    assert made.decode("utf-8-sig") == LATIN.format("UTF-8", name)
    assert as_utf8(made) == made


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        b"<a/>",
        b"",
        LATIN.format("UTF-8", "粤").encode(),
        LATIN.format("ISO-8859-1", "粤").encode(),
        LATIN.format("GB18030", "粤").encode(),
        LATIN.format("GB18030", "x").encode() + b"\xff",
        b'<?xml version="1.0" encoding="unicode_escape"?><a/>',
        b"<a encoding='ISO-8859-1'>\xe4</a>",
    ],
)
def test_what_is_utf_8_or_nothing_known_stays_as_it_is(content: bytes) -> None:
    assert as_utf8(content) == content


def test_a_text_of_a_browser_is_utf_8_whatever_it_declares() -> None:
    text = LATIN.format("ISO-8859-1", "粤")
    assert declared_utf8(text).decode() == LATIN.format("UTF-8", "粤")
    assert parse_xml(declared_utf8(text)).get("name") == "粤"


@pytest.mark.parametrize("encoding", ["GB18030", "UTF-16", "GBK"])
def test_a_diagram_is_linted_laid_out_and_published_as_utf_8(encoding: str, tmp_path: Path) -> None:
    content = GOOD.replace('encoding="UTF-8"', f'encoding="{encoding}"', 1).encode(encoding)
    assert content != GOOD.encode()
    folder = tmp_path / "bpmn/tests"
    folder.mkdir(parents=True)
    file = folder / "callback.bpmn"
    file.write_bytes(content)
    assert read_folder(tmp_path) == {"bpmn/tests/callback.bpmn": GOOD.encode()}
    told = [
        [(one.rule, one.element, one.line) for one in lint_file(str(file), body)]
        for body in (content, GOOD.encode())
    ]
    assert told[0] == told[1]
    assert CliRunner().invoke(layout, [str(file)]).exit_code in (0, 1)
    assert load_bpmn(file.read_bytes()) is not None
    assert "粤" in file.read_text(encoding="utf-8") or "回访" in file.read_text(encoding="utf-8")


def test_a_file_that_contradicts_itself_is_refused_and_stays_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.bpmn"
    file.write_bytes(content := GOOD.replace('encoding="UTF-8"', 'encoding="GB18030"', 1).encode())
    with pytest.raises(InvalidFile, match="the file declares GB18030"):
        load_bpmn(content)
    result = CliRunner().invoke(layout, [str(file)])
    assert (result.exit_code, file.read_bytes()) == (1, content)
