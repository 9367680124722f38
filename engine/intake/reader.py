"""From rows of a file to complaints, by a mapping; every row that cannot become one says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from engine.base.errors import InvalidFile
from engine.base.spreadsheets import spoilt
from engine.base.texts import seen

from .lines import BadRow, RawRow, read_rows
from .mapping import Mapping

MAX_TEXT = 20_000  #: characters of one complaint; the form allows 2,000, a longer one must be shortened there
MAX_ID = 64  #: characters of a ticket number
EARLIEST = 1970  #: first year believed


@dataclass(frozen=True, slots=True)
class Complaint:
    """One good row.

    ``data`` is what the case starts with (names of the form F0 and ``source_…``), ``received_at`` its instant.
    """

    line: int
    external_id: str
    received_at: str
    subject: str
    text: str
    data: dict[str, Any]


class _ComplaintError(Exception):
    """Why a row is no complaint."""


def read_file(
    path: Path, mapping: Mapping, *, now: str, on_bytes: Callable[[int], object] | None = None
) -> Iterator[Complaint | BadRow]:
    """The rows of the file at ``path``, in order; ``now`` (ISO, UTC) bounds what may have happened.

    ``on_bytes`` hears how many bytes were read. Raises InvalidFile when the header lacks a column.
    """
    with path.open("rb") as file:
        for row in read(file, mapping, now=now):
            if on_bytes is not None:
                on_bytes(file.tell())
            yield row


def read(file: BinaryIO, mapping: Mapping, *, now: str) -> Iterator[Complaint | BadRow]:
    """As :func:`read_file`, from an open binary file."""
    place: dict[str, int] = {}
    rows = read_rows(file, mapping.encoding, lambda cells: _has_time(cells, place, mapping))
    place |= _header(next(rows, None), mapping)
    before: dict[str, tuple[int, bytes]] = {}
    latest = datetime.fromisoformat(now)
    for row in rows:
        if isinstance(row, BadRow):
            yield row
            continue
        try:
            complaint = _complaint(row, place, mapping, latest)
            _check_repeat(complaint, before)
        except _ComplaintError as error:
            yield BadRow(row.line, str(error))
        else:
            yield complaint


def _header(row: RawRow | BadRow | None, mapping: Mapping) -> dict[str, int]:
    """Column → its place in a row."""
    if not isinstance(row, RawRow):
        raise InvalidFile(f"the file has no header that can be read: {row.reason if row else 'it is empty'}")
    cells = [seen(cell).strip() for cell in row.cells]
    if missing := [column for column in mapping.columns if column not in cells]:
        raise InvalidFile(f"the file lacks the columns {missing} of mapping {mapping.name!r}; it has {cells}")
    return {column: cells.index(column) for column in mapping.columns}


def _has_time(cells: list[str], place: dict[str, int], mapping: Mapping) -> bool:
    try:
        _local(" ".join(seen(cells[place[column]]).strip() for column in mapping.time_columns), mapping)
    except (ValueError, KeyError):
        return False
    return True


def _complaint(row: RawRow, place: dict[str, int], mapping: Mapping, latest: datetime) -> Complaint:
    def cell(column: str) -> str:
        return seen(row.cells[place[column]]).strip()

    ticket = _ticket(cell(mapping.id_column))
    text = cell(mapping.text_column)
    subject = cell(mapping.subject_column) if mapping.subject_column else ""
    content = text if not subject or text.startswith(subject) else f"{subject}\n{text}".rstrip()
    if not content:
        raise _ComplaintError("the complaint has no text")
    if len(content) > MAX_TEXT:
        raise _ComplaintError(f"a text of {len(content):,} characters; at most {MAX_TEXT:,}")
    received = _instant([cell(column) for column in mapping.time_columns], mapping, latest)
    data = {
        **mapping.constants,
        "channel": _channel(cell(mapping.channel_column) if mapping.channel_column else "", mapping),
        "received_at": received,
        "content": content,
        "place": ", ".join(part for column in mapping.place_columns if (part := cell(column))),
        "source": mapping.name,
        "source_ticket": ticket,
        "source_status": cell(mapping.status_column) if mapping.status_column else "",
        **{name: cell(column) for name, column in mapping.keep.items()},
    }
    given = {name: value for name, value in data.items() if value != ""}
    return Complaint(row.line, mapping.id_prefix + ticket, received, subject, text, given)


def _local(written: str, mapping: Mapping) -> datetime:
    return datetime.strptime(written, mapping.time_format).replace(tzinfo=mapping.zone)


def _ticket(text: str) -> str:
    if not text:
        raise _ComplaintError("no ticket number")
    if what := spoilt(text):
        raise _ComplaintError(
            f"ticket number {text[:20]!r} is not what it was: a spreadsheet made {what} of it; format the column as "
            "text there, and export the file again"
        )
    if len(text) > MAX_ID or not text.isprintable():
        raise _ComplaintError(
            f"ticket number {text[:20]!r} is not printable text of at most {MAX_ID} characters"
        )
    return text


def _channel(word: str, mapping: Mapping) -> str:
    if mapping.channel_always is not None:
        return mapping.channel_always
    if word not in mapping.channel_words:
        known = ", ".join(mapping.channel_words)
        raise _ComplaintError(
            f"unknown channel {word[:40]!r}; {mapping.name} knows {known}" if word else "no channel"
        )
    return mapping.channel_words[word]


def _instant(parts: list[str], mapping: Mapping, latest: datetime) -> str:
    """The instant in UTC of the date and time cells, which are local to the mapping's zone."""
    for part, column in zip(parts, mapping.time_columns, strict=True):
        if not part:
            raise _ComplaintError(f"nothing in {column!r}")
    written = " ".join(parts)
    try:
        local = _local(written, mapping)
        instant = local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if "out of range" in str(error):
            raise _ComplaintError(f"there is no such date or time: {written[:40]!r}") from None
        raise _ComplaintError(f"date {written[:40]!r} is not written {mapping.time_looks_like}") from None
    if local.year < EARLIEST:
        raise _ComplaintError(f"date {written[:40]!r} is before {EARLIEST}")
    if instant > latest:
        raise _ComplaintError(f"date {written[:40]!r} lies in the future")
    return instant.isoformat(timespec="seconds")


def _check_repeat(complaint: Complaint, known: dict[str, tuple[int, bytes]]) -> None:
    """Refuse a ticket number that came before with another text; the same row twice is one complaint."""
    digest = sha256(complaint.data["content"].encode()).digest()
    line, before = known.setdefault(complaint.external_id, (complaint.line, digest))
    if before != digest:
        ticket = complaint.data["source_ticket"]
        raise _ComplaintError(f"ticket {ticket!r} stands on line {line} with another text")
