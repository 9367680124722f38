"""Files are what their names say, by their content: pictures, sound, text, documents looked into."""

from __future__ import annotations

import io
import zipfile

import pytest

from engine.forms import contents

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def packed(main: str, called: str, **more: str) -> bytes:
    """An archive with a list of parts that calls its main part so."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml", f'<Types><Override PartName="/{main}" ContentType="{called}"/></Types>'
        )
        archive.writestr(main, "<x/>")
        for name, text in more.items():
            archive.writestr(name.replace("__", "/"), text)
    return made.getvalue()


GOOD = {
    ".pdf": [b"%PDF-1.7 x"],
    ".png": [b"\x89PNG\r\n\x1a\n" + bytes(20)],
    ".jpg": [b"\xff\xd8\xff\xe0" + bytes(20)],
    ".jpeg": [b"\xff\xd8\xff\xdb" + bytes(20)],
    ".webp": [b"RIFF\n\n\n\nWEBPVP8 "],
    ".wav": [b"RIFF\n\n\n\nWAVEfmt "],
    ".mp3": [b"ID3\x04" + bytes(9), b"\xff\xfb\x90\x00", b"\xff\xf3\x90\x00"],
    ".amr": [b"#!AMR\n" + bytes(9), b"#!AMR-WB\n"],
    ".txt": [
        "投诉\t内容\r\n".encode(),
        "投诉内容".encode("gb18030"),
        "投诉".encode("utf-16"),
        b"\xef\xbb\xbfa",
    ],
    ".csv": [b"a,b\r\n1,2\r\n"],
    ".docx": [packed("word/document.xml", WORD)],
    ".xlsx": [packed("xl/workbook.xml", EXCEL)],
}
CASES = [(ending, content) for ending, several in GOOD.items() for content in several]
TEXTS = {".txt", ".csv"}
KIN = {".jpg": ".jpeg", ".jpeg": ".jpg"}


@pytest.mark.parametrize(("ending", "content"), CASES)
def test_a_file_passes_as_what_it_is_and_as_nothing_else(ending: str, content: bytes) -> None:
    contents.check(ending, content)
    for other in GOOD.keys() - TEXTS - {ending, KIN.get(ending)}:  # beginnings of many formats are text, too
        with pytest.raises(contents.Other):
            contents.check(other, content)


@pytest.mark.parametrize(
    "content", [b"MZ\x90\x00\x03", b"\x7fELF\x02\x01", b"PK\x03\x04\x14\x00\x00\x00", b"a\x00b"]
)
@pytest.mark.parametrize("ending", GOOD)
def test_programs_and_archives_pass_as_nothing(ending: str, content: bytes) -> None:
    with pytest.raises(contents.Other):
        contents.check(ending, content)


@pytest.mark.parametrize(
    ("content", "programs"),
    [
        (packed("word/document.xml", WORD.replace("document.main", "template.main")), False),
        (packed("word/document.xml", "application/vnd.ms-word.document.macroEnabled.main+xml"), True),
        (packed("word/document.xml", WORD, word__vbaProject="x"), True),
        (packed("xl/workbook.xml", WORD), False),
        (packed("word/other.xml", WORD), False),
        (packed("word/document.xml", WORD)[:-30], False),
        (packed("word/document.xml", WORD, **{f"part{n}": "" for n in range(contents.MOST_PARTS)}), False),
    ],
    ids=[
        "template",
        "macros",
        "programs inside",
        "Excel's part",
        "no main part",
        "cut short",
        "too many parts",
    ],
)
def test_a_document_is_looked_into(content: bytes, programs: bool) -> None:
    with pytest.raises(contents.Other) as refused:
        contents.check(".docx", content)
    assert refused.value.programs is programs


def test_a_document_that_would_fill_the_memory_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "MOST_UNPACKED", 1 << 20)
    bomb = packed("word/document.xml", WORD, big="x" * (2 << 20))
    assert len(bomb) < 10_000
    with pytest.raises(contents.Other):
        contents.check(".docx", bomb)
