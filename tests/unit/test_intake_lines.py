"""Rows of a CSV file, however spoiled their neighbours are."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.intake.lines import MAX_ROW_BYTES, BadRow, RawRow, read_rows


def rows(content: bytes, encoding: str = "utf-8") -> list[RawRow | BadRow]:
    return list(read_rows(io.BytesIO(content), encoding, lambda cells: cells[0].isdigit()))


def test_reads_cells_with_their_line_numbers() -> None:
    assert rows(b"a,b\r\n1,2\r\n\r\n3,4") == [
        RawRow(1, ["a", "b"]),
        RawRow(2, ["1", "2"]),
        RawRow(4, ["3", "4"]),
    ]


def test_a_quoted_cell_may_go_over_lines() -> None:
    assert rows(b'a,b\n1,"x\ny, ""z""\n"\n2,w\n')[1:] == [
        RawRow(2, ["1", 'x\ny, "z"\n']),
        RawRow(5, ["2", "w"]),
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"1,2,3", "too many columns: 3, the header has 2"),
        (b"1", "too few columns: 1, the header has 2"),
        (b"1,\xb7\xe8", "not utf-8: byte 0xb7 at byte 3 of the line"),
        (b"1,x\0y", "a NUL byte at byte 4 of the line"),
        (b'1,"open', "a quote is opened and never closed"),
        (b'1,"x"y', "quotes are wrong"),
        (b"1," + b"x" * 1_048_576, f"row longer than {MAX_ROW_BYTES:,} bytes"),
    ],
)
def test_a_bad_row_is_named_and_its_neighbours_stay(bad: bytes, reason: str) -> None:
    found = rows(b"a,b\n0,before\n" + bad + b'\n7,"a, quoted"\n8,after\n')
    assert [row for row in found if isinstance(row, RawRow)] == [
        RawRow(1, ["a", "b"]),
        RawRow(2, ["0", "before"]),
        RawRow(4, ["7", "a, quoted"]),
        RawRow(5, ["8", "after"]),
    ]
    (refused,) = (row for row in found if isinstance(row, BadRow))
    assert refused.line == 3
    assert refused.reason.startswith(reason)


def test_an_unclosed_quote_in_the_last_line_is_named() -> None:
    assert rows(b'a,b\n1,2\n3,"four\n')[-1] == BadRow(3, "a quote is opened and never closed")


def test_other_encodings_are_read_by_their_name() -> None:
    assert rows("号,文\n1,断网".encode("gb18030"), "gb18030")[1] == RawRow(2, ["1", "断网"])


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=8))
def test_reads_what_the_csv_module_writes(table: list[tuple[str, str, str]]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([("h1", "h2", "h3"), *table])
    found = rows(written.getvalue().encode())
    # A text may hold a line that looks like a whole row; only then may the reader take it for one.
    if not any(line.count(",") == 2 for row in table for cell in row for line in cell.split("\n")[1:-1]):
        said = [list(row) for row in table if any(map(str.strip, row))]
        assert [row.cells for row in found if isinstance(row, RawRow)][1:] == said


def test_an_unclosed_quote_does_not_swallow_rows_up_to_the_next_quote() -> None:
    found = rows(b'a,b\n1,"open\n2,whole\n3,15" pipe,x"\n')
    assert found[1:3] == [BadRow(2, "a quote is opened and never closed"), RawRow(3, ["2", "whole"])]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=40).filter(lambda b: b"\n" not in b), max_size=6), st.integers(0, 6))
def test_rubbish_never_takes_good_rows_away(rubbish: list[bytes], position: int) -> None:
    lines = [b"id,text,date"] + [f"{n},good row {n},2026-01-0{n}".encode() for n in range(1, 7)]
    spoiled = lines[: position + 1] + rubbish + lines[position + 1 :]
    found = rows(b"\n".join(spoiled))
    good = [row.cells[1] for row in found if isinstance(row, RawRow)]
    assert [f"good row {n}" for n in range(1, 7)] == [text for text in good if text.startswith("good row")]
