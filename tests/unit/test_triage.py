"""Triage: the table decides, the labels of 100 real complaints say how well."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from engine.base.errors import InvalidFile
from engine.base.settings import CHECKOUT
from engine.intake.mapping import load
from engine.intake.reader import Complaint, read_file
from engine.intake.triage import TABLE, TriageTable
from tests.real_data import folder

LABELS = CHECKOUT / "tests" / "data" / "triage_labels.csv"
IMPORTED = {
    "network_fault_consultation",
    "number_request_consultation",
    "billing_dispute",
    "cantonese_callback",
    "general_complaint",
}


@pytest.fixture(scope="module")
def table() -> TriageTable:
    return TriageTable((CHECKOUT / TABLE).read_bytes())


@pytest.mark.parametrize(
    ("text", "process", "rule"),
    [
        ("Internet Outage", "network_fault_consultation", "fault"),
        ("网速太慢", "network_fault_consultation", "fault"),
        ("宽带资源什么时候覆盖我村", "network_fault_consultation", "coverage"),
        ("Overbilled again", "billing_dispute", "charge"),
        ("I feel ignored", "general_complaint", "other"),  # "fee " is a word, not the beginning of one
        ("we used 300GB", "billing_dispute", "data_allowance"),
        ("Slower than what I pay for: 3mbps", "network_fault_consultation", "speed_not_as_paid"),
        ("无故扣费五元", "billing_dispute", "charge"),
        ("I want to keep my number", "number_request_consultation", "number"),
        ("想办靓号", "number_request_consultation", "number"),
        ("请用粤语回复", "cantonese_callback", "language"),
        ("", "general_complaint", "other"),
        ("卡", "general_complaint", "other"),
    ],
)
def test_the_first_rule_that_matches_decides(table: TriageTable, text: str, process: str, rule: str) -> None:
    triage = table.decide(text)
    assert (triage.process, triage.rule) == (process, rule)


def test_the_subject_is_asked_before_the_text(table: TriageTable) -> None:
    text = "信号不好，不行我就携号转网"
    assert table.decide(text).rule == "number"
    assert table.decide(text, subject="移动信号时有时无").rule == "fault"
    assert table.decide(text, subject="来信").rule == "number"


def test_the_table_names_exactly_the_processes_that_files_may_start(table: TriageTable) -> None:
    assert set(table.processes) == IMPORTED


def test_a_table_that_does_not_take_every_text_is_refused() -> None:
    broken = (
        (CHECKOUT / TABLE)
        .read_bytes()
        .replace(
            b'<inputEntry id="other_not"><text>-<', b'<inputEntry id="other_not"><text>not mentions(?, "x")<'
        )
    )
    with pytest.raises(InvalidFile, match="must take every text"):
        TriageTable(broken)


def test_a_table_that_calls_something_else_is_refused() -> None:
    broken = (CHECKOUT / TABLE).read_bytes().replace(b'mentions(?, "cantonese', b'guess(?, "cantonese')
    with pytest.raises(InvalidFile, match="guess"):
        TriageTable(broken)


def labels() -> dict[str, str]:
    with LABELS.open(encoding="utf-8", newline="") as file:
        return {row["ticket"]: row["label"] for row in csv.DictReader(file)}


def test_there_are_a_hundred_labels_of_known_processes() -> None:
    assert len(labels()) == 100
    assert set(labels().values()) <= IMPORTED


def real_complaints() -> list[Complaint]:
    real = folder()
    if real is None:
        return []
    path = real / "complaints" / "comcast_2015_01_05.csv"
    rows = read_file(path, load("comcast"), now="2026-01-01T00:00:00+00:00")
    return [row for row in rows if isinstance(row, Complaint)]


def test_the_labelled_rows_are_the_sample_that_the_rule_describes() -> None:
    rows = real_complaints()
    if rows:
        assert drawn(rows) == set(labels())


def drawn(rows: list[Complaint]) -> set[str]:
    rng = random.Random(20150401)
    channels: dict[str, list[str]] = {}
    for row in rows:
        channels.setdefault(row.data["channel"], []).append(row.data["source_ticket"])
    sample: set[str] = set()
    for channel in ("phone", "web_form"):  # "Customer Care Call", "Internet"
        tickets = sorted(channels[channel])
        sample |= set(rng.sample(tickets, round(100 * len(tickets) / len(rows))))
    return sample


def test_at_least_eighty_in_a_hundred_go_where_a_person_sent_them(table: TriageTable) -> None:
    by_ticket = {row.data["source_ticket"]: row for row in real_complaints()}
    right = [
        table.decide(by_ticket[ticket].text).process == label
        for ticket, label in labels().items()
        if ticket in by_ticket
    ]
    assert not by_ticket or (len(right) == 100 and sum(right) >= 95)  # 97 when the labels were made


def test_chinese_complaints_go_to_the_right_desk(table: TriageTable) -> None:
    real = folder()
    path = real / "complaints" / "telecom_zh.csv" if real else Path()
    if real is None:
        return
    rows = read_file(path, load("telecom_zh"), now="2026-01-01T00:00:00+00:00")
    found = {
        row.data["source_ticket"]: table.decide(row.text, row.subject).process
        for row in rows
        if isinstance(row, Complaint)
    }
    network = {"192427", "223313", "234930", "258510", "83205", "85072", "126686"}
    assert {ticket for ticket, process in found.items() if process == "network_fault_consultation"} == network
    assert {ticket for ticket, process in found.items() if process == "billing_dispute"} == {
        "42561",
        "209864",
        "267267",
    }
    assert found["139283"] == "number_request_consultation"
    assert found["16954"] == "general_complaint"
