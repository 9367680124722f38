"""Complaints from rows: what a mapping makes of them and why some are refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from engine.base.errors import InvalidFile, NotFound
from engine.intake import mapping
from engine.intake.lines import BadRow
from engine.intake.reader import MAX_TEXT, Complaint, read, read_file
from tests.real_data import SAMPLE, complaints, folder

NOW = "2026-04-01T00:00:00+00:00"
HEAD = "ticket,received,channel,district,complaint,status\n"


def sample(*lines: str) -> list[Complaint | BadRow]:
    return list(read(io.BytesIO((HEAD + "\n".join(lines)).encode()), mapping.load("sample"), now=NOW))


def test_a_row_becomes_start_data_and_keeps_what_the_source_has() -> None:
    (row,) = sample("S1,2026-03-02 09:12,电话,滨河区,断网,新建")
    assert isinstance(row, Complaint)
    assert row.external_id == "sample-S1"
    assert row.received_at == "2026-03-02T01:12:00+00:00"
    assert row.data == {
        "channel": "phone",
        "received_at": "2026-03-02T01:12:00+00:00",
        "content": "断网",
        "place": "滨河区",
        "source": "sample",
        "source_ticket": "S1",
        "source_status": "新建",
    }


def test_one_character_is_enough_and_empty_cells_are_left_out() -> None:
    (row,) = sample("S1,2026-03-02 09:12,电话,,卡,")
    assert isinstance(row, Complaint)
    assert row.text == "卡"
    assert not {"place", "source_status"} & set(row.data)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("S1,,电话,,断网,", "nothing in 'received'"),
        ("S1,2026-02-31 09:12,电话,,断网,", "there is no such date or time: '2026-02-31 09:12'"),
        ("S1,2026-03-02 25:12,电话,,断网,", "date '2026-03-02 25:12' is not written YYYY-MM-DD HH:MM"),
        ("S1,2.3.2026,电话,,断网,", "date '2.3.2026' is not written YYYY-MM-DD HH:MM"),
        ("S1,2027-03-02 09:12,电话,,断网,", "date '2027-03-02 09:12' lies in the future"),
        ("S1,1815-06-18 09:12,电话,,断网,", "date '1815-06-18 09:12' is before 1970"),
        ("S1,2026-03-02 09:12,信鸽,,断网,", "unknown channel '信鸽'"),
        ("S1,2026-03-02 09:12,,,断网,", "no channel"),
        ("S1,2026-03-02 09:12,电话,,   ,", "the complaint has no text"),
        (",2026-03-02 09:12,电话,,断网,", "no ticket number"),
        ("S\x071,2026-03-02 09:12,电话,,断网,", "ticket number"),
        (f"S1,2026-03-02 09:12,电话,,{'长' * (MAX_TEXT + 1)},", "a text of 20,001 characters"),
    ],
)
def test_a_row_that_is_no_complaint_says_why(line: str, reason: str) -> None:
    (row,) = sample(line)
    assert isinstance(row, BadRow)
    assert row.line == 2
    assert row.reason.startswith(reason)


def test_a_ticket_number_with_another_text_is_refused_and_the_same_row_again_is_not() -> None:
    first, again, other = sample(
        *[f"S1,2026-03-02 09:12,电话,,{text},新建" for text in ("断网", "断网", "掉线")]
    )
    assert isinstance(first, Complaint)
    assert isinstance(again, Complaint)
    assert other == BadRow(4, "ticket 'S1' stands on line 2 with another text")


def test_a_file_without_a_needed_column_is_refused_as_a_whole() -> None:
    with pytest.raises(InvalidFile, match=r"lacks the columns \['complaint'"):
        list(read(io.BytesIO(b"ticket,received,channel,district,status\n"), mapping.load("sample"), now=NOW))
    with pytest.raises(InvalidFile, match="it is empty"):
        list(read(io.BytesIO(b""), mapping.load("sample"), now=NOW))


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    content = b"\xef\xbb\xbf" + (HEAD + "S1,2026-03-02 09:12,电话,,断网,新建").encode()
    assert [type(row) for row in read(io.BytesIO(content), mapping.load("sample"), now=NOW)] == [Complaint]


@pytest.mark.parametrize("name", mapping.names())
def test_every_mapping_that_ships_can_be_loaded(name: str) -> None:
    assert mapping.load(name).name == name


def test_an_unknown_mapping_names_those_there_are() -> None:
    with pytest.raises(NotFound, match="comcast, sample, telecom_zh"):
        mapping.load("nobody")


@pytest.mark.parametrize(
    "change",
    [
        {"channel": {}},
        {"channel": {"always": "pigeon"}},
        {"zone": "Mars/Base"},
        {"colour": 1},
        {"text": None},
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused(change: dict[str, object]) -> None:
    raw = json.loads((mapping.FOLDER / "sample.json").read_bytes())
    with pytest.raises(InvalidFile):
        mapping.parse(json.dumps(raw | change).encode())


def test_the_shipped_sample_is_good_throughout() -> None:
    found = list(read_file(SAMPLE, mapping.load("sample"), now=NOW))
    assert [row for row in found if isinstance(row, BadRow)] == []
    assert len(found) == 40


def test_real_files_are_read_completely() -> None:
    path, source = complaints()
    heard: list[int] = []
    found = list(read_file(path, source, now=NOW, on_bytes=heard.append))
    assert [row for row in found if isinstance(row, BadRow)] == []
    assert len(found) == (851 if source.name == "comcast" else 40)
    assert heard[-1] == path.stat().st_size
    if (real := folder()) is not None:
        chinese = list(read_file(real / "complaints" / "telecom_zh.csv", mapping.load("telecom_zh"), now=NOW))
        assert [type(row) for row in chinese] == [Complaint] * 12


def test_real_data_that_is_named_but_absent_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GONGDAN_REAL_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(AssertionError, match="points nowhere"):
        folder()
