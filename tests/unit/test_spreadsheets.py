"""Files as spreadsheets write them, whatever their encoding and line ends, and values that spreadsheets spoil."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.spreadsheets import SAMPLE, encoding_of, spoilt, text_of
from engine.intake import mapping
from engine.intake.lines import BadRow, RawRow, read_rows
from engine.intake.reader import Complaint, read

NOW = "2026-04-01T00:00:00+00:00"
HEAD = '"ticket","received","channel","district","complaint","status"'
ROWS = [
    '"S1","2026-03-02 09:12","电话","滨河区","断网","新建"',
    '"S2","2026-03-02 09:13","网页","","网速太慢,多次","新建"',
]
WRITTEN = {
    "plain": (b"", "utf-8", "\n"),
    "mark": (b"\xef\xbb\xbf", "utf-8", "\r\n"),
    "returns": (b"", "utf-8", "\r"),
    "mark and returns": (b"\xef\xbb\xbf", "utf-8", "\r"),
    "utf-16 of Excel": (b"\xff\xfe", "utf-16-le", "\r\n"),
    "utf-16, the other way": (b"\xfe\xff", "utf-16-be", "\n"),
    "utf-16 without a mark": (b"", "utf-16-le", "\r\n"),
    "utf-16 with returns": (b"\xff\xfe", "utf-16-le", "\r"),
    "gb18030": (b"", "gb18030", "\r\n"),
    "gb18030 with returns": (b"", "gb18030", "\r"),
}


def sample(content: bytes) -> list[Complaint | BadRow]:
    return list(read(io.BytesIO(content), mapping.load("sample"), now=NOW))


@pytest.mark.parametrize("how", WRITTEN)
def test_the_same_table_is_read_however_it_was_written(how: str) -> None:
    mark, encoding, end = WRITTEN[how]
    first, second = sample(mark + end.join([HEAD, *ROWS, ""]).encode(encoding))
    assert isinstance(first, Complaint)
    assert isinstance(second, Complaint)
    assert (first.external_id, first.text, first.data["place"]) == ("sample-S1", "断网", "滨河区")
    assert (second.external_id, second.text, second.line) == ("sample-S2", "网速太慢,多次", 3)


def test_one_line_in_another_encoding_is_one_bad_row_as_before() -> None:
    found = sample("\n".join([HEAD, ROWS[0]]).encode() + b"\n" + ROWS[1].encode("gb18030"))
    assert [type(row) for row in found] == [Complaint, BadRow]


def test_letters_of_latin_1_are_no_chinese() -> None:
    found = sample(
        "\n".join([HEAD, *ROWS])
        .replace("断网", "cafés")
        .replace("网速太慢", "élèves")
        .encode("latin-1", "replace")
    )
    assert [type(row) for row in found] == [BadRow, BadRow]


def test_a_file_that_its_mapping_calls_gb18030_may_have_become_utf_8() -> None:
    assert encoding_of("工单,时间\n断网,三月\n".encode(), "gbk") == ("utf-8", 0)
    assert encoding_of("联通".encode("gbk"), "gbk") == ("gbk", 0), "which happens to be UTF-8, too"
    assert encoding_of("工单,时间\n".encode("gb18030"), "gb18030") == ("gb18030", 0)
    assert encoding_of("café".encode("latin-1"), "latin-1") == ("latin-1", 0)


@pytest.mark.parametrize("blank", [",,,,,", " , ,,,,", '"","",,,,', ",,", ",,,,,,,,,"])
def test_rows_of_commas_are_blank_and_lines_keep_their_numbers(blank: str) -> None:
    found = sample("\n".join([HEAD, blank, ROWS[0], blank, blank, ROWS[1], blank]).encode())
    assert [row.line for row in found] == [3, 6]
    assert all(isinstance(row, Complaint) for row in found)


@pytest.mark.parametrize(
    "word",
    [
        '="0013"',
        "=0013",
        "@SUM(A1)",
        "2.02603E+11",
        "1E+15",
        "2,02603E+11",
        "########",
        "#N/A",
        "#REF!",
        "13.0",
        "20260301.00",
    ],
)
def test_an_id_that_a_spreadsheet_spoilt_is_named(word: str) -> None:
    assert spoilt(word)
    quoted = word.replace('"', '""')
    bad, good = sample(f"{HEAD}\n{ROWS[0].replace('S1', quoted)}\n{ROWS[1]}".encode())
    assert isinstance(bad, BadRow)
    assert repr(word[:20]) in bad.reason
    assert "format the column as text" in bad.reason
    assert isinstance(good, Complaint)


@pytest.mark.parametrize(
    "word", ["0013", "S-13", "2026E11", "1.2.3", "#13", "13.5", "E+11", "260302-00017-4", "a=b"]
)
def test_an_id_that_only_looks_odd_is_taken(word: str) -> None:
    (row,) = sample(f"{HEAD}\n{ROWS[0].replace('S1', word)}".encode())
    assert isinstance(row, Complaint)
    assert row.external_id == f"sample-{word}"


def test_marks_that_nobody_sees_are_no_part_of_a_cell() -> None:
    row = ROWS[0].replace("S1", "\ufeffS\u200b1\u202c").replace("电话", "\u2068电话\u2069")
    (found,) = sample(f"\ufeff{HEAD.replace('ticket', chr(0x200E) + 'ticket')}\n{row}".encode())
    assert isinstance(found, Complaint)
    assert (found.external_id, found.data["channel"]) == ("sample-S1", "phone")


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0\ufeff"), max_size=30), max_size=20
    ),
    st.sampled_from(["utf-16-le", "utf-16-be"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_utf_16_gives_the_rows_that_utf_8_gives(texts: list[str], encoding: str, end: str) -> None:
    table = end.join(['"a","b"', *(f'"{text.replace(chr(34), "")}","x"' for text in texts)])
    wide = list(read_rows(io.BytesIO(("\ufeff" + table).encode(encoding)), "utf-8"))
    assert wide == list(
        read_rows(io.BytesIO(table.replace("\r\n", "\n").replace("\r", "\n").encode()), "utf-8")
    )


def test_a_long_file_in_utf_16_is_read_to_its_end_and_half_a_character_spoils_one_row() -> None:
    rows = [f"{n},断网" for n in range(SAMPLE // 4)]
    content = ("\ufeff" + "\n".join(["id,text", *rows, "x,\ud800", "y,好"])).encode(
        "utf-16-le", "surrogatepass"
    )
    found = list(read_rows(io.BytesIO(content), "utf-8"))
    assert found[1:-2] == [RawRow(n + 2, row.split(",")) for n, row in enumerate(rows)]
    assert isinstance(found[-2], BadRow)
    assert found[-1] == RawRow(len(rows) + 3, ["y", "好"])


def test_a_whole_file_is_text_or_none() -> None:
    for mark, encoding, end in WRITTEN.values():
        assert text_of(mark + end.join([HEAD, *ROWS]).encode(encoding)) == end.join([HEAD, *ROWS])
    assert text_of(b"name\n\xff\xfe\xfd\x80") is None
