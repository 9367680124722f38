"""Rows of a CSV file as somebody else wrote it: one spoiled row never takes its neighbours with it.

The ``csv`` module alone reads an unclosed quote as a cell that swallows the rest of the file, and one byte
in another encoding ends the whole reading. So the file is cut into physical lines first, each is decoded by
itself, and a row that goes over several lines is only believed when it closes and has the right number of
columns.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from engine.base.spreadsheets import lines_of

MAX_ROW_BYTES = 256 * 1024  #: a longer row is refused; a complaint has at most 2,000 characters on the form
MAX_LINES = 100  #: a row may go over this many lines


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is left out: its line in the file (the header is line 1) and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class RawRow:
    """The cells of one row and the line it begins on."""

    line: int
    cells: list[str]


class _RowError(Exception):
    """Why a row cannot be read."""


class _UnclosedError(Exception):
    """The line ends inside a quoted cell."""


def read_rows(
    file: BinaryIO, encoding: str, is_row: Callable[[list[str]], bool] = lambda cells: True
) -> Iterator[RawRow | BadRow]:
    """The rows of ``file`` in order, header included; blank lines are passed over.

    Streams: never holds more than :data:`MAX_LINES` lines. ``encoding`` must write a line end as one byte; what a
    spreadsheet wrote otherwise is read as that (:func:`engine.base.spreadsheets.lines_of`). Rows of empty cells, which
    it leaves below a table, are blank.
    ``is_row`` tells the cells of a real row from a line of somebody's text that happens to hold as many
    commas; it is asked only inside a cell that goes over several lines.
    """
    opened, found = lines_of(file, encoding)
    return _Reader(opened, found, is_row).rows()


class _Reader:
    def __init__(self, file: BinaryIO, encoding: str, is_row: Callable[[list[str]], bool]) -> None:
        self.encoding = encoding
        self.is_row = is_row
        self.columns: int | None = None
        self.lines = _lines(file)
        self.waiting: deque[tuple[int, bytes]] = deque()  #: lines looked at and put back

    def rows(self) -> Iterator[RawRow | BadRow]:
        while (following := self.next_line()) is not None:
            number, content = following
            if not content.strip():
                continue
            try:
                cells = self.row(content)
            except _RowError as error:
                yield BadRow(number, str(error))
                continue
            if cells:
                yield RawRow(number, cells)

    def next_line(self) -> tuple[int, bytes] | None:
        return self.waiting.popleft() if self.waiting else next(self.lines, None)

    def row(self, content: bytes) -> list[str]:
        """The cells; none of a row in which nothing stands."""
        text = self.decoded(content)
        try:
            cells = _cells(text)
        except _UnclosedError:
            cells = self.over_lines(text)
        if not any(cell.strip() for cell in cells):
            return []
        if self.columns is None:
            self.columns = len(cells)
        if len(cells) != self.columns:
            word = "few" if len(cells) < self.columns else "many"
            raise _RowError(f"too {word} columns: {len(cells)}, the header has {self.columns}")
        return cells

    def decoded(self, content: bytes) -> str:
        if len(content) > MAX_ROW_BYTES:
            raise _RowError(f"row longer than {MAX_ROW_BYTES:,} bytes")
        if b"\0" in content:
            raise _RowError(f"a NUL byte at byte {content.index(0) + 1} of the line")
        try:
            return content.decode(self.encoding)
        except UnicodeDecodeError as error:
            place = f"byte 0x{content[error.start]:02x} at byte {error.start + 1} of the line"
            raise _RowError(f"not {self.encoding}: {place}") from None

    def over_lines(self, first: str) -> list[str]:
        """The cells of a row whose quoted cell goes on over the next lines.

        When it does not close into a whole row, or when a following line is a row by itself, the quote was
        simply never closed: the lines taken are put back and only the first is refused.
        """
        taken: list[tuple[int, bytes]] = []
        text = first
        try:
            while len(taken) < MAX_LINES and len(text) <= MAX_ROW_BYTES:
                if (following := self.next_line()) is None:
                    break
                taken.append(following)
                line = self.decoded(following[1])
                if self.is_whole(line):
                    break
                text += f"\n{line}"
                try:
                    cells = _cells(text)
                except _UnclosedError:
                    continue
                if self.columns in (None, len(cells)):
                    return cells
                break
        except _RowError:
            pass  # of the joined lines, or of one among them, which will be judged by itself
        self.waiting.extendleft(reversed(taken))
        raise _RowError("a quote is opened and never closed")

    def is_whole(self, line: str) -> bool:
        """Whether a line is a row by itself. (One that closes a quoted cell has an odd number of quotes.)"""
        if line.count('"') % 2:
            return False
        try:
            cells = _cells(line)
        except (_UnclosedError, _RowError):
            return False
        return len(cells) == self.columns and self.is_row(cells)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Physical lines with their numbers; of one that is too long only the beginning."""
    number = 0
    while content := file.readline(MAX_ROW_BYTES + 1):
        number += 1
        rest = content
        while len(rest) > MAX_ROW_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(MAX_ROW_BYTES + 1)
        yield number, content if len(content) > MAX_ROW_BYTES else content.rstrip(b"\r\n")


def _cells(text: str) -> list[str]:
    try:
        return next(iter(csv.reader([text], strict=True)), [])
    except csv.Error as error:
        if "end of data" in str(error):
            raise _UnclosedError from None
        raise _RowError(f"quotes are wrong: {error}") from None
